import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Answer, get, OPTIONS, post } from '../testing/answer.ts';
import { freePort } from '../../../../packages/protocol/src/testing/free-port.ts';
import { listenRaw } from '../testing/raw-backend.ts';
import type { RawBackend, Wire } from '../testing/raw-backend.ts';
import { Http1Backend } from './http1-backend.ts';
import type { BackendOptions, BackendRequest, BackendTransport } from './transport.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;
/** What a socket is read by. */
const CHUNK_BYTES = 65_536;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface Setting {
  readonly raw: RawBackend;
  readonly backend: BackendTransport;
}

/** The next request comes in a later turn of the event loop than the end of the last. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function setUp(t: TestContext, changes: Partial<BackendOptions> = {}, path?: string): Promise<Setting> {
  const raw = await listenRaw(t, path);
  return { raw, backend: newBackend(t, { url: raw.url, ...changes }) };
}

function newBackend(t: TestContext, options: Pick<BackendOptions, 'url'> & Partial<BackendOptions>): BackendTransport {
  const backend = new Http1Backend({ ...OPTIONS, ...options });
  t.after(() => backend.close());
  return backend;
}

/** A request that the backend has read, with its head. One with a body begins it: undici sends no head without. */
async function asked(t: TestContext, request: BackendRequest, changes: Partial<BackendOptions> = {}) {
  const { raw, backend } = await setUp(t, changes);
  const answer = new Answer(backend, request);
  if (request.hasBody) answer.call.write(Buffer.from('one '));
  const wire: Wire = await raw.accept();
  const head = await wire.hearHead();
  return { raw, backend, answer, wire, head };
}

describe('requests', () => {
  describe('a request to the backend', { timeout: CEILING_MS }, () => {
    it('has its target and its fields as they came, in order and spelling', async (t) => {
      const { head } = await asked(t, get('/a%2Fb?\xfc', 'X-Many', '1', 'x-MANY', '\xfc', 'Cookie', 'a=b'));
      assert.match(head, /^GET \/a%2Fb\?\xfc HTTP\/1\.1\r\n/);
      assert.match(head, /\r\nhost: visited.example\r\n/i);
      assert.match(head, /\r\nX-Many: 1\r\nx-MANY: \xfc\r\nCookie: a=b\r\n/);
    });

    it('goes out with any method', async (t) => {
      const { raw, backend } = await setUp(t);
      for (const method of ['PROPFIND', 'm-search', 'QUERY']) {
        const answer = new Answer(backend, { ...get(), method });
        const wire = await raw.accept();
        assert.ok((await wire.hearHead()).startsWith(`${method} / HTTP/1.1\r\n`));
        wire.say('HTTP/1.1 204 No\r\nConnection: close\r\n\r\n');
        await answer.over;
      }
    });

    it('has its body sent on as it comes, with the length it has, or in chunks', async (t) => {
      for (const [fields, framed] of [
        [['Content-Length', '8'], 'one two.'],
        [[], '4\r\none \r\n4\r\ntwo.\r\n0\r\n\r\n'],
      ] as const) {
        const { answer, wire } = await asked(t, post('/', ...fields));
        const first = await wire.hear('one ');
        answer.call.write(Buffer.from('two.'));
        await answer.taken(8);
        answer.call.end([]);
        assert.equal(first + (await wire.hear(framed.slice(first.length))), framed);
        wire.say(OK);
        await answer.over;
        assert.deepEqual([answer.told, answer.takenBytes], [['200', 'data', 'end'], 8]);
      }
    });

    it('has all of a large body taken, as the backend reads it', async (t) => {
      const { answer, wire } = await asked(t, post());
      wire.socket.pause();
      const chunk = Buffer.alloc(65_536);
      for (let i = 0; i < 200; i += 1) answer.call.write(chunk);
      wire.socket.resume();
      const bytes = 'one '.length + 200 * chunk.length;
      await answer.taken(bytes);
      assert.equal(answer.takenBytes, bytes);
    });

    it('that HTTP does not allow is refused as a bad head, not started', async (t) => {
      const { raw, backend } = await setUp(t);
      for (const request of [get('/', 'Bad Name', '1'), get('/', 'X', 'a\r\nb')]) {
        const answer = new Answer(backend, request);
        await answer.over;
        assert.deepEqual(answer.told, ['failed bad-head not-started'], request.fields.join(' '));
      }
      assert.equal(raw.connections(), 0);
    });
  });

  describe('an answer of the backend', { timeout: CEILING_MS }, () => {
    it('has its reason, its fields in order and spelling, its body and trailers', async (t) => {
      const { answer, wire } = await asked(t, get());
      const fields = 'Set-Cookie: b=1\r\nSET-COOKIE: a=2, c\r\nX-Latin: \xfc\r\nTransfer-Encoding: chunked\r\n';
      wire.say(`HTTP/1.1 207 Fine by me\r\n${fields}\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\nx-sum: \xfc\r\n\r\n`);
      await answer.over;
      assert.deepEqual([answer.status, answer.reason, answer.body], [207, 'Fine by me', 'body']);
      assert.deepEqual(answer.fields.slice(0, 6), ['Set-Cookie', 'b=1', 'SET-COOKIE', 'a=2, c', 'X-Latin', '\xfc']);
      assert.deepEqual(answer.trailers, ['X-Sum', '1', 'x-sum', '\xfc']);
      assert.deepEqual(answer.told, ['207', 'data', 'end']);
    });

    it('comes behind its informational heads, each of them', async (t) => {
      const { answer, wire } = await asked(t, get());
      wire.say(`HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 103 Early\r\n\r\n${OK}`);
      await answer.over;
      assert.deepEqual(answer.told, ['103', '103', '200', 'data', 'end']);
    });

    it('without a length ends with the connection', async (t) => {
      const { answer, wire } = await asked(t, get());
      wire.say('HTTP/1.1 200 OK\r\n\r\nall of ');
      await answer.bytes(7);
      wire.say('it');
      wire.finish();
      await answer.over;
      assert.deepEqual([answer.told, answer.body], [['200', 'data', 'end'], 'all of it']);
    });

    it('is held up while nobody takes it, and goes on where it was', async (t) => {
      const { answer, wire } = await asked(t, get());
      answer.isFull = true;
      const bytes = 4_000_000;
      wire.say(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`);
      for (let seen = 0; seen < bytes;) {
        await answer.bytes(seen + 1);
        // The chunk that filled it, and nothing behind it.
        assert.ok(answer.body.length - seen <= CHUNK_BYTES, `${answer.body.length - seen} bytes`);
        seen = answer.body.length;
        answer.call.resume();
      }
      await answer.over;
      assert.equal(answer.body.length, bytes);
    });

    it('that comes before the upload’s end is whole, and that connection is not used again', async (t) => {
      const { raw, backend, answer, wire } = await asked(t, post('/', 'Content-Length', '100000'));
      wire.say('HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno');
      await answer.over;
      assert.deepEqual([answer.told, answer.body], [['413', 'data', 'end'], 'no']);
      answer.call.write(Buffer.alloc(10));
      answer.call.cancel();
      answer.call.end([]);
      const next = new Answer(backend, get());
      const other = await raw.accept();
      await other.hearHead();
      other.say(OK);
      await next.over;
      assert.deepEqual(answer.told, ['413', 'data', 'end']);
      assert.equal(next.body, 'ok');
    });
  });

  describe('a connection to the backend', { timeout: CEILING_MS }, () => {
    it('is used again for the next request, also after a HEAD and after an answer without a body', async (t) => {
      const { raw, backend } = await setUp(t);
      let wire: Wire | null = null;
      for (const [method, answerText] of [
        ['GET', OK],
        ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n'],
        ['GET', 'HTTP/1.1 204 No\r\n\r\n'],
        ['GET', 'HTTP/1.1 304 Same\r\n\r\n'],
        ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
        ['GET', OK],
      ] as const) {
        const answer = new Answer(backend, { ...get(), method });
        wire ??= await raw.accept();
        await wire.hearHead();
        wire.say(answerText);
        await answer.over;
        await turn();
        assert.equal(answer.told.at(-1), 'end', method);
      }
      assert.equal(raw.connections(), 1);
    });

    it('is another for each request that runs at the same time', async (t) => {
      const { raw, backend } = await setUp(t);
      const answers = Array.from({ length: 5 }, () => new Answer(backend, get()));
      for (let i = 0; i < answers.length; i += 1) {
        const wire = await raw.accept();
        await wire.hearHead();
        wire.say(OK);
      }
      for (const answer of answers) await answer.over;
      assert.equal(raw.connections(), 5);
    });

    it('may be a Unix socket', async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'backend-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const { raw, backend } = await setUp(t, {}, join(folder, 'socket'));
      const answer = new Answer(backend, get('/over-there'));
      const wire = await raw.accept();
      assert.match(await wire.hearHead(), /^GET \/over-there HTTP\/1.1\r\n/);
      wire.say(OK);
      await answer.over;
      assert.equal(answer.body, 'ok');
    });
  });

  describe('a backend that cannot be connected to', { timeout: CEILING_MS }, () => {
    it('has refused, and nothing was started', async (t) => {
      for (const url of [`http://127.0.0.1:${await freePort()}`, 'unix:/nowhere/at/all', 'http://nowhere.invalid']) {
        const answer = new Answer(newBackend(t, { url }), get());
        await answer.over;
        assert.deepEqual(answer.told, ['failed backend-refused not-started'], url);
      }
    });

    it('in time has timed out, and nothing was started', async (t) => {
      const { url } = await listenRaw(t);
      // It takes the connection, and never speaks TLS.
      const backend = newBackend(t, { url: url.replace('http:', 'https:'), connectTimeoutMs: 50 });
      const answer = new Answer(backend, get());
      await answer.over;
      assert.deepEqual(answer.told, ['failed backend-timeout not-started']);
    });
  });

  describe('a backend that cuts the connection', { timeout: CEILING_MS }, () => {
    for (const how of ['reset', 'finish'] as const) {
      it(`by ${how} before its head may have begun the request`, async (t) => {
        for (const text of ['', 'HTTP/1.1 200 O']) {
          const { answer, wire } = await asked(t, get());
          wire.say(text);
          wire[how]();
          await answer.over;
          assert.deepEqual(answer.told, ['failed backend-reset']);
        }
      });

      it(`by ${how} within a body that has an end of its own has cut that body`, async (t) => {
        for (const field of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
          const { answer, wire } = await asked(t, get());
          wire.say(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n3\r\nab`);
          await answer.bytes(1);
          wire[how]();
          await answer.over;
          assert.deepEqual(answer.told, ['200', 'data', 'failed backend-reset']);
        }
      });
    }

    it('by reset within a body that would end with the connection has cut it too', async (t) => {
      for (const field of ['', 'Connection: close\r\n']) {
        const { answer, wire } = await asked(t, get());
        wire.say(`HTTP/1.1 200 OK\r\n${field}\r\nhalf`);
        await answer.bytes(4);
        wire.reset();
        await answer.over;
        assert.deepEqual(answer.told, ['200', 'data', 'failed backend-reset']);
      }
    });

    it('while it was idle is connected to anew', async (t) => {
      const { raw, backend } = await setUp(t);
      for (let i = 0; i < 2; i += 1) {
        const answer = new Answer(backend, get());
        const wire = await raw.accept();
        await wire.hearHead();
        wire.say(OK);
        await answer.over;
        wire.finish();
        await wire.hearAll();
      }
      assert.equal(raw.connections(), 2);
    });
  });

  describe('a backend that answers wrongly', { timeout: CEILING_MS }, () => {
    for (const [what, text] of [
      ['no HTTP', 'what?\r\n\r\n'],
      ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
      ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
      ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
      ['a head beyond the limit', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`],
    ] as const) {
      it(`with ${what} has a bad head`, async (t) => {
        const { answer, wire } = await asked(t, get());
        wire.say(text);
        await answer.over;
        assert.deepEqual(answer.told, ['failed bad-head']);
      });
    }

    it('not at all has timed out, and the request was started', async (t) => {
      const { answer } = await asked(t, get(), { headTimeoutMs: 50 });
      await answer.over;
      assert.deepEqual(answer.told, ['failed backend-timeout']);
    });

    it('has the time that was set last, though it is asked already', async (t) => {
      const { answer, backend } = await asked(t, get(), { headTimeoutMs: 86_400_000, idleTimeoutMs: 86_400_000 });
      backend.configure({ ...OPTIONS, headTimeoutMs: 50 });
      await answer.over;
      assert.deepEqual(answer.told, ['failed backend-timeout']);
    });
  });

  describe('a request that is cancelled', { timeout: CEILING_MS }, () => {
    it('closes its connection, before the head and behind it, and fails once', async (t) => {
      for (const hasHead of [false, true]) {
        const { answer, wire } = await asked(t, get());
        if (hasHead) wire.say('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
        if (hasHead) await answer.bytes(4);
        answer.call.cancel();
        answer.call.cancel();
        await answer.over;
        await wire.hearAll();
        assert.deepEqual(answer.told, [...(hasHead ? ['200', 'data'] : []), 'failed cancelled']);
      }
    });

    it('in mid-upload has no end of its body sent', async (t) => {
      const { answer, wire } = await asked(t, post());
      await wire.hear('one ');
      answer.call.cancel();
      await answer.over;
      assert.doesNotMatch(await wire.hearAll(), /0\r\n\r\n/);
      assert.deepEqual(answer.told, ['failed cancelled']);
    });

    it('while it waits for a connection never reaches the backend', async (t) => {
      const { raw, backend } = await setUp(t, { connections: 1 });
      const first = new Answer(backend, get('/first'));
      const second = new Answer(backend, get('/second'));
      second.call.cancel();
      const wire = await raw.accept();
      await wire.hearHead();
      wire.say(OK);
      await Promise.all([first.over, second.over]);
      assert.equal(first.told.at(-1), 'end');
      assert.match(second.told.join(), /^failed cancelled/);
    });

    it('after its end stays ended', async (t) => {
      const { raw, backend, answer, wire } = await asked(t, get());
      wire.say(OK);
      await answer.over;
      answer.call.cancel();
      await turn();
      const next = new Answer(backend, get());
      await wire.hearHead();
      wire.say(OK);
      await next.over;
      assert.deepEqual(answer.told, ['200', 'data', 'end']);
      assert.equal(raw.connections(), 1);
    });

    it('because the backend is closed fails', async (t) => {
      const { backend, answer } = await asked(t, get());
      await backend.close();
      await answer.over;
      assert.match(answer.told.join(), /^failed /);
    });
  });
});
