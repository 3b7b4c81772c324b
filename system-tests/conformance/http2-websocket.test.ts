/** Row 34 over HTTP/2: an extended CONNECT (RFC 8441) is a WebSocket to the backend. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { frame, Opcode } from '../../apps/proxy-entry/src/testing/websocket-frames.ts';
import { within } from '../harness/deadline.ts';
import { answerOn, Code, Type } from '../harness/h2.ts';
import type { Http2Peer } from '../harness/h2.ts';
import type { ProblemBody } from '../harness/problem.ts';
import { valuesOf } from '../harness/wire.ts';
import type { RawHead, Wire } from '../harness/wire.ts';
import { askHttp2, assertHttp2Refused, CLEARTEXT, request } from './http2-bench.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';
import { switchToWebSocket } from './websocket-peer.ts';

const CONNECT = [':method', 'CONNECT', ':protocol', 'websocket', ':path', '/session/demo/chat?a=b'];
const BYTES = 1_000_000;
/** Under the window of a stream that nothing widens. */
const PIECE_BYTES = 16_384;

interface Open {
  readonly peer: Http2Peer;
  readonly id: number;
  readonly far: Wire;
  readonly head: RawHead;
}

async function open(bench: RowBench, t: TestContext): Promise<Open> {
  const { peer, id, far, head } = await askHttp2(bench, t, [...CONNECT, 'sec-websocket-protocol', 'chat'], false);
  far.send(switchToWebSocket(valuesOf(head.fields, 'sec-websocket-key')[0] ?? ''));
  assert.equal((await within(peer.head(id), 'the answer')).status, '200');
  return { peer, id, far, head };
}

/** Sends as the window of the stream opens. */
async function upload(peer: Http2Peer, id: number, bytes: Buffer): Promise<void> {
  let window = 65_536;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    while (window < PIECE_BYTES) {
      const update = await within(
        peer.take('WINDOW_UPDATE', (each) => each.type === Type.WINDOW_UPDATE && each.id === id),
        'more window',
      );
      window += update.payload.readUInt32BE(0);
    }
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    window -= piece.length;
    peer.data(id, piece);
  }
}

conformance('WebSocket over HTTP/2', CLEARTEXT, (row) => {
  row(34, 'An extended CONNECT reaches the backend as a GET that asks for a WebSocket', async (bench, t) => {
    const { peer, id, far, head } = await open(bench, t);
    assert.equal(head.first, 'GET /chat?a=b HTTP/1.1');
    assert.deepEqual(valuesOf(head.fields, 'host'), ['visited.example']);
    assert.deepEqual(valuesOf(head.fields, 'connection'), ['Upgrade']);
    assert.deepEqual(valuesOf(head.fields, 'upgrade'), ['websocket']);
    assert.deepEqual(valuesOf(head.fields, 'sec-websocket-version'), ['13']);
    assert.deepEqual(valuesOf(head.fields, 'sec-websocket-protocol'), ['chat']);
    const { fields } = await peer.head(id);
    for (const name of ['upgrade', 'connection', 'sec-websocket-accept']) assert.deepEqual(valuesOf(fields, name), []);
    far.finish();
    assert.ok((await answerOn(peer, id)).isWhole);
    peer.data(id, '', true);
    await far.readAll();
  });

  row(
    34,
    'Frames of a WebSocket over HTTP/2 pass both ways byte for byte, and each side ends by itself',
    async (bench, t) => {
      const { peer, id, far } = await open(bench, t);
      const there = frame(Opcode.BINARY, randomBytes(BYTES), { isMasked: true });
      const back = frame(Opcode.BINARY, randomBytes(BYTES));
      const uploaded = upload(peer, id, there);
      assert.ok((await far.read(there.length)).equals(there));
      await uploaded;
      far.send(back);
      await within(peer.body(id, back.toString('latin1')), 'the message back');
      peer.data(id, frame(Opcode.CLOSE, Buffer.from([3, 0xe8]), { isMasked: true }), true);
      await far.readAll();
      far.send(frame(Opcode.CLOSE, Buffer.from([3, 0xe8])));
      far.finish();
      const { body, isWhole } = await answerOn(peer, id);
      assert.deepEqual([isWhole, body.slice(back.length)], [true, '\x88\x02\x03\xe8']);
    },
  );

  row(
    34,
    'A WebSocket over HTTP/2 is cut on both sides when either end is, and no other stream with it',
    async (bench, t) => {
      const first = await open(bench, t);
      first.far.reset();
      assert.equal((await answerOn(first.peer, first.id)).resetCode, Code.INTERNAL_ERROR);
      const other = request(first.peer);
      const far = await bench.backend.accept();
      await far.readHead();
      const second = await open(bench, t);
      second.peer.reset(second.id, Code.CANCEL);
      await within(second.far.ended, 'the backend to be told');
      far.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
      assert.equal((await answerOn(first.peer, other)).body, 'ok');
    },
  );

  row(34, 'A backend that refuses the WebSocket of an extended CONNECT is passed on whole', async (bench, t) => {
    const { peer, id, far } = await askHttp2(bench, t, CONNECT, false);
    far.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
    const { status, body, isWhole } = await answerOn(peer, id);
    assert.deepEqual([status, body, isWhole], ['403', 'no', true]);
  });

  row(
    34,
    'A 2xx of a backend that does not switch is a 501 to an extended CONNECT, which it would open',
    async (bench, t) => {
      for (const status of ['200 OK', '201 Created', '299 Odd']) {
        const { peer, id, far } = await askHttp2(bench, t, CONNECT, false);
        far.send(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`);
        const answer = await answerOn(peer, id);
        assert.equal(answer.status, '501', status);
        assert.equal((JSON.parse(answer.body) as ProblemBody).code, 'SP_NO_UPGRADE');
      }
    },
  );

  row(34, 'An extended CONNECT for another protocol is refused with 501', (bench, t) =>
    assertHttp2Refused(bench, t, [
      [
        [':method', 'CONNECT', ':protocol', 'connect-udp'],
        { status: 501, code: 'SP_NOT_IMPLEMENTED', cause: 'unknown-protocol' },
      ],
    ]),
  );
});
