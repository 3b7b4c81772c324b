import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { loadProfile } from '../profiles/profile.ts';
import { Transcript } from '../testing/fixture.ts';
import { parseLogLine } from './access-log.ts';
import { loadRecord } from './load-record.ts';
import { withoutSecrets } from './secrets.ts';
import { mountSmall } from '../testing/small-disk.ts';

const START_MS = Date.parse('2026-03-01T12:00:00Z');

type Fields = Record<string, unknown>;
const line = (changes: Fields = {}): string =>
  JSON.stringify({
    level: 'info',
    time: '2026-03-01T12:00:09.000Z',
    requestId: 'r',
    arrivedMs: START_MS,
    method: 'GET',
    target: '/session/demo/loadtest/get',
    status: 200,
    bytesIn: 0,
    durationMs: 250,
    session: 'demo',
    msg: 'request',
    ...changes,
  });
const requestOf = (changes: Fields) => {
  const read = parseLogLine(line(changes));
  return read.kind === 'request' ? read.request : read.kind;
};

const refusal = (message: RegExp) => ({ code: 'SP_LOAD_RECORD', exitCode: 2, message });

function makeLog(context: TestContext, ...lines: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'record-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const accessLog = join(folder, 'entry.log');
  writeFileSync(accessLog, `${lines.join('\n')}\n`);
  return { accessLog, out: join(folder, 'monday.yaml'), stderr: new Transcript() };
}

describe('a line of the access log', () => {
  test('tells when, how, where below the session, and how long a body', () => {
    assert.deepEqual(requestOf({ method: 'POST', bytesIn: 12 }), {
      arrivedMs: START_MS,
      isExact: true,
      session: 'demo',
      method: 'POST',
      path: '/loadtest/get',
      bodyBytes: 12,
      hasSize: true,
      hidden: 0,
    });
  });

  test('without an arrival time of its own is taken for one that ended when it was written', () => {
    const request = requestOf({ arrivedMs: undefined });
    assert.deepEqual(typeof request === 'string' ? request : [request.arrivedMs, request.isExact], [
      START_MS + 8750,
      false,
    ]);
  });

  test('by host name keeps its path, and in absolute form loses the origin', () => {
    for (const [target, path] of [
      ['/a/b', '/a/b'],
      ['http://demo.example.org/a?b=c', '/a?b='],
      ['/session/demo/', '/'],
      ['/session/demonic/x', '/session/demonic/x'],
    ]) {
      const request = requestOf({ target });
      assert.equal(typeof request === 'string' ? request : request.path, path);
    }
  });

  test('that is not about a request is passed over, and what cannot be replayed is told apart', () => {
    for (const text of ['', 'hello', '{', '{"msg":"ready"}', '{"msg":"request"}'])
      assert.equal(parseLogLine(text).kind, 'other', text);
    for (const changes of [{ status: 101 }, { method: 'CONNECT' }, { target: '*' }, { target: `/${'x'.repeat(9)}…` }])
      assert.equal(requestOf(changes), 'unusable', JSON.stringify(changes));
  });

  test('keeps no values of queries and nothing that looks like a token', () => {
    const secret = 'a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6';
    const paths = {
      '/a?token=hunter2&x&y=': '/a?token=&x&y=',
      [`/reset/${secret}/now?${secret}=1`]: '/reset/redacted/now?redacted=',
      '/t/eyJhbGciOi.eyJzdWI.x': '/t/redacted',
      '/blob/9e107d9d372bb6826bd81d3542a419d69e107d9d': '/blob/redacted',
      '/user/0b0e7a1c-8f7d-4c1e-9a2b-3c4d5e6f7a8b': '/user/0b0e7a1c-8f7d-4c1e-9a2b-3c4d5e6f7a8b',
      '/how-to-put-a-service-behind-a-tunnel-in-2026': '/how-to-put-a-service-behind-a-tunnel-in-2026',
    };
    for (const [target, path] of Object.entries(paths)) assert.equal(withoutSecrets(target).path, path);
  });
});

test('what looks like a secret is replaced, and what names things stays', () => {
  const secrets = [
    'a1b2c3d4e5f6a7b8',
    'A1B2-C3D4-E5F6-G7H8',
    'sk_live_1234',
    'ghp_abc',
    'glpat-x',
    '4111111111111111',
    'aB3xYz9kLm2Q-_7pR5tU',
    'a1b2c3d4%2Fe5f6a7b8',
  ];
  const names = [
    'getUserProfileById',
    'how-to-tunnel-in-2026',
    'index-BxYz12Ab.js',
    '0b0e7a1c-8f7d-4c1e-9a2b-3c4d5e6f7a8b',
    '20260301120000',
    'internationalization',
    'v2',
  ];
  for (const text of secrets) assert.equal(withoutSecrets(`/a/${text}/b`).path, '/a/redacted/b', text);
  for (const text of names) assert.equal(withoutSecrets(`/a/${text}/b`).path, `/a/${text}/b`);
});

describe('a recording', () => {
  test('is a profile of the requests in order of arrival', async (context) => {
    const files = makeLog(
      context,
      line({ arrivedMs: START_MS + 500, method: 'POST', target: '/session/demo/b?key=1', bytesIn: 9 }),
      '{"msg":"ready"}',
      line(),
    );
    const recorded = await loadRecord(files);
    assert.deepEqual(recorded, { file: files.out, requests: 2, durationS: 0.5, sessions: ['demo'], notes: [] });
    const profile = loadProfile(files.out);
    assert.equal(profile.name, 'monday');
    assert.match(profile.description, /^2 requests in 0\.5 s from 2026-03-01T12:00:00\.000Z/);
    assert.deepEqual(profile.trace, [
      { atMs: 0, method: 'GET', path: '/loadtest/get', bodyBytes: 0 },
      { atMs: 500, method: 'POST', path: '/b?key=', bodyBytes: 9 },
    ]);
  });

  test('says what it could not keep', async (context) => {
    const files = makeLog(
      context,
      line({ bytesIn: undefined, session: 'other' }),
      line({ arrivedMs: undefined }),
      line({ status: 101 }),
    );
    const { notes } = await loadRecord(files);
    assert.deepEqual(
      notes.map((note) => note.split(':')[0]),
      [
        '1 requests have no arrival time of their own',
        '1 requests have no body size',
        '1 lines cannot be replayed (WebSockets, paths cut by the log) and are left out',
        '2 sessions are folded into one; --session takes one alone',
      ],
    );
    assert.match(files.stderr.text, /^note: 1 requests have no arrival time/);
  });

  test('leaves out times that cannot be, and is refused over more than a profile may span', async (context) => {
    const odd = makeLog(context, line(), line({ arrivedMs: 1e20 }), line({ arrivedMs: -1 }));
    const { requests, notes } = await loadRecord(odd);
    assert.deepEqual([requests, notes.length], [1, 1]);
    const long = makeLog(context, line(), line({ arrivedMs: START_MS + 8 * 86_400_000 }));
    await assert.rejects(loadRecord(long), refusal(/holds 8 days; a profile takes 7: give a part of the log/));
  });

  test('on a full disk leaves no part of a file, and ends with 1', async (context) => {
    const tiny = mountSmall(context, 4);
    if (tiny === null) return context.skip('this process may not mount');
    const files = makeLog(
      context,
      ...Array.from({ length: 1000 }, (_, index) => line({ arrivedMs: START_MS + index })),
    );
    await assert.rejects(loadRecord({ ...files, out: join(tiny, 'p.yaml') }), {
      code: 'SP_LOAD_RECORD',
      exitCode: 1,
      message: /p\.yaml cannot be written \(ENOSPC\); make room/,
    });
    assert.deepEqual(readdirSync(tiny), []);
  });

  test('may be of one session', async (context) => {
    const files = makeLog(context, line(), line({ session: 'other' }));
    const { requests, sessions } = await loadRecord({ ...files, session: 'other' });
    assert.deepEqual([requests, sessions], [1, ['other']]);
  });

  test('of nothing, or over a file that is there, is refused', async (context) => {
    const files = makeLog(context, line());
    await assert.rejects(loadRecord({ ...files, session: 'x' }), refusal(/holds no requests of session x; give/));
    await assert.rejects(loadRecord({ ...files, accessLog: '/no/such' }), refusal(/cannot be read \(ENOENT\); give/));
    await assert.rejects(loadRecord({ ...files, out: '/no/such/x' }), refusal(/cannot be written \(ENOENT\); correct/));
    writeFileSync(files.out, 'mine');
    await assert.rejects(loadRecord(files), refusal(/monday\.yaml is there already; remove it or give another --out/));
    assert.equal(readFileSync(files.out, 'utf8'), 'mine');
  });
});
