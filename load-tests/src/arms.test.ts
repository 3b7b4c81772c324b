import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { RequestPlan } from '../engine/plan.ts';
import { makeCertificates } from '../testing/certificates.ts';
import { parseCredentials } from './credentials.ts';
import { DRAWN_SIZES } from './deck.ts';
import type { LoadOptions } from './load-options.ts';
import { prepare } from './options.ts';
import { MAX_STRANGER_RATE } from './target.ts';

const TARGET = 'http://127.0.0.1:12000/session/demo/';
const DIRECT = 'http://127.0.0.1:12007/';
const STEPS = 'steps: [{ rate: 5, durationS: 2 }]\n';
const STRANGER: Partial<LoadOptions> = { target: 'https://load.example.com/', yesIRunThisTarget: true };

const refusal = (code: string, pattern: RegExp) => ({ name: 'LoadError', exitCode: 2, code, message: pattern });
const refuses = (options: Partial<LoadOptions>, code: string, pattern: RegExp): void =>
  assert.throws(() => prepare({ target: TARGET, ...options }), refusal(code, pattern));
const refusesShared = (options: Partial<LoadOptions>, pattern: RegExp): void =>
  assert.throws(() => prepare({ target: TARGET, ...options }, { canShare: true }), refusal('SP_LOAD_OPTIONS', pattern));
const arms = (options: Partial<LoadOptions>): RequestPlan[][] =>
  prepare({ target: TARGET, ...options }).plan.arms.map(({ requests }) => requests);
const fields = (headers: LoadOptions['headers']) => arms({ headers })[0]?.[0]?.headers;
const bytesOf = (requests: RequestPlan[] = []): (number | null)[] =>
  requests.map(({ body }) => (body === null ? null : 'fillBytes' in body ? body.fillBytes : body.byteLength));

/** A function that writes a file which goes with the test. */
function folderOf(context: TestContext): (name: string, text: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'arms-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return (name, text) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
}

describe('the requests of a profile', () => {
  test('go below the place of each arm', (context) => {
    const profile = folderOf(context)(
      'p.yaml',
      `${STEPS}requests: [{ path: /a?b=1, headers: { x-a: b } }, { path: / }]\n`,
    );
    const [tunnel, direct] = arms({ profile, direct: DIRECT, headers: { 'X-A': 'all', 'x-c': 'd' } });
    assert.deepEqual(
      tunnel?.map(({ path }) => path),
      ['/session/demo/a?b=1', '/session/demo/'],
    );
    assert.deepEqual(
      direct?.map(({ path }) => path),
      ['/a?b=1', '/'],
    );
    assert.deepEqual(tunnel?.[0]?.headers, ['user-agent', 'sallyport-load', 'x-c', 'd', 'x-a', 'b']);
  });

  test('need a target that is a place, and leave nothing for the command line to say', (context) => {
    const profile = folderOf(context)('p.yaml', `${STEPS}requests: [{ path: /a }]\n`);
    refuses({ profile, target: `${TARGET}one` }, 'SP_LOAD_OPTIONS', /names one resource .* end it with a slash/);
    refuses({ profile, method: 'PUT' }, 'SP_LOAD_OPTIONS', /--method and --body are said by/);
  });

  test('come as often as they weigh', (context) => {
    const profile = folderOf(context)('p.yaml', `${STEPS}requests: [{ path: /a, weight: 3 }, { path: /b }]\n`);
    assert.deepEqual(
      arms({ profile })[0]?.map(({ path }) => path.at(-1)),
      ['a', 'a', 'a', 'b'],
    );
  });

  test('draw their sizes with the seed, the same ones for both arms', (context) => {
    const profile = folderOf(context)(
      'p.yaml',
      `${STEPS}requests: [{ path: /a, bodyBytes: { kind: uniform, min: 1, max: 90000 } }]\n`,
    );
    const [tunnel, direct] = arms({ profile, direct: DIRECT, seed: 5 });
    assert.equal(tunnel?.length, DRAWN_SIZES);
    assert.ok(new Set(bytesOf(tunnel)).size > DRAWN_SIZES / 2);
    assert.deepEqual(bytesOf(direct), bytesOf(tunnel));
    assert.deepEqual(bytesOf(arms({ profile, seed: 5 })[0]), bytesOf(tunnel));
    assert.notDeepEqual(bytesOf(arms({ profile, seed: 6 })[0]), bytesOf(tunnel));
  });
});

describe('the fields of a request', () => {
  test('are kept as often as they are given, but for cookies, which are one', () => {
    assert.deepEqual(fields({ Accept: ['a/b', 'c/d'], cookie: ['a=1', 'b=2'] }), [
      'user-agent',
      'sallyport-load',
      'accept',
      'a/b',
      'accept',
      'c/d',
      'cookie',
      'a=1; b=2',
    ]);
  });

  test('that are the connection’s own business are refused', (context) => {
    const write = folderOf(context);
    for (const name of ['Connection', 'TE', 'Transfer-Encoding', 'expect', 'content-length', 'Upgrade']) {
      refuses({ headers: { [name]: 'x' } }, 'SP_LOAD_OPTIONS', /is set by the connection itself; leave it out/);
    }
    const targets = write('t', `GET ${TARGET}a\nContent-Length: 5\n`);
    refuses({ targets }, 'SP_LOAD_TARGETS', /t:2: Content-Length is set by the connection itself; remove the line/);
    assert.deepEqual(fields({ host: 'a.example' })?.slice(2), ['host', 'a.example']);
  });
});

describe('sessions in rotation', () => {
  test('are numbered after the target’s own, and are none of the backend’s business', (context) => {
    const profile = folderOf(context)('p.yaml', `${STEPS}sessions: 3\n`);
    const [tunnel, direct] = arms({ profile, direct: DIRECT });
    assert.deepEqual(
      tunnel?.map(({ path }) => path),
      [1, 2, 3].map((id) => `/session/demo-${id}/loadtest/get`),
    );
    assert.deepEqual(
      direct?.map(({ path }) => path),
      ['/loadtest/get'],
    );
  });

  test('meet every credential equally often, in no fixed pairs', (context) => {
    const profile = folderOf(context)('p.yaml', `${STEPS}sessions: [a, b]\n`);
    const credentials = [1, 2].map((id) => ({ id: `${id}`, secret: 's' }));
    const met = arms({ profile, credentials, auth: 'bearer' })[0]?.map(
      ({ path, headers }) => `${path.split('/')[2]} ${headers.at(-1)}`,
    );
    assert.deepEqual(met?.sort(), ['a Bearer 1.s', 'a Bearer 2.s', 'b Bearer 1.s', 'b Bearer 2.s']);
  });

  test('need a target with a session, and are not more than can be held ready', (context) => {
    const write = folderOf(context);
    const profile = write('p.yaml', `${STEPS}sessions: 1000\n`);
    refuses({ profile, target: DIRECT }, 'SP_LOAD_OPTIONS', /has sessions in rotation; --target must be such as/);
    const credentials = Array.from({ length: 30 }, (_, index) => ({ id: `${index}`, secret: 's' }));
    refuses({ profile, credentials }, 'SP_LOAD_OPTIONS', /1000 sessions × 30 credentials are over 20000; use fewer/);
  });
});

describe('a recorded profile', () => {
  const TRACE = 'trace: |\n  0 GET /a\n  100 POST /b 5\n  300 GET /a\n  1000 POST /b 7\n';

  test('is replayed in time, each different request once', (context) => {
    const profile = folderOf(context)('p.yaml', TRACE);
    const { plan } = prepare({ target: TARGET, direct: DIRECT, profile, speed: 2 });
    assert.deepEqual(plan.trace, [
      { atMs: 0, request: 0 },
      { atMs: 50, request: 1 },
      { atMs: 150, request: 0 },
      { atMs: 500, request: 2 },
    ]);
    assert.deepEqual(plan.steps, [{ rate: 7.984, durationS: 0.501 }]);
    for (const [index, place] of ['/session/demo/', '/'].entries()) {
      const requests = plan.arms[index]?.requests ?? [];
      assert.deepEqual(
        requests.map(({ method, path }) => `${method} ${path}`),
        [`GET ${place}a`, `POST ${place}b`, `POST ${place}b`],
      );
      assert.deepEqual(bytesOf(requests), [null, 5, 7]);
    }
  });

  test('uses credentials in turn, arrival by arrival', (context) => {
    const profile = folderOf(context)('p.yaml', TRACE);
    const credentials = [1, 2].map((id) => ({ id: `${id}`, secret: 's' }));
    const { plan } = prepare({ target: TARGET, profile, credentials, auth: 'bearer' });
    assert.deepEqual(
      plan.trace?.map(({ request }) => plan.arms[0]?.requests[request]?.headers.at(-1)),
      ['Bearer 1.s', 'Bearer 2.s', 'Bearer 1.s', 'Bearer 2.s'],
    );
  });

  test('alone has a speed', () => {
    refuses({ profile: 'short', speed: 2 }, 'SP_LOAD_OPTIONS', /--speed is for a recorded profile/);
  });
});

describe('a file of targets', () => {
  test('of vegeta’s format becomes requests in turn, on both arms', (context) => {
    const write = folderOf(context);
    const body = write('body.json', '{"a":1}');
    const targets = write(
      'targets.txt',
      `# two of them\nGET ${TARGET}a?x=1\nAccept: text/plain\n\nPOST ${TARGET}b\nContent-Type: application/json\n@${body}\nDELETE ${TARGET}c\n`,
    );
    const [tunnel, direct] = arms({ targets, direct: DIRECT });
    assert.deepEqual(
      tunnel?.map(({ method, path }) => `${method} ${path}`),
      ['GET /session/demo/a?x=1', 'POST /session/demo/b', 'DELETE /session/demo/c'],
    );
    assert.deepEqual(
      direct?.map(({ path }) => path),
      ['/a?x=1', '/b', '/c'],
    );
    assert.deepEqual(bytesOf(tunnel), [null, 7, null]);
    assert.deepEqual(tunnel?.[0]?.headers.slice(-2), ['accept', 'text/plain']);
  });

  test('with a broken line is refused by the line’s number', (context) => {
    const write = folderOf(context);
    const broken = (text: string, pattern: RegExp): void =>
      refuses({ targets: write('t', text) }, 'SP_LOAD_TARGETS', pattern);
    broken('', /holds no targets; write lines such as GET http/);
    broken(`GET ${TARGET}a\n\nfetch ${TARGET}`, /t:3 is not METHOD URL/);
    broken(`GET ${TARGET}a\nno field`, /t:2 is neither METHOD URL, nor a field/);
    broken(`GET ${TARGET}a\n@/no/such`, /t:2: \/no\/such cannot be read \(ENOENT\)/);
    broken(`GET ${TARGET}a\n@${write('x', '')}\n@x`, /t:3: a second body/);
    broken('GET http://127.0.0.1:1/session/demo/a', /t:1: http:\/\/127\.0\.0\.1:1\/session\/demo\/a is not below/);
    refuses({ targets: '/no/such' }, 'SP_LOAD_TARGETS', /\/no\/such cannot be read \(ENOENT\)/);
    refuses({ targets: write('t', `GET ${TARGET}a`), target: `${TARGET}a` }, 'SP_LOAD_TARGETS', /must be a place/);
  });
});

describe('credentials', () => {
  test('are lines id:secret, with comments and empty lines between', () => {
    assert.deepEqual(parseCredentials('# ours\na:1\r\n\nb: 2:3 \n', 'c'), [
      { id: 'a', secret: '1' },
      { id: 'b', secret: '2:3' },
    ]);
  });

  test('with a broken line are refused by its number, and nothing of it is shown', () => {
    for (const line of ['hunter2', ':hunter2', 'hunter2:', 'a\u0007:hunter2']) {
      assert.throws(
        () => parseCredentials(`a:1\n${line}\n`, 'c.txt'),
        (error: Error) => error.message.startsWith('c.txt:2 is not id:secret; ') && !error.message.includes('hunter2'),
      );
    }
    assert.throws(() => parseCredentials('#\n', 'c.txt'), refusal('SP_LOAD_CREDENTIALS', /holds no credentials/));
  });
});

describe('a target beyond this machine', () => {
  test('gets no more than the ceiling, unless it is lifted', () => {
    const rate = MAX_STRANGER_RATE + 1;
    refuses(
      { ...STRANGER, rate, durationS: 1 },
      'SP_LOAD_RATE_CEILING',
      /2001 requests\/s is over the ceiling of 2000; .*--no-rate-ceiling/,
    );
    refuses({ ...STRANGER, model: 'closed' }, 'SP_LOAD_RATE_CEILING', /a closed loop has no rate/);
    assert.ok(prepare({ target: TARGET, ...STRANGER, rate, durationS: 1, noRateCeiling: true }));
    assert.ok(prepare({ target: TARGET, ...STRANGER, rate: MAX_STRANGER_RATE, durationS: 1 }));
    assert.ok(prepare({ target: TARGET, rate, durationS: 1 }));
  });

  test('is held to the ceiling in a recording’s busiest second', (context) => {
    const lines = Array.from({ length: rateAbove() }, (_, index) => `  ${(index / 4).toFixed(2)} GET /a`).join('\n');
    const profile = folderOf(context)('p.yaml', `trace: |\n${lines}\n  60000 GET /a\n`);
    refuses({ ...STRANGER, profile }, 'SP_LOAD_RATE_CEILING', /2001 requests\/s/);
  });
});

const rateAbove = (): number => MAX_STRANGER_RATE + 1;

const refusesTls = (tls: LoadOptions['tls'], pattern: RegExp, target = 'https://127.0.0.1/'): void =>
  refuses({ target, tls }, 'SP_LOAD_TLS', pattern);

describe('the protocol', () => {
  test('of a WebSocket asks for the echo, with a small message', () => {
    const [arm] = prepare({ target: TARGET, protocol: 'websocket' }).plan.arms;
    assert.deepEqual([arm?.origin, arm?.protocol, arm?.tls], ['ws://127.0.0.1:12000', 'websocket', null]);
    assert.deepEqual(
      [arm?.requests[0]?.path, arm?.requests[0]?.body],
      ['/session/demo/loadtest/ws', { fillBytes: 32 }],
    );
    assert.equal(prepare({ target: 'wss://127.0.0.1/x' }).plan.arms[0]?.protocol, 'websocket');
  });

  test('over TLS trusts an authority of one’s own on both arms, and shows its certificate to the tunnel only', (context) => {
    const { ca, visitor } = makeCertificates(context);
    const tls = { ca, ...visitor };
    const { arms: both } = prepare({
      target: 'https://127.0.0.1/',
      direct: 'https://127.0.0.1:2/',
      tls,
      protocol: 'http2',
    }).plan;
    assert.deepEqual(both[0]?.tls, { ...tls, isResuming: true });
    assert.deepEqual(both[1]?.tls, { ca, cert: null, key: null, isResuming: true });
    assert.deepEqual(
      both.map(({ protocol }) => protocol),
      ['http2', 'http2'],
    );
  });

  test('with files that do not fit is refused', (context) => {
    const { ca, server, visitor } = makeCertificates(context);
    refusesTls({ cert: visitor.cert }, /--cert and --key go together/);
    refusesTls({ cert: visitor.cert, key: server.key }, /--key is not the key of --cert/);
    refusesTls({ cert: visitor.cert, key: 'x' }, /--key is not a private key in PEM form/);
    refusesTls({ ca: 'x' }, /--ca is not a certificate in PEM form/);
    refusesTls({ ca: '' }, /--ca is not a certificate in PEM form/);
    refusesTls({ ca: server.key }, /--ca is not a certificate in PEM form/);
    refusesTls({ ca }, /--ca is for an https:\/\/ target/, TARGET);
    refusesTls(visitor, /--cert is for an https:\/\/ target/, TARGET);
  });
});

describe('generators and models', () => {
  test('are passed on to the engine', () => {
    const { plan } = prepare({ target: TARGET, model: 'closed', connections: 7, generators: 2, maxInFlight: 9 });
    assert.deepEqual([plan.model, plan.connections, plan.generators, plan.maxInFlight], ['closed', 7, 2, 9]);
    const shard = { index: 1, count: 4 };
    assert.deepEqual(prepare({ target: TARGET, shard }, { canShare: true }).plan.shard, shard);
  });

  test('that contradict one another are refused', () => {
    refuses({ connections: 5 }, 'SP_LOAD_OPTIONS', /--connections is for --model closed/);
    refuses({ generators: 0 }, 'SP_LOAD_OPTIONS', /--generators must be a number from 1/);
    refuses({ generators: 2, engine: 'k6' }, 'SP_LOAD_OPTIONS', /--generators is for the embedded engine/);
    refusesShared({ shard: { index: 4, count: 4 } }, /--shard \(the first number\) must be a number from 1 to 4/);
    const shard = { index: 0, count: 2 };
    refusesShared({ shard, model: 'closed' }, /--shard is for the open model/);
    refuses({ shard }, 'SP_LOAD_OPTIONS', /--shard is for load ramp and load isolate/);
  });
});
