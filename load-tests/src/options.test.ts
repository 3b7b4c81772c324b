import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeArm } from '../testing/steps.ts';
import { exitCodeOf } from './exit-code.ts';
import { failedAlready, judgeSteps, parseFailIf, violation } from './fail-if.ts';
import type { LoadOptions } from './load-options.ts';
import { prepare } from './options.ts';
import { isLoopback, withDefaultPath } from './target.ts';

const TARGET = 'http://127.0.0.1:12000/session/demo/';
const refusal = (code: string, pattern: RegExp) => ({ name: 'LoadError', exitCode: 2, code, message: pattern });
const refuses = (options: Partial<LoadOptions>, code: string, pattern: RegExp): void =>
  assert.throws(() => prepare({ target: TARGET, ...options }), refusal(code, pattern));

const path = (address: string): string => withDefaultPath(address, 'target').href;

describe('the target', () => {
  test('gets the default resource where its path ends in a slash', () => {
    assert.equal(path(TARGET), 'http://127.0.0.1:12000/session/demo/loadtest/get');
    assert.equal(path('http://127.0.0.1:12007'), 'http://127.0.0.1:12007/loadtest/get');
    assert.equal(path('http://localhost/?a=1#b'), 'http://localhost/loadtest/get?a=1');
    assert.equal(path('http://127.0.0.1/session/demo'), 'http://127.0.0.1/session/demo');
    assert.equal(path('https://127.0.0.1/a/b?c'), 'https://127.0.0.1/a/b?c');
  });

  test('must be an http or https address without credentials in it', () => {
    for (const bad of ['', 'demo', 'ftp://127.0.0.1/', '127.0.0.1:80'])
      refuses({ target: bad }, 'SP_LOAD_TARGET', /--target must be/);
    refuses({ target: 'http://a:b@127.0.0.1/' }, 'SP_LOAD_TARGET', /--credentials FILE/);
    refuses({ direct: 'nowhere' }, 'SP_LOAD_TARGET', /--direct must be/);
  });

  test('is refused beyond this machine, on either arm, unless it is one’s own', () => {
    refuses({ target: 'https://example.com/' }, 'SP_LOAD_TARGET_NOT_LOCAL', /--yes-i-run-this-target/);
    refuses({ direct: 'http://10.0.0.1/' }, 'SP_LOAD_TARGET_NOT_LOCAL', /http:\/\/10\.0\.0\.1 is not this machine/);
    assert.ok(prepare({ target: 'https://example.com/', yesIRunThisTarget: true }));
  });

  test('is this machine by address or name', () => {
    const ours = [
      'http://127.0.0.1/',
      'http://127.255.3.4/',
      'http://[::1]/',
      'http://localhost/',
      'http://demo.localhost/',
    ];
    for (const address of ours) assert.ok(isLoopback(new URL(address)), address);
    for (const address of [
      'http://128.0.0.1/',
      'http://127.0.0.1.example.com/',
      'http://localhost.example.com/',
      'http://[::2]/',
    ]) {
      assert.ok(!isLoopback(new URL(address)), address);
    }
  });
});

describe('the options', () => {
  test('have defaults for all but the target', () => {
    const { plan, profile, engine } = prepare({ target: TARGET });
    assert.equal(profile.name, 'short');
    assert.equal(engine, 'embedded');
    assert.deepEqual(
      [plan.arms[0]?.requests[0]?.method, plan.timeoutMs, plan.warmUpS, plan.arrivals],
      ['GET', 10_000, 3, 'uniform'],
    );
    assert.deepEqual(
      plan.arms.map(({ name }) => name),
      ['tunnel'],
    );
  });

  test('override the profile', () => {
    const { plan } = prepare({ target: TARGET, rate: 200, durationS: 30, warmUpS: 0, arrivals: 'poisson', seed: 9 });
    assert.deepEqual(
      [plan.steps, plan.warmUpS, plan.arrivals, plan.seed],
      [[{ rate: 200, durationS: 30 }], 0, 'poisson', 9],
    );
  });

  test('that contradict one another or are out of range are refused', () => {
    refuses({ rate: 5 }, 'SP_LOAD_OPTIONS', /--rate and --duration go together/);
    refuses({ rate: 5, durationS: 1, profile: 'short' }, 'SP_LOAD_OPTIONS', /not both/);
    refuses({ timeoutMs: 0 }, 'SP_LOAD_OPTIONS', /--timeout \(ms\) must be a number from 1/);
    refuses({ method: 'GET /' }, 'SP_LOAD_OPTIONS', /--method/);
    refuses({ headers: { 'authorization Bearer hunter2': 'c' } }, 'SP_LOAD_OPTIONS', /^(?!.*hunter2)--header is not/);
    refuses({ seed: 1.5 }, 'SP_LOAD_OPTIONS', /--seed must be a whole number, not 1\.5/);
    refuses({ generators: 2.7 }, 'SP_LOAD_OPTIONS', /--generators must be a whole number, not 2\.7/);
    refuses({ headers: { a: 'c\r\nd: e' } }, 'SP_LOAD_OPTIONS', /--header/);
    refuses({ profile: 'shrot' }, 'SP_LOAD_PROFILE', /nearest is "short"/);
  });

  test('send credentials in turn through the tunnel and never to the backend', () => {
    const credentials = [
      { id: 'a', secret: '1' },
      { id: 'b', secret: '2' },
    ];
    const { arms } = prepare({
      target: TARGET,
      direct: 'http://127.0.0.1:12007/',
      credentials,
      headers: { 'X-A': 'b', Authorization: 'Basic eA==', Cookie: 'a=b' },
    }).plan;
    assert.deepEqual(
      arms[0]?.requests.map(({ headers }) => headers.at(-1)),
      ['Bearer a.1', 'Bearer b.2'],
    );
    assert.deepEqual(
      arms[1]?.requests.map(({ headers }) => headers),
      [['user-agent', 'sallyport-load', 'x-a', 'b']],
    );
    const basic = prepare({ target: TARGET, credentials: [{ id: 'a', secret: 'ü:1' }], auth: 'basic' }).plan.arms[0];
    assert.equal(basic?.requests[0]?.headers.at(-1), `Basic ${Buffer.from('a:ü:1').toString('base64')}`);
  });

  test('make a request with a body a POST unless they say otherwise', () => {
    assert.equal(prepare({ target: TARGET, body: 'x' }).plan.arms[0]?.requests[0]?.method, 'POST');
    assert.equal(prepare({ target: TARGET, body: 'x', method: 'PUT' }).plan.arms[0]?.requests[0]?.method, 'PUT');
  });
});

describe('a threshold', () => {
  const judged = {
    tunnel: makeArm(1000, 10, { p50: 5, p99: 60, failed: 20 }),
    added: { p50: 1, p99: 2, ci95: null },
    generator: null,
  };
  const failing = (expression: string): number | null => violation(parseFailIf(expression), judged);

  test('fails on its side of the limit', () => {
    assert.equal(failing('p99>50ms'), 60);
    assert.equal(failing('p99>60ms'), null);
    assert.equal(failing('p99>=60ms'), 60);
    assert.equal(failing('p99 > 0.05s'), 60);
    assert.equal(failing('p50>5000us'), null);
    assert.equal(failing('failed>0'), 20);
    assert.equal(failing('success<99%'), 98);
    assert.equal(failing('success<98%'), null);
    assert.equal(failing('rate<99/s'), 98);
    assert.equal(failing('added>0.5ms'), 1);
    assert.equal(failing('dropped>0'), null);
  });

  test('says nothing about what was not measured', () => {
    assert.equal(failing('lag>1ms'), null);
    assert.equal(violation(parseFailIf('success<99%'), { ...judged, tunnel: makeArm(0, 10, {}) }), null);
  });

  test('that is not understood is refused with an example', () => {
    const bad = [
      '',
      'p99',
      'p99>',
      'p99>50',
      'p99=50ms',
      'p98>50ms',
      'success<99',
      'failed>0ms',
      'p99>50ms;',
      'p99>-1ms',
      'constructor>1ms',
      'constructor>1',
    ];
    for (const expression of bad) {
      assert.throws(
        () => parseFailIf(expression),
        refusal('SP_LOAD_FAIL_IF', /write it like p99>50ms, failed>0, success<99%/),
        expression,
      );
    }
  });

  test('is reported with the rates where it failed and the worst figure', () => {
    const healthy = { ...judged, tunnel: makeArm(1000, 10, {}) };
    const worse = { ...judged, tunnel: makeArm(1000, 10, { p99: 90 }) };
    const steps = [
      { rate: 20, ...healthy },
      { rate: 50, ...judged },
      { rate: 100, ...worse },
    ];
    assert.deepEqual(judgeSteps([parseFailIf('p99>50ms'), parseFailIf('max>9s')], steps), [
      { expression: 'p99>50ms', failedAt: [50, 100], worst: 90 },
      { expression: 'max>9s', failedAt: [], worst: null },
    ]);
  });

  test('counts dropped arrivals as no success', () => {
    const dropping = { ...judged, tunnel: makeArm(1000, 10, { dropped: 500 }) };
    assert.equal(violation(parseFailIf('success<99%'), dropping), 50);
  });

  test('on what the tunnel adds is refused without the direct arm', () => {
    const plain = { target: 'http://127.0.0.1:1/', rate: 10, durationS: 1 };
    for (const expression of ['added>5ms', 'added.p99>5ms']) {
      assert.throws(
        () => prepare({ ...plain, failIf: [expression] }),
        refusal('SP_LOAD_FAIL_IF', /needs the direct path beside the tunnel; give --direct URL/),
      );
    }
    prepare({ ...plain, failIf: ['added>5ms'], direct: plain.target });
  });

  test('ends a step early at once where it cannot recover, else after ten seconds', () => {
    const { tunnel } = judged;
    assert.equal(failedAlready([parseFailIf('failed>0')], tunnel, 1)?.expression, 'failed>0');
    assert.equal(failedAlready([parseFailIf('p99>50ms')], tunnel, 1), null);
    assert.equal(failedAlready([parseFailIf('p99>50ms')], tunnel, 10)?.expression, 'p99>50ms');
    assert.equal(failedAlready([parseFailIf('failed<50')], tunnel, 1), null);
  });
});

const failedAt = (...rates: number[]) => ({ thresholds: [{ expression: 'p99>1ms', failedAt: rates, worst: 2 }] });

const stopped = (reason: 'interrupted' | 'threshold' | 'error') => ({ stopped: { reason, code: 'X', message: 'x' } });

describe('the exit code', () => {
  const verdict = { hop: null, at: null, kneeRate: null, confidence: 0, evidence: [], sentence: '' };
  const code = (
    changes: Partial<Parameters<typeof exitCodeOf>[0]>,
    fault: 'none' | 'generator' | 'backend' | 'inconclusive',
    at: number | null = null,
  ) =>
    exitCodeOf({ stopped: null, thresholds: [], verdict: { ...verdict, fault, at }, ...changes } as Parameters<
      typeof exitCodeOf
    >[0]);

  test('is 0 when done, whoever is at fault, and 3 when nobody can say', () => {
    assert.deepEqual(
      [code({}, 'none'), code({}, 'backend', 50), code({}, 'generator', 50), code({}, 'inconclusive')],
      [0, 0, 3, 3],
    );
  });

  test('is 99 for a failed threshold', () => {
    assert.equal(code(failedAt(50), 'none'), 99);
    assert.equal(code(failedAt(50), 'inconclusive'), 99);
    assert.equal(code({ ...failedAt(50), ...stopped('threshold') }, 'inconclusive'), 99);
  });

  test('is 3 for a threshold that failed only where the generator was not fit', () => {
    assert.equal(code(failedAt(500, 1000), 'generator', 500), 3);
    assert.equal(code(failedAt(200, 500), 'generator', 500), 99);
    assert.equal(code(failedAt(200), 'generator'), 3, 'it was fit nowhere');
  });

  test('is 130 when interrupted and 1 when it broke', () => {
    assert.equal(code({ ...failedAt(50), ...stopped('interrupted') }, 'none'), 130);
    assert.equal(code(stopped('error'), 'inconclusive'), 1);
  });
});
