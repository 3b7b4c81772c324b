import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { skipWithoutK6 } from '../testing/k6.ts';
import { Journal, makeArm, makePlan } from '../testing/plans.ts';
import { k6Engine } from './k6.ts';
import { k6Surroundings, segmentFlags, toK6Plan } from './k6-plan.ts';
import type { EnginePlan } from './plan.ts';

const URL = 'http://127.0.0.1/';
const SECURE = 'https://127.0.0.1/';
const timeout = 60_000;
/** Of a request: a busy machine must not make it fail. */
const timeoutMs = 20_000;

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'k6-plan-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('a plan in k6’s words', () => {
  test('has each different body once', (context) => {
    const folder = temporaryFolder(context);
    const body = Buffer.from('given');
    const bodies = [body, { fillBytes: 9 }, null, { fillBytes: 9 }, body, { fillBytes: 2 }];
    const arm = makeArm('tunnel', URL, ...bodies.map((each) => ({ body: each })));
    const plan = toK6Plan(makePlan(URL, { arms: [arm] }), folder);
    assert.deepEqual(
      plan.arms[0]?.requests.map((request) => request.body),
      [0, 1, null, 1, 0, 2],
    );
    const [given, ...filled] = plan.bodies;
    assert.deepEqual(filled, [{ fillBytes: 9 }, { fillBytes: 2 }]);
    assert.ok(given !== undefined && 'file' in given && readFileSync(given.file, 'utf8') === 'given');
  });

  test('joins the values of a field that is there twice', (context) => {
    const arm = makeArm('tunnel', URL, { headers: ['accept', 'a/b', 'x', '1', 'accept', 'c/d'] });
    const plan = toK6Plan(makePlan(URL, { arms: [arm] }), temporaryFolder(context));
    assert.deepEqual(plan.arms[0]?.requests[0]?.headers, { accept: 'a/b, c/d', x: '1' });
  });

  test('is refused with exit code 2 where k6 cannot do what is asked', (context) => {
    const folder = temporaryFolder(context);
    const refused = (message: RegExp, change: Partial<EnginePlan>): void =>
      assert.throws(() => toK6Plan(makePlan(URL, change), folder), { code: 'SP_LOAD_OPTIONS', exitCode: 2, message });
    const arm = makeArm('tunnel', URL);
    const tls = { ca: null, cert: 'c', key: 'k', isResuming: true };
    refused(/uniform arrivals only/, { arrivals: 'poisson' });
    refused(/cannot replay/, { trace: [{ atMs: 0, request: 0 }] });
    refused(/over https:\/\/ only/, { arms: [{ ...arm, protocol: 'http2' }] });
    refused(/by a schedule only/, { model: 'closed', arms: [{ ...arm, protocol: 'websocket' }] });
    refused(/WebSockets open/, { arms: [{ ...arm, protocol: 'websocket', connectionUse: 'fresh' }] });
    refused(/one protocol/, { arms: [arm, { ...makeArm('direct', URL), protocol: 'websocket' }] });
    refused(/one client certificate/, { arms: [arm, { ...makeArm('direct', URL), tls }] });
    refused(/keeps connections in all arms/, { arms: [arm, { ...makeArm('direct', URL), connectionUse: 'fresh' }] });
  });

  test('names a shard as a segment of all', (context) => {
    const plan = makePlan(URL, { shard: { index: 1, count: 3 } });
    assert.equal(toK6Plan(plan, temporaryFolder(context)).shards, 3);
    assert.deepEqual(segmentFlags(plan), [
      '--execution-segment',
      '1/3:2/3',
      '--execution-segment-sequence',
      '0,1/3,2/3,1',
    ]);
    assert.deepEqual(segmentFlags(makePlan(URL)), []);
  });

  test('knows no HTTP/2 where it was not asked for', (context) => {
    const folder = temporaryFolder(context);
    assert.deepEqual(k6Surroundings(makePlan(URL), folder), { GODEBUG: 'http2client=0' });
    const arms = [{ ...makeArm('tunnel', SECURE), protocol: 'http2' as const }];
    assert.deepEqual(k6Surroundings(makePlan(SECURE, { arms }), folder), {});
  });
});

test(
  'k6 trusts the given authority and shows the client’s certificate',
  { skip: skipWithoutK6(), timeout },
  async (context) => {
    const folder = temporaryFolder(context);
    const file = (name: string): string => join(folder, name);
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    const made = ['-nodes', '-days', '2', '-keyout', file('key.pem'), '-out', file('cert.pem')];
    execFileSync('openssl', ['req', '-x509', ...curve, ...made, ...subject], { stdio: 'ignore' });
    const [cert, key] = [readFileSync(file('cert.pem'), 'utf8'), readFileSync(file('key.pem'), 'utf8')];
    const seen = new Set<string>();
    const server = createServer(
      { cert, key, ca: cert, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        seen.add(`HTTP/${request.httpVersion}`);
        response.end('hello');
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const run = async (tls: { ca: string | null; cert: string | null; key: string | null }) => {
      const journal = new Journal();
      const arms = [{ ...makeArm('tunnel', url), tls: { ...tls, isResuming: false } }];
      await k6Engine().run(
        makePlan(url, { arms, timeoutMs, steps: [{ rate: 20, durationS: 1 }] }),
        journal,
        context.signal,
      );
      return journal.steps[0]?.arms.tunnel;
    };
    const [trusting, doubting] = await Promise.all([run({ ca: cert, cert, key }), run({ ca: null, cert, key })]);
    assert.deepEqual(trusting?.errors, {});
    assert.ok((trusting?.ok ?? 0) > 0);
    assert.deepEqual([...seen], ['HTTP/1.1']);
    assert.equal(doubting?.ok, 0);
    assert.match(Object.keys(doubting.errors).join(), /^tls:[a-z]+$/);
  },
);
