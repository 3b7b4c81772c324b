import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { K6_HOPS, planFromEnvironment, scenariosOf, submetric, thresholdsOf } from '../k6/plan.ts';
import { TIMED_HOPS } from '../report/model.ts';
import { loadRamp } from '../src/load-ramp.ts';
import { answerWell, startFixture, withBody } from '../testing/fixture.ts';
import { Journal, makeArm, makePlan } from '../testing/plans.ts';
import { findK6, k6Engine } from './k6.ts';
import { k6Limits } from './k6-limits.ts';
import { stepsOf } from './k6-summary.ts';

/** The reason to skip, or false. With SALLYPORT_NO_SKIP=1 what is absent fails instead. */
function skipWithoutK6(): string | false {
  try {
    findK6();
    return false;
  } catch {
    return process.env['SALLYPORT_NO_SKIP'] === '1' ? false : 'k6 is not installed (go install go.k6.io/k6@v1.8.1)';
  }
}
const skip = skipWithoutK6();

const counted = (step: number, ok: number, dropped = 0) => ({
  [submetric('sallyport_ok', 'tunnel', step)]: { values: { count: ok } },
  [submetric('sallyport_kept', 'tunnel', step)]: { values: { count: ok } },
  [submetric('dropped_iterations', 'tunnel', step)]: { values: { count: dropped } },
  [submetric('sallyport_response', 'tunnel', step)]: { values: { avg: 1.23456, 'p(99)': 9 } },
  [`http_reqs{arm:tunnel,step:${step},status:200}`]: { values: { count: ok } },
});

const limit = (threshold: string) => ({ threshold, abortOnFail: false, delayAbortEval: '10s' });

describe('finding k6', () => {
  test('takes what SALLYPORT_K6 names, then the first on PATH', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'k6-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'k6');
    writeFileSync(file, '#!/bin/sh\n');
    assert.throws(() => findK6({ PATH: folder }), { code: 'SP_LOAD_NO_K6' });
    chmodSync(file, 0o755);
    assert.equal(findK6({ PATH: `/nowhere:${folder}` }), file);
    assert.equal(findK6({ SALLYPORT_K6: file, PATH: '' }), file);
  });

  test('without one is refused with exit code 2 and the way to get it', async () => {
    const how = /go install go\.k6\.io\/k6@v1\.8\.1/;
    assert.throws(() => findK6({ PATH: '/nowhere' }), { code: 'SP_LOAD_NO_K6', exitCode: 2, message: how });
    assert.throws(() => findK6({ SALLYPORT_K6: '/no/k6', PATH: '' }), {
      code: 'SP_LOAD_NO_K6',
      message: /\/no\/k6 is not an executable file/,
    });
  });
});

describe('the script’s plan', () => {
  const plan = planFromEnvironment({ TARGET: 'http://t/', DIRECT: 'http://d/', STEPS: '20x10,50x5', P99_MS: '30' });

  test('is one constant-arrival-rate scenario per step and arm, one step after the other, the arms taking turns', () => {
    const scenarios = scenariosOf(plan);
    assert.deepEqual(Object.keys(scenarios), [
      'tunnel_warm_up',
      'direct_warm_up',
      'tunnel_0',
      'direct_0',
      'tunnel_1',
      'direct_1',
    ]);
    assert.ok(Object.values(scenarios).every(({ executor }) => executor === 'constant-arrival-rate'));
    assert.equal(scenarios['tunnel_0']?.['startTime'], '4000000us');
    assert.equal(scenarios['direct_0']?.['startTime'], '4025000us');
    assert.equal(scenarios['tunnel_1']?.['startTime'], '15000000us');
  });

  test('has thresholds on p99, failures and drops of every step', () => {
    const thresholds = thresholdsOf(plan);
    const limitOf = (metric: string, step: number) => thresholds[submetric(metric, 'tunnel', step)]?.at(1);
    for (const step of [0, 1]) {
      assert.deepEqual(limitOf('sallyport_response', step), limit('p(99)<=30'));
      assert.deepEqual(limitOf('sallyport_failed', step), limit('count<=0'));
      assert.deepEqual(limitOf('dropped_iterations', step), limit('count<=0'));
    }
  });

  test('knows the same hops as the report', () => {
    assert.deepEqual(K6_HOPS, TIMED_HOPS);
  });

  test('says what it needs', () => {
    assert.throws(() => planFromEnvironment({}), /-e TARGET=/);
  });

  test('turns limits into the thresholds that k6 can judge', () => {
    const limits = [
      { metric: 'p99', operator: '>', limit: 50 },
      { metric: 'failed', operator: '>=', limit: 1 },
      { metric: 'added', operator: '>', limit: 5 },
    ];
    assert.deepEqual(k6Limits(limits), [
      { metric: 'sallyport_response', threshold: 'p(99)<=50' },
      { metric: 'sallyport_failed', threshold: 'count<1' },
    ]);
  });
});

describe('k6’s summary', () => {
  const loss = { stealPercent: 0, throttledPercent: null };
  const plan = makePlan('http://127.0.0.1/', {
    steps: [
      { rate: 20, durationS: 10 },
      { rate: 50, durationS: 10 },
    ],
  });

  test('becomes the steps of a report', () => {
    const [step] = stepsOf({ ...counted(0, 198, 2), ...counted(1, 500) }, plan, loss, false);
    const tunnel = step?.arms.tunnel;
    assert.deepEqual([tunnel?.requests, tunnel?.dropped, tunnel?.achievedRate], [198, 2, 19.8]);
    assert.deepEqual([tunnel?.latencyMs.mean, tunnel?.latencyMs.p99], [1.235, 9]);
    assert.deepEqual(tunnel?.statusCodes, { 200: 198 });
    assert.deepEqual([step?.complete, step?.hopsMs, step?.histograms], [true, null, null]);
  });

  test('tells a step that was cut short from one whose load was not sent', () => {
    const cut = stepsOf(counted(0, 100), plan, loss, true);
    assert.deepEqual(
      cut.map(({ complete, durationS }) => [complete, durationS]),
      [[false, 5]],
    );
    const unsent = stepsOf({ ...counted(0, 200), ...counted(1, 400) }, plan, loss, false);
    assert.deepEqual(
      unsent.map(({ complete, generator }) => [complete, generator.sentRatio]),
      [
        [true, 1],
        [true, 0.8],
      ],
    );
  });
});

describe('k6 itself', () => {
  test('loads both arms and reports as the embedded engine does', { skip }, async (context) => {
    const { url, stop } = await startFixture();
    const out = mkdtempSync(join(tmpdir(), 'ramp-k6-'));
    context.after(async () => {
      rmSync(out, { recursive: true });
      await stop();
    });
    const { report, files } = await loadRamp({
      target: url,
      direct: url,
      out,
      engine: 'k6',
      rate: 40,
      durationS: 2,
      warmUpS: 0,
      failIf: ['failed>0'],
    });
    assert.deepEqual(files, [join(out, 'report.json'), join(out, 'report.txt')]);
    assert.equal(report.tool.engine, 'k6');
    assert.equal(report.stopped, null);
    const [step] = report.steps;
    // A machine out of breath may let k6 leave out the last arrivals, or add one at the very end.
    assert.ok((step?.arms.tunnel.ok ?? 0) >= 70 && (step?.arms.tunnel.ok ?? 0) <= 82, `${step?.arms.tunnel.ok}`);
    assert.ok((step?.arms.direct?.ok ?? 0) >= 70);
    assert.deepEqual(step?.hopsMs?.backend, { p50: 0.3, p99: 0.3 });
    assert.ok((step?.arms.tunnel.latencyMs.p50 ?? 0) > 0);
    assert.deepEqual(Object.keys(step?.arms.tunnel.statusCodes ?? {}), ['200']);
    assert.deepEqual(report.thresholds, [{ expression: 'failed>0', failedAt: [], worst: null }]);
    assert.ok(report.totals.arms.tunnel.requests >= 70);
  });

  test('sends method, body and credentials, and tells failures apart', { skip }, async (context) => {
    const seen = new Set<string>();
    const { url, stop } = await startFixture(
      withBody((request, response, body) => {
        seen.add(`${request.method} ${request.headers.authorization} ${body}`);
        response.writeHead(503).end();
      }),
    );
    context.after(stop);
    const requests = ['Bearer a.1', 'Bearer b.2'].map((value) => ({
      method: 'PUT',
      body: Buffer.from('payload'),
      headers: ['authorization', value],
    }));
    const journal = new Journal();
    const arms = [makeArm('tunnel', url, ...requests)];
    const plan = makePlan(url, { arms, steps: [{ rate: 20, durationS: 1 }] });
    const { error } = await k6Engine().run(plan, journal, new AbortController().signal);
    assert.equal(error, null);
    assert.deepEqual([...seen].sort(), ['PUT Bearer a.1 payload', 'PUT Bearer b.2 payload']);
    const tunnel = journal.steps[0]?.arms.tunnel;
    assert.ok(tunnel !== undefined && tunnel.failed > 0 && tunnel.ok === 0);
    assert.deepEqual(tunnel.statusCodes, { 503: tunnel.failed });
  });

  test('stops when asked to, with what it has', { skip }, async (context) => {
    const controller = new AbortController();
    let answered = 0;
    const { url, stop } = await startFixture((request, response) => {
      answered += 1;
      if (answered === 20) controller.abort();
      answerWell(request, response);
    });
    context.after(stop);
    const journal = new Journal();
    const plan = makePlan(url, { steps: [{ rate: 20, durationS: 600 }] });
    const { error } = await k6Engine().run(plan, journal, controller.signal);
    assert.equal(error, null);
    assert.equal(journal.steps[0]?.complete, false);
    assert.ok((journal.steps[0]?.arms.tunnel?.ok ?? 0) >= 19);
  });
});
