/** A backend that ends its connection with, or before, its answer: what visitors of each kind see of it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { answerOn, dialHttp2 } from './harness/h2.ts';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { dial } from './harness/wire.ts';
import type { WireEnd } from './harness/wire.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const EARLY_HINTS = 'HTTP/1.1 103 Early Hints\r\n\r\n';
const ROUNDS = 5;

/** What a backend says as it ends, and the status of the whole answer that the visitor gets. */
const WHOLE = [
  ['', 502],
  [EARLY_HINTS, 502],
  [`${OK}\r\n`, 200],
  [`${OK}\r\nsome`, 200],
  [`${OK}Content-Length: 4\r\n\r\nsome`, 200],
] as const;

/** A head that promised more: a 502 where the end came with it, and cut visibly behind it where it had gone on. */
const CUT = [
  `${OK}Content-Length: 5\r\n\r\n`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n`,
  `${OK}Content-Length: 5\r\n\r\nsome`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nsome`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n`,
] as const;

interface Seen {
  readonly status: string;
  readonly isWhole: boolean;
}

/** Asks for each in turn; a POST, which is tried once. */
async function check(ask: (said: string) => Promise<Seen>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [said, status] of WHOLE) {
      assert.deepEqual(await ask(said), { status: String(status), isWhole: true }, JSON.stringify(said));
    }
    for (const said of CUT) {
      const seen = await ask(said);
      assert.deepEqual(seen, { status: seen.isWhole ? '502' : '200', isWhole: seen.isWhole }, JSON.stringify(said));
    }
  }
}

/** As a strict reader of HTTP/1 has it, of an answer that ended with its connection. */
function seenOf(text: string, how: WireEnd): Seen {
  const [head = '', ...rest] = text.replace(/^HTTP\/1\.1 103 .*?\r\n\r\n/s, '').split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  const length = /^Content-Length: (\d+)/im.exec(head)?.[1];
  const isChunked = /^Transfer-Encoding: chunked/im.test(head);
  const hasEnd = isChunked ? body.endsWith('0\r\n\r\n') : length === undefined || body.length === Number(length);
  return { status: head.split(' ')[1] ?? '', isWhole: hasEnd && how === 'end' };
}

for (const { shape, isSplit } of SHAPES) {
  void describe(`a backend that ends with its answer, through ${shape}`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const set = ['entry.http2.cleartext=true', 'client.backendIdleTimeoutMs=0'];
    const used = useStack(() => ({ isSplit, backend: backend.url, set }));

    /** The backend's next connection ends with `said` once it has read a request. */
    async function endWith(said: string): Promise<void> {
      const far = await backend.accept();
      await far.readHead();
      far.socket.end(said, 'latin1');
    }

    for (const version of ['1.1', '1.0']) {
      it(`never leaves a visitor of HTTP/${version} without an answer`, async () => {
        const request = `POST /session/demo/x HTTP/${version}\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
        await check(async (said) => {
          const visitor = await dial(used.stack.entry);
          visitor.send(request);
          await endWith(said);
          const { bytes, how } = await visitor.readAll();
          return seenOf(bytes.toString('latin1'), how);
        });
      });
    }

    it('never leaves a visitor of HTTP/2 without an answer', async (t) => {
      const peer = await dialHttp2(used.stack.entry);
      t.after(() => peer.socket.destroy());
      await check(async (said) => {
        const id = peer.request([':method', 'POST', ':path', '/session/demo/x', 'content-length', '0']);
        await endWith(said);
        const { status, isWhole } = await answerOn(peer, id);
        return { status, isWhole };
      });
    });
  });
}
