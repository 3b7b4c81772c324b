/** Row 5 behind the entry: what comes in a frame is judged again at either end, whoever let it in. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Command } from '../harness/command.ts';
import { within } from '../harness/deadline.ts';
import { isReady } from '../harness/deployment.ts';
import { frame, hello, KIND, ROLE } from '../harness/frames.ts';
import { HandLink, startLinkServer } from '../harness/link-server.ts';
import type { LinkServer, Secret } from '../harness/link-server.ts';
import { startRawBackend } from '../harness/raw-backend.ts';
import { dial } from '../harness/wire.ts';
import { BAD_HEAD, GET, readProblem } from './far-end.ts';

const LAST = 0x80;
const RESET = 0x15;
/** PROTOCOL.md: a head that HTTP does not allow. */
const CODE_BAD_HEAD = 11;
/** As `hello` says. */
const LEASES = 10;
const HEADER_BYTES = 8;
const TIMES_BYTES = 28;
const INJECTED = 'Set-Cookie: injected=1';

/** Found by docs/conformance.md as those of the other chapters are. */
function row(number: number, sentence: string, body: () => Promise<void>): void {
  void it(`${number}. ${sentence}`, body);
}

describe('heads in frames', () => {
  let server: LinkServer;
  let folder: string;
  const commands: Command[] = [];
  before(async () => {
    server = await startLinkServer();
    folder = mkdtempSync(join(tmpdir(), 'sallyport-frames-'));
  });
  after(async () => {
    for (const command of commands) await command.stop();
    await server.running.stop();
    rmSync(folder, { recursive: true });
  });

  function start(part: 'entry' | 'client', secret: Secret, own: readonly string[]): Command {
    const file = join(folder, `${part}.secret`);
    writeFileSync(file, `${secret.id}:${secret.secret}\n`, { mode: 0o600 });
    const flags = [
      '--server',
      server.running.url,
      '--credential-file',
      file,
      '--set',
      `${part}.admin.port=0`,
      '--json',
    ];
    const command = new Command([part, ...own, ...flags]);
    commands.push(command);
    return command;
  }

  row(5, 'A head that a client of the tunnel puts together from bytes that HTTP does not allow is a 502', async () => {
    const secret = server.issue('owner', 'client', ['demo']);
    const entry = start('entry', server.issue('edge', 'entry', []), ['--port', '0']);
    const { url, admin } = await entry.event<{ url: string; admin: string }>('ready');
    await isReady(admin);
    const link = await HandLink.dial(server, secret);
    link.ws.send(hello({ role: ROLE.client, session: 'demo' }));
    await nextFrame(link, KIND.SLOTS);
    let returned = 0;
    for (const [status, strings] of [
      [200, ['OK', 'X', `a\r\n${INJECTED}`]],
      [200, ['OK', 'X', `a\n${INJECTED}`]],
      [200, ['OK', 'X', `a\r${INJECTED}`]],
      [200, ['OK', 'X', 'a\0b']],
      [200, ['OK', `X: a\r\n${INJECTED.split(':')[0]!}`, 'injected=1']],
      [200, ['OK', 'X y', 'a']],
      [200, ['OK', '', 'a']],
      [200, ['OK', 'X', ' a']],
      [200, [`OK\r\n${INJECTED}`]],
      [200, ['OK', 'Content-Length', '1', 'Content-Length', '2']],
      [1_000, ['OK']],
    ] as const) {
      const visitor = await dial(url);
      visitor.send(GET);
      const { id } = await nextFrame(link, KIND.OPEN);
      link.ws.send(frame(KIND.HEAD | LAST, id, headPayload(status, strings)));
      returned += 1;
      link.ws.send(frame(KIND.SLOTS, 0, slotsPayload(returned)));
      await readProblem(visitor, BAD_HEAD);
      visitor.finish();
      assert.equal((await visitor.readAll()).bytes.toString(), '', JSON.stringify(strings));
      visitor.close();
    }
    link.ws.close();
    await link.closed;
  });

  row(
    5,
    'A head that an entry puts together from bytes that HTTP does not allow never reaches a backend',
    async (): Promise<void> => {
      const backend = await startRawBackend();
      try {
        const secret = server.issue('owner-2', 'client', ['other']);
        const client = start('client', secret, [backend.url, '--session', 'other']);
        await client.event('ready');
        const link = await HandLink.dial(server, server.issue('edge-2', 'entry', []));
        link.ws.send(hello({ role: ROLE.entry }));
        let id = 0;
        for (const strings of [
          ['GET', '/a HTTP/1.1\r\nX: injected\r\n\r\nGET /b'],
          ['GET', '/a b'],
          ['GET', '/a#b'],
          ['GET', ''],
          ['GET /', '/'],
          ['', '/'],
          ['GET', '/', 'X', 'a\r\nY: injected'],
          ['GET', '/', 'X', 'a\nY: injected'],
          ['GET', '/', 'X', 'a\0'],
          ['GET', '/', 'X: a\r\nY', 'injected'],
          ['GET', '/', 'X ', 'a'],
          ['GET', '/', 'X', 'a '],
        ]) {
          id += 1;
          link.ws.send(frame(KIND.OPEN | LAST, id, openPayload('other', strings)));
          const { payload } = await nextFrame(link, RESET, id);
          assert.equal(payload.readUInt16BE(0), CODE_BAD_HEAD, JSON.stringify(strings));
        }
        link.ws.send(frame(KIND.OPEN | LAST, id + 1, openPayload('other', ['GET', '/good', 'Host', 'a'])));
        const far = await backend.accept();
        assert.equal((await far.readHead()).first, 'GET /good HTTP/1.1');
        link.ws.close();
        await link.closed;
      } finally {
        await backend.close();
      }
    },
  );
});

interface Frame {
  readonly id: number;
  readonly payload: Buffer;
}

/** The next frame of this kind, and on this stream where that is told. */
async function nextFrame({ ws }: HandLink, kind: number, id?: number): Promise<Frame> {
  const come = new Promise<Frame>((resolve) => {
    const look = (message: Buffer): void => {
      for (let at = 0; at < message.length; at += HEADER_BYTES + message.readUIntBE(at, 3)) {
        const found = { id: message.readUInt32BE(at + 4), payload: payloadAt(message, at) };
        if ((message[at + 3]! & ~LAST) !== kind || (id !== undefined && found.id !== id)) continue;
        ws.off('message', look);
        resolve(found);
        return;
      }
    };
    ws.on('message', look);
  });
  return within(come, `a frame of kind 0x${kind.toString(16)}`);
}

function payloadAt(message: Buffer, at: number): Buffer {
  return message.subarray(at + HEADER_BYTES, at + HEADER_BYTES + message.readUIntBE(at, 3));
}

function slotsPayload(returned: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt32BE(LEASES, 0);
  payload.writeUInt32BE(returned, 4);
  return payload;
}

function headPayload(status: number, strings: readonly string[]): Buffer {
  const numbers = Buffer.alloc(2 + TIMES_BYTES);
  numbers.writeUInt16BE(status, 0);
  return Buffer.concat([numbers, table(strings)]);
}

function openPayload(session: string, strings: readonly string[]): Buffer {
  const numbers = Buffer.from([0, 1, 0, 0, 0, 0, session.length]);
  return Buffer.concat([numbers, Buffer.from(session, 'latin1'), table(strings)]);
}

function table(strings: readonly string[]): Buffer {
  const lengths = Buffer.alloc(2 + 2 * strings.length);
  lengths.writeUInt16BE(strings.length, 0);
  for (const [i, text] of strings.entries()) lengths.writeUInt16BE(text.length, 2 + 2 * i);
  return Buffer.concat([lengths, Buffer.from(strings.join(''), 'latin1')]);
}
