import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { StreamCode } from '@sallyport/protocol';
import { Answer, get, OPTIONS, post } from '../testing/answer.ts';
import { listenRaw } from '../testing/raw-backend.ts';
import type { Wire } from '../testing/raw-backend.ts';
import { Http1Backend } from './http1-backend.ts';
import type { BackendOptions } from './transport.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function setUp(t: TestContext, changes: Partial<BackendOptions> = {}) {
  const raw = await listenRaw(t);
  const backend = new Http1Backend({ ...OPTIONS, url: raw.url, ...changes });
  t.after(() => backend.close());
  return { raw, backend };
}

describe('a request by our own codec', { timeout: CEILING_MS }, () => {
  it('may be one that libraries refuse: OPTIONS *, Expect', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, { ...get('*', 'Expect', '100-continue'), method: 'OPTIONS' });
    const wire = await raw.accept();
    const head = 'OPTIONS * HTTP/1.1\r\nHost: visited.example\r\nExpect: 100-continue\r\n\r\n';
    assert.equal(await wire.hearHead(), head);
    wire.say(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
    await answer.over;
    assert.deepEqual(answer.told, ['100', '200', 'data', 'end']);
  });

  it('sends its head also where no body comes for now', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, post('/', 'Content-Length', '3'));
    const wire = await raw.accept();
    assert.match(await wire.hearHead(), /^POST \/ HTTP\/1.1\r\n/);
    answer.call.write(Buffer.from('abc'));
    answer.call.end([]);
    assert.equal(await wire.hear('abc'), 'abc');
    wire.say(OK);
    await answer.over;
    assert.equal(answer.told.at(-1), 'end');
  });

  it('that expects a 100 has its head sent at once, and its body as it comes', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, post('/', 'Expect', '100-continue', 'Content-Length', '4'));
    const wire = await raw.accept();
    assert.match(await wire.hearHead(), /^POST \/ HTTP\/1.1\r\n.*Expect: 100-continue\r\n/s);
    wire.say('HTTP/1.1 100 Continue\r\n\r\n');
    answer.call.write(Buffer.from('body'));
    answer.call.end([]);
    assert.equal(await wire.hear('body'), 'body');
    wire.say(OK);
    await answer.over;
    assert.deepEqual(answer.told, ['100', '200', 'data', 'end']);
  });

  it('that expects a 100 and gets an answer has sent no body, and leaves its connection', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, post('/', 'Expect', '100-continue', 'Content-Length', '4'));
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say('HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno');
    await answer.over;
    assert.deepEqual([answer.told, answer.body], [['417', 'data', 'end'], 'no']);
    answer.call.write(Buffer.from('body'));
    assert.equal(await wire.hearAll(), '');
  });

  it('that expects a 100 is late where nothing is said to its head; behind a 100 its visitor has all the time', async (t) => {
    const { raw, backend } = await setUp(t);
    const expecting = post('/', 'Expect', '100-continue', 'Content-Length', '4');
    const asked = new Answer(backend, expecting);
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say('HTTP/1.1 100 Continue\r\n\r\n');
    await asked.informed(1);
    backend.configure({ ...OPTIONS, headTimeoutMs: 40 });
    const late = new Answer(backend, expecting);
    await late.over;
    assert.deepEqual([late.told, asked.told], [['failed backend-timeout'], ['100']]);
  });

  it('has its trailers behind its last chunk, and none behind a counted body', async (t) => {
    const { raw, backend } = await setUp(t);
    for (const [fields, sent] of [
      [[], '3\r\nabc\r\n0\r\nX-Sum: 1\r\nx-sum: \xfc\r\n\r\n'],
      [['Content-Length', '3'], 'abc'],
    ] as const) {
      const answer = new Answer(backend, post('/', ...fields));
      const wire = await raw.accept();
      await wire.hearHead();
      answer.call.write(Buffer.from('abc'));
      answer.call.end(['X-Sum', '1', 'x-sum', '\xfc']);
      assert.equal(await wire.hear(sent), sent);
      wire.say('HTTP/1.1 204 No\r\nConnection: close\r\n\r\n');
      await answer.over;
      assert.equal(await wire.hearAll(), '');
    }
  });

  it('goes out whole, head and body, where all of it is there', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, post());
    answer.call.write(Buffer.from('abc'));
    answer.call.end([]);
    const wire = await raw.accept();
    assert.match(await wire.hear('0\r\n\r\n'), /Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/);
    wire.say(OK);
    await answer.over;
  });

  it('whose body is longer or shorter than it said is broken off', async (t) => {
    for (const text of ['abcd', 'ab']) {
      const { raw, backend } = await setUp(t);
      const answer = new Answer(backend, post('/', 'Content-Length', '3'));
      const wire = await raw.accept();
      answer.call.write(Buffer.from(text));
      answer.call.end([]);
      await answer.over;
      assert.deepEqual(answer.told, ['failed bad-head']);
      assert.doesNotMatch(await wire.hearAll(), /d$/);
    }
  });

  it('is not late while its visitor is sending, and is when it has sent', async (t) => {
    const { raw, backend } = await setUp(t, { headTimeoutMs: 40 });
    const answer = new Answer(backend, post());
    answer.call.write(Buffer.from('abc'));
    const wire = await raw.accept();
    await wire.hear('abc');
    // Another request's time runs out meanwhile.
    const other = new Answer(backend, get());
    await other.over;
    assert.deepEqual([other.told, answer.told], [['failed backend-timeout'], []]);
    answer.call.end([]);
    await answer.over;
    assert.deepEqual(answer.told, ['failed backend-timeout']);
  });
});

describe('a connection by our own codec', { timeout: CEILING_MS }, () => {
  it('is used again only while its backend grants it, less a second', async (t) => {
    const { raw, backend } = await setUp(t);
    let wire: Wire | null = null;
    for (const [hint, isKept] of [
      ['Keep-Alive: timeout=60', true],
      ['Keep-Alive: max=5, timeout=1', false],
      ['Connection: close', false],
      ['Connection: X, Close', false],
      ['X: nothing', true],
    ] as const) {
      const answer = new Answer(backend, get());
      wire ??= await raw.accept();
      await wire.hearHead();
      wire.say(`HTTP/1.1 200 OK\r\n${hint}\r\nContent-Length: 2\r\n\r\nok`);
      await answer.over;
      if (isKept) continue;
      await wire.hearAll();
      wire = null;
    }
    assert.equal(raw.connections(), 4);
  });

  it('that says what nobody asked for is not used again', async (t) => {
    const { raw, backend } = await setUp(t);
    const first = new Answer(backend, get());
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say(OK + OK);
    await first.over;
    assert.deepEqual([first.told, first.body], [['200', 'data', 'end'], 'ok']);
    await wire.hearAll();
    const second = new Answer(backend, get());
    const other = await raw.accept();
    await other.hearHead();
    other.say(OK);
    await second.over;
    other.say(OK);
    await other.hearAll();
  });

  it('is for one request at a time: the others wait, in order', async (t) => {
    const { raw, backend } = await setUp(t, { connections: 1 });
    const answers = ['/1', '/2', '/3'].map((target) => new Answer(backend, get(target)));
    answers[1]!.call.cancel();
    const wire = await raw.accept();
    for (const [i, target] of [
      [0, '/1'],
      [2, '/3'],
    ] as const) {
      assert.ok((await wire.hearHead()).startsWith(`GET ${target} `));
      wire.say(OK);
      await answers[i]!.over;
    }
    assert.deepEqual([answers[1]!.told, raw.connections()], [['failed cancelled not-started'], 1]);
  });

  it('that is lost lets the next who waits have another', async (t) => {
    const { raw, backend } = await setUp(t, { connections: 1 });
    const [first, second] = [new Answer(backend, get('/1')), new Answer(backend, get('/2'))];
    const wire = await raw.accept();
    await wire.hearHead();
    wire.reset();
    await first.over;
    const other = await raw.accept();
    await other.hearHead();
    other.say(OK);
    await second.over;
    assert.deepEqual([first.told, second.told.at(-1)], [['failed backend-reset'], 'end']);
  });

  it('is never one that was used where the request is for an upgrade', async (t) => {
    const { raw, backend } = await setUp(t, { connections: 1 });
    const first = new Answer(backend, get());
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say(OK);
    await first.over;
    const upgrade = new Answer(backend, { ...get('/', 'Upgrade', 'chat'), hasBody: true });
    const other = await raw.accept();
    await other.hearHead();
    // The one that was kept made room.
    await wire.hearAll();
    other.say('HTTP/1.1 101 Switching\r\nUpgrade: chat\r\n\r\n');
    await upgrade.head;
    assert.equal(upgrade.status, 101);
    upgrade.call.cancel();
  });

  it('is never one that was used where the request is a second try', async (t) => {
    const { raw, backend } = await setUp(t);
    const first = new Answer(backend, get());
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say(OK);
    await first.over;
    const second = new Answer(backend, { ...get(), isRetry: true });
    const other = await raw.accept();
    await other.hearHead();
    other.say(OK);
    await second.over;
    assert.equal(second.body, 'ok');
  });

  it('on which something came in the turn in which the next request came is not used for that', async (t) => {
    for (const isAnswer of [true, false]) {
      const { raw, backend } = await setUp(t);
      const first = new Answer(backend, get());
      const wire = await raw.accept();
      await wire.hearHead();
      wire.say(OK);
      await first.over;
      // Both are there when sockets are next looked at, the cue for the request before what concerns its connection.
      const cue = await listenRaw(t);
      const cueing = connect(Number(new URL(cue.url).port), '127.0.0.1');
      t.after(() => cueing.destroy());
      const connected = once(cueing, 'connect');
      const cued = await cue.accept();
      await connected;
      // From here on its socket is looked at together with the others.
      cueing.write('well');
      await cued.hear('well');
      const asked = Promise.withResolvers<Answer>();
      cued.socket.prependListener('data', () => asked.resolve(new Answer(backend, { ...get(), method: 'POST' })));
      cueing.write('now');
      if (isAnswer) wire.say('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
      else wire.reset();
      const second = await asked.promise;
      const other = await raw.accept();
      await other.hearHead();
      other.say(OK);
      await second.over;
      assert.equal(second.body, 'ok');
    }
  });

  it('that switches protocols unasked has a bad head', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, get());
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say('HTTP/1.1 101 Switching\r\nUpgrade: chat\r\n\r\nraw');
    await answer.over;
    assert.deepEqual(answer.told, ['failed bad-head']);
  });

  it('whose answer breaks a rule is told by which', async (t) => {
    const { raw, backend } = await setUp(t);
    let said = '';
    class Listening extends Answer {
      override onFailure(code: StreamCode, isStarted: boolean, error?: Error): void {
        said = error?.message ?? '';
        super.onFailure(code, isStarted);
      }
    }
    const answer = new Listening(backend, get());
    const wire = await raw.accept();
    await wire.hearHead();
    wire.say('HTTP/1.1 200 OK\r\nA : b\r\n\r\n');
    await answer.over;
    assert.match(said, /\(RFC 9112 §5\.1\)$/);
  });

  it('is closed with its backend, and nothing is asked afterwards', async (t) => {
    const { raw, backend } = await setUp(t);
    const answer = new Answer(backend, get());
    const wire = await raw.accept();
    await wire.hearHead();
    await Promise.all([backend.close(), backend.close()]);
    await wire.hearAll();
    await answer.over;
    const late = new Answer(backend, get());
    assert.deepEqual([answer.told, late.told], [['failed backend-reset'], ['failed backend-refused not-started']]);
  });
});
