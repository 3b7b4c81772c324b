/** Upgrades: what is one, WebSocket byte for byte, and any other protocol. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { frame, Opcode } from '../../apps/proxy-entry/src/testing/websocket-frames.ts';
import { valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';
import { agree, ASK_WEBSOCKET, assertArrives, readFrame } from './websocket-peer.ts';

const MIB = 1024 * 1024;
const SIZES = [1, 125, 126, 65_535, 65_536, MIB, 16 * MIB];
const HOST = 'Host: visited.example\r\n';
const CHAT = 'Connection: Upgrade\r\nUpgrade: line-chat\r\n';
const ASK_CHAT = `GET /session/demo/chat HTTP/1.1\r\n${HOST}${CHAT}\r\n`;
const SWITCH_TO_CHAT = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: line-chat\r\n\r\n';
/** On a connection that is not used again: the next request then makes one that the test can accept. */
const OK = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';

/** A request for `line-chat`, and the backend's end of it. */
async function askChat({ visit, backend }: RowBench): Promise<{ visitor: Wire; far: Wire }> {
  const visitor = await visit();
  visitor.send(ASK_CHAT);
  const far = await backend.accept();
  await far.readHead();
  return { visitor, far };
}

async function openChat(bench: RowBench, behind = ''): Promise<{ visitor: Wire; far: Wire }> {
  const { visitor, far } = await askChat(bench);
  far.send(SWITCH_TO_CHAT + behind);
  assert.equal((await visitor.readHead()).first, 'HTTP/1.1 101 Switching Protocols');
  return { visitor, far };
}

async function openWebSocket(bench: RowBench, behind?: Buffer): Promise<{ visitor: Wire; far: Wire }> {
  const visitor = await bench.visit();
  visitor.send(ASK_WEBSOCKET);
  return { visitor, far: await agree(visitor, bench.backend, behind) };
}

conformance('Upgrades', [], (row) => {
  row(33, 'passes on an upgrade that a GET over HTTP/1.1 asks for, with its token and fields', async (bench) => {
    const visitor = await bench.visit();
    visitor.send(
      `GET /session/demo/a%2Fb?c HTTP/1.1\r\n${HOST}connection: keep-alive, UPGRADE\r\nupgrade: Line-Chat/2\r\nX-Own: 1\r\n\r\n`,
    );
    const { first, fields } = await (await bench.backend.accept()).readHead();
    assert.equal(first, 'GET /a%2Fb?c HTTP/1.1');
    assert.deepEqual(valuesOf(fields, 'upgrade'), ['Line-Chat/2']);
    assert.deepEqual(valuesOf(fields, 'connection'), ['Upgrade']);
    assert.deepEqual(valuesOf(fields, 'x-own'), ['1']);
  });

  row(
    33,
    'takes the upgrade out of a request with another method, with a body, over HTTP/1.0, or whose Connection does not name it',
    async (bench) => {
      const path = '/session/demo/plain';
      for (const [request, body] of [
        [`POST ${path} HTTP/1.1\r\n${HOST}${CHAT}Content-Length: 0\r\n\r\n`, ''],
        [`get ${path} HTTP/1.1\r\n${HOST}${CHAT}\r\n`, ''],
        [`GET ${path} HTTP/1.1\r\n${HOST}${CHAT}Content-Length: 4\r\n\r\nbody`, 'body'],
        [`GET ${path} HTTP/1.0\r\n${HOST}${CHAT}\r\n`, ''],
        [`GET ${path} HTTP/1.1\r\n${HOST}Upgrade: line-chat\r\n\r\n`, ''],
        [`GET ${path} HTTP/1.1\r\n${HOST}Connection: keep-alive\r\nUpgrade: line-chat\r\n\r\n`, ''],
        [`GET ${path} HTTP/1.1\r\n${HOST}Connection: upgrade\r\n\r\n`, ''],
      ] as const) {
        const visitor = await bench.visit();
        visitor.send(request);
        const far = await bench.backend.accept();
        const { first, fields } = await far.readHead();
        assert.equal(first, `${request.slice(0, request.indexOf(' '))} /plain HTTP/1.1`);
        assert.deepEqual([valuesOf(fields, 'upgrade'), valuesOf(fields, 'connection')], [[], []], request);
        assert.equal(await far.readThrough(body), body);
        far.send(OK);
        assert.equal((await visitor.readHead()).first, 'HTTP/1.1 200 OK');
        await visitor.readThrough('ok');
        far.close();
      }
    },
  );

  row(33, 'asks no backend for h2c, alone or beside another token, and sends it no HTTP2-Settings', async (bench) => {
    for (const upgrade of [
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n',
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: H2C\r\n',
      'Connection: HTTP2-Settings\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n',
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n',
    ]) {
      const visitor = await bench.visit();
      visitor.send(`GET /session/demo/h2c HTTP/1.1\r\n${HOST}${upgrade}HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`);
      const far = await bench.backend.accept();
      const { fields } = await far.readHead();
      for (const name of ['upgrade', 'connection', 'http2-settings']) {
        assert.deepEqual(valuesOf(fields, name), [], `${name} of ${JSON.stringify(upgrade)}`);
      }
      far.send(OK);
      assert.equal((await visitor.readHead()).first, 'HTTP/1.1 200 OK');
      far.close();
    }
  });

  row(
    33,
    'passes an answer that is no 101 whole: counted, chunked with trailers, empty, behind a 103',
    async (bench) => {
      for (const [answer, last] of [
        [
          'HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nX-Why: token\r\nContent-Length: 9\r\n\r\nnot today',
          'not today',
        ],
        [
          'HTTP/1.1 200 OK\r\nX-Why: token\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nnot today\r\n0\r\nX-Sum: 1\r\n\r\n',
          'X-Sum: 1\r\n\r\n',
        ],
        ['HTTP/1.1 403 Forbidden\r\nX-Why: token\r\nContent-Length: 0\r\n\r\n', ''],
        ['HTTP/1.1 204 No Content\r\nX-Why: token\r\n\r\n', ''],
      ] as const) {
        const { visitor, far } = await askChat(bench);
        far.send(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer}`);
        assert.equal((await visitor.readHead()).first, 'HTTP/1.1 103 Early Hints');
        const { first, fields } = await visitor.readHead();
        assert.equal(first, answer.slice(0, answer.indexOf('\r\n')));
        assert.deepEqual(valuesOf(fields, 'x-why'), ['token']);
        const { bytes, how } = await visitor.readAll();
        assert.equal(how, 'end');
        assert(bytes.toString().endsWith(last), bytes.toString());
        assert.equal(bytes.toString().includes('not today'), answer.includes('not today'));
        far.close();
      }
    },
  );

  row(
    33,
    'answers 502 to a 101 that nobody asked for, or that switches to another protocol than was asked for',
    async (bench) => {
      const plain = `GET /session/demo/plain HTTP/1.1\r\n${HOST}\r\n`;
      for (const [request, answer] of [
        [plain, SWITCH_TO_CHAT],
        [ASK_CHAT, SWITCH_TO_CHAT.replace('line-chat', 'h2c')],
        [ASK_CHAT, SWITCH_TO_CHAT.replace('line-chat', 'line-chat, h2c')],
        [ASK_CHAT, SWITCH_TO_CHAT.replace('Upgrade: line-chat\r\n', '')],
      ] as const) {
        const visitor = await bench.visit();
        visitor.send(request);
        const far = await bench.backend.accept();
        await far.readHead();
        far.send(`${answer}smuggled`);
        const { first, fields } = await visitor.readHead();
        assert.equal(first, 'HTTP/1.1 502 Bad Gateway', answer);
        assert.deepEqual(valuesOf(fields, 'content-type'), ['application/problem+json']);
        await far.readAll();
        visitor.close();
        far.close();
      }
    },
  );

  row(34, 'brings bytes right behind the 101, and those that a visitor sent before it', async (bench) => {
    const visitor = await bench.visit();
    const early = frame(Opcode.TEXT, Buffer.from('too eager'), { isMasked: true });
    const first = frame(Opcode.TEXT, Buffer.from('hello from the first packet'));
    visitor.send(Buffer.concat([Buffer.from(ASK_WEBSOCKET), early]));
    const far = await agree(visitor, bench.backend, first);
    assert.deepEqual(await readFrame(visitor), { opcode: 1, isFinal: true, payload: 'hello from the first packet' });
    assert.deepEqual(await readFrame(far), { opcode: 1, isFinal: true, payload: 'too eager' });
    visitor.close();
    await far.readAll();
    far.close();
  });

  row(34, 'brings messages from 1 byte to 16 MiB intact, both ways', async (bench) => {
    const { visitor, far } = await openWebSocket(bench);
    for (const size of SIZES) {
      const sent = randomBytes(size);
      for (const [from, to, isMasked] of [
        [visitor, far, true],
        [far, visitor, false],
      ] as const) {
        const bytes = frame(Opcode.BINARY, sent, { isMasked });
        from.send(bytes);
        await assertArrives(to, bytes, `${size} bytes`);
      }
    }
    visitor.close();
    await far.readAll();
    far.close();
  });

  row(34, 'keeps fragments as they were cut, with pings and pongs between them', async (bench) => {
    const { visitor, far } = await openWebSocket(bench);
    for (const [from, to, isMasked] of [
      [visitor, far, true],
      [far, visitor, false],
    ] as const) {
      const frames = [
        { opcode: Opcode.TEXT, isFinal: false, payload: 'one ' },
        { opcode: Opcode.PING, isFinal: true, payload: 'there?' },
        { opcode: Opcode.CONTINUATION, isFinal: false, payload: '' },
        { opcode: Opcode.PONG, isFinal: true, payload: 'unasked' },
        { opcode: Opcode.CONTINUATION, isFinal: true, payload: 'two' },
      ];
      for (const { opcode, isFinal, payload } of frames)
        from.send(frame(opcode, Buffer.from(payload), { isFinal, isMasked }));
      for (const sent of frames) assert.deepEqual(await readFrame(to), sent);
    }
    visitor.close();
    await far.readAll();
    far.close();
  });

  row(34, "passes the close code and reason of either side, the other's answer, and then the end", async (bench) => {
    const payload = '\x10\xe1enough for today';
    for (const closer of ['visitor', 'far'] as const) {
      const { visitor, far } = await openWebSocket(bench);
      const answerer = closer === 'visitor' ? far : visitor;
      const first = closer === 'visitor' ? visitor : far;
      for (const [from, to] of [
        [first, answerer],
        [answerer, first],
      ] as const) {
        from.send(frame(Opcode.CLOSE, Buffer.from(payload, 'latin1'), { isMasked: from === visitor }));
        assert.deepEqual(await readFrame(to), { opcode: Opcode.CLOSE, isFinal: true, payload });
      }
      far.finish();
      assert.deepEqual(await visitor.readAll(), { bytes: Buffer.alloc(0), how: 'end' });
      visitor.finish();
      assert.deepEqual(await far.readAll(), { bytes: Buffer.alloc(0), how: 'end' });
    }
  });

  row(34, 'tells one side when the other vanishes', async (bench) => {
    for (const goer of ['visitor', 'far'] as const) {
      const ends = await openWebSocket(bench);
      ends[goer].reset();
      assert.equal((await ends[goer === 'visitor' ? 'far' : 'visitor'].readAll()).how, 'reset');
      ends.visitor.close();
      ends.far.close();
    }
  });

  row(
    35,
    'passes the bytes of any other protocol as they are, also right behind the 101 and from before it',
    async (bench) => {
      const { visitor, far } = await askChat(bench);
      visitor.send('\x88\x00\xff not a frame');
      far.send(`${SWITCH_TO_CHAT}\x81\x7f\r\n\r\nHTTP/1.1 200 OK`);
      await visitor.readHead();
      await visitor.readThrough('\x81\x7f\r\n\r\nHTTP/1.1 200 OK');
      await far.readThrough('\x88\x00\xff not a frame');
      visitor.close();
      await far.readAll();
      far.close();
    },
  );

  row(35, 'keeps a half-close of the visitor: the backend goes on answering', async (bench) => {
    const { visitor, far } = await openChat(bench);
    visitor.send('question');
    visitor.finish();
    assert.deepEqual(await far.readAll(), { bytes: Buffer.from('question'), how: 'end' });
    far.send('a long ');
    await visitor.readThrough('a long ');
    far.send('answer');
    far.finish();
    assert.deepEqual(await visitor.readAll(), { bytes: Buffer.from('answer'), how: 'end' });
  });

  row(35, 'keeps a half-close of the backend: the visitor goes on sending', async (bench) => {
    const { visitor, far } = await openChat(bench);
    far.send('goodbye');
    far.finish();
    assert.deepEqual(await visitor.readAll(), { bytes: Buffer.from('goodbye'), how: 'end' });
    visitor.send('last ');
    await far.readThrough('last ');
    visitor.send('words');
    visitor.finish();
    assert.deepEqual(await far.readAll(), { bytes: Buffer.from('words'), how: 'end' });
  });

  row(35, 'resets the connection of one side when the other is reset: it is no clean end', async (bench) => {
    for (const goer of ['visitor', 'far'] as const) {
      const ends = await openChat(bench, 'before');
      await ends.visitor.readThrough('before');
      ends[goer].reset();
      assert.equal((await ends[goer === 'visitor' ? 'far' : 'visitor'].readAll()).how, 'reset');
      ends.visitor.close();
      ends.far.close();
    }
  });
});
