import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Answer, get, OPTIONS } from '../testing/answer.ts';
import { listenRaw } from '../testing/raw-backend.ts';
import type { Wire } from '../testing/raw-backend.ts';
import { Http1Backend } from './http1-backend.ts';

const CEILING_MS = 60_000;
const OK = 'HTTP/1.1 200 OK\r\n';
const COUNTED = `${OK}Content-Length: 5\r\n\r\n`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const CUT = 'failed backend-reset';

/** What a backend says before it ends, and what the request is told. */
const ENDS: readonly (readonly [string, readonly string[]])[] = [
  ['', [CUT]],
  ['HTTP/1.1 20', [CUT]],
  [`${OK}Content-Le`, [CUT]],
  ['HTTP/1.1 103 Early Hints\r\n\r\n', ['103', CUT]],
  ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2', ['100', CUT]],
  [COUNTED, ['200', CUT]],
  [`${COUNTED}some`, ['200', 'data', CUT]],
  [`${COUNTED}whole`, ['200', 'data', 'end']],
  [`${OK}Content-Length: 0\r\n\r\n`, ['200', 'end']],
  ['HTTP/1.1 204 No Content\r\n\r\n', ['204', 'end']],
  ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', ['304', 'end']],
  [`${OK}\r\n`, ['200', 'end']],
  [`${OK}\r\nsome`, ['200', 'data', 'end']],
  [CHUNKED, ['200', CUT]],
  [`${CHUNKED}5`, ['200', CUT]],
  [`${CHUNKED}5\r\nsome`, ['200', 'data', CUT]],
  [`${CHUNKED}4\r\nsome\r\n`, ['200', 'data', CUT]],
  [`${CHUNKED}4\r\nsome\r\n0\r\n`, ['200', 'data', CUT]],
  [`${CHUNKED}4\r\nsome\r\n0\r\n\r\n`, ['200', 'data', 'end']],
];

async function setUp(t: TestContext) {
  const raw = await listenRaw(t);
  const backend = new Http1Backend({ ...OPTIONS, url: raw.url });
  t.after(() => backend.close());
  return { raw, backend };
}

/** One answer, behind which its connection stays. */
async function serveOne(backend: Http1Backend, accept: () => Promise<Wire>): Promise<Wire> {
  const first = new Answer(backend, get('/first'));
  const wire = await accept();
  await wire.hearHead();
  wire.say(`${COUNTED}whole`);
  await first.over;
  return wire;
}

describe('an answer that ends with its connection', { timeout: CEILING_MS }, () => {
  for (const isReused of [false, true]) {
    it(`in one read is whole or cut as HTTP says, on a ${isReused ? 'used' : 'fresh'} connection`, async (t) => {
      for (const [said, told] of ENDS) {
        const { raw, backend } = await setUp(t);
        const used = isReused ? await serveOne(backend, raw.accept) : null;
        const answer = new Answer(backend, get());
        const wire = used ?? (await raw.accept());
        await wire.hearHead();
        wire.socket.end(said, 'latin1');
        await answer.over;
        assert.deepEqual(answer.told, told, JSON.stringify(said));
        assert.equal(raw.connections(), 1);
      }
    });
  }

  it('is told of head and end in one turn where they came together', async (t) => {
    const turnsBetween = async (said: string): Promise<number> => {
      const { raw, backend } = await setUp(t);
      let turns = 0;
      class Counting extends Answer {
        override onAnswer(status: number, reason: string, fields: readonly string[]): void {
          super.onAnswer(status, reason, fields);
          setImmediate(() => (turns += 1));
        }
      }
      const answer = new Counting(backend, get());
      const wire = await raw.accept();
      await wire.hearHead();
      wire.socket.end(said, 'latin1');
      await answer.over;
      return turns;
    };
    for (const said of [COUNTED, CHUNKED, `${OK}\r\n`]) {
      // A busy kernel may bring the end later than the head, though not each time.
      let turns = await turnsBetween(said);
      for (let i = 0; i < 20 && turns > 0; i += 1) turns = await turnsBetween(said);
      assert.equal(turns, 0, JSON.stringify(said));
    }
  });

  it('by a reset behind its head is told of that head too', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, get());
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say(COUNTED);
    await answer.head;
    wire.reset();
    await answer.over;
    assert.deepEqual(answer.told, ['200', CUT]);
  });

  it('between two requests leaves the next one a connection of its own', async (t) => {
    const { raw, backend } = await setUp(t);
    const wire = await serveOne(backend, raw.accept);
    wire.finish();
    await wire.hearAll();
    const answer = new Answer(backend, get());
    const other = await raw.accept();
    await other.hearHead();
    other.say(`${COUNTED}whole`);
    await answer.over;
    assert.deepEqual(answer.told, ['200', 'data', 'end']);
  });
});

describe('a head without its body', { timeout: CEILING_MS }, () => {
  it('does not wait for it', async (t) => {
    for (const said of [COUNTED, CHUNKED, `${OK}\r\n`]) {
      const { raw, backend } = await setUp(t);
      const answer = new Answer(backend, get());
      const wire = await raw.accept();
      await wire.hearHead();
      wire.say(said);
      await answer.head;
      assert.deepEqual(answer.told, ['200']);
      answer.call.cancel();
    }
  });

  it('is not given to who has gone meanwhile', async (t) => {
    const { raw, backend } = await setUp(t);
    class Leaving extends Answer {
      override onInformational(status: number): void {
        super.onInformational(status);
        process.nextTick(() => this.call.cancel());
      }
    }
    const answer = new Leaving(backend, get());
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say(`HTTP/1.1 103 Early Hints\r\n\r\n${COUNTED}`);
    await answer.over;
    await wire.hearAll();
    assert.deepEqual(answer.told, ['103', 'failed cancelled']);
  });
});
