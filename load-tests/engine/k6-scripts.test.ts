import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planFromEnvironment } from '../k6/lib/environment.ts';
import type { Shape } from '../k6/lib/environment.ts';
import { errorKind, statusMetric, submetric } from '../k6/lib/names.ts';
import { reportOf } from '../k6/lib/report.ts';
import { scenariosOf } from '../k6/lib/scenarios.ts';
import { sessionTable } from '../k6/lib/session-table.ts';
import { stepsOf } from '../k6/lib/summary.ts';
import type { K6Metrics } from '../k6/lib/summary.ts';
import { k6Limits, thresholdsOf } from '../k6/lib/thresholds.ts';
import { REPORT_SCHEMA } from '../report/model.ts';

const RAMP: Shape = { command: 'ramp', name: 'ramp', steps: '20x10', failIf: 'p99>50ms,failed>0,dropped>0' };
const ADDRESSES = { TARGET: 'http://t/', DIRECT: 'http://d/', STEPS: '20x10,50x5' };

const counted = (step: number, ok: number, dropped = 0): K6Metrics => ({
  [submetric('sallyport_ok', 'tunnel', step)]: { values: { count: ok } },
  [submetric('sallyport_kept', 'tunnel', step)]: { values: { count: ok } },
  [submetric('dropped_iterations', 'tunnel', step)]: { values: { count: dropped } },
  [submetric('sallyport_response', 'tunnel', step)]: { values: { avg: 1.23456, 'p(99)': 9 } },
  [submetric(statusMetric(200), 'tunnel', step)]: { values: { count: ok } },
});

const vus = (rate: string, latencyMs: string): unknown => {
  const plan = planFromEnvironment({ ...ADDRESSES, STEPS: `${rate}x5`, LATENCY_MS: latencyMs }, RAMP);
  return scenariosOf(plan)['tunnel_0']?.['preAllocatedVUs'];
};
const limit = (threshold: string) => ({ threshold, abortOnFail: false, delayAbortEval: '10s' });
const trend = (ms: number) => ({ values: { 'p(50)': ms, 'p(90)': ms, 'p(99)': ms, max: ms } });
const window = (arm: 'tunnel' | 'direct', step: number, ms: number): K6Metrics => ({
  [submetric('sallyport_ok', arm, step)]: { values: { count: 300 } },
  [submetric('sallyport_kept', arm, step)]: { values: { count: 300 } },
  [submetric('sallyport_response', arm, step)]: trend(ms),
});

describe('a script by itself', () => {
  test('takes steps as rate x seconds, also many times', () => {
    const { steps } = planFromEnvironment({ TARGET: 'http://t/', STEPS: '20x10, 200x3*3' }, RAMP);
    assert.deepEqual(
      steps.map(({ rate, durationS }) => [rate, durationS]),
      [
        [20, 10],
        [200, 3],
        [200, 3],
        [200, 3],
      ],
    );
  });

  test('sends no credential to the backend itself', () => {
    const { arms } = planFromEnvironment({ ...ADDRESSES, HEADER: 'Authorization: Bearer a.1' }, RAMP);
    assert.deepEqual(
      arms.map(({ requests }) => requests[0]?.headers),
      [{ Authorization: 'Bearer a.1' }, {}],
    );
  });

  test('visits its sessions in turn', () => {
    const shape = { ...RAMP, hasSessions: true };
    const plan = planFromEnvironment({ TARGET: 'http://t/session/{session}/x', SESSIONS: '2' }, shape);
    const urls = plan.arms[0]?.requests.map(({ url }) => url);
    assert.deepEqual(urls, ['http://t/session/load-1/x', 'http://t/session/load-2/x']);
    assert.throws(() => planFromEnvironment({ TARGET: 'http://t/' }, shape), /\{session\}/);
    assert.throws(() => planFromEnvironment({ TARGET: '{session}', SESSIONS: '1001' }, shape), /1 to 1000/);
  });

  test('says in one line what it needs', () => {
    assert.throws(() => planFromEnvironment({}, RAMP), /-e TARGET=/);
    assert.throws(() => planFromEnvironment({ ...ADDRESSES, STEPS: '20' }, RAMP), /STEPS=20x10/);
    assert.throws(() => planFromEnvironment({ ...ADDRESSES, WARM_UP_S: 'x' }, RAMP), /WARM_UP_S=x is not a number/);
    assert.throws(() => planFromEnvironment({ ...ADDRESSES, FAIL_IF: 'p98>1' }, RAMP), /--fail-if "p98>1"/);
    assert.throws(() => planFromEnvironment({ ...ADDRESSES, HEADER: 'x' }, RAMP), /no colon/);
  });
});

describe('what k6 is told', () => {
  const plan = planFromEnvironment(ADDRESSES, RAMP);

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

  test('has virtual users for three times rate × latency, within bounds', () => {
    assert.deepEqual([vus('1000', '40'), vus('10', '10'), vus('5000', '1000')], [120, 5, 500]);
  });

  test('is a closed loop, or connections that stay open, where the plan says so', () => {
    const closed = scenariosOf({ ...plan, model: 'closed', connections: 7 })['tunnel_1'];
    assert.deepEqual([closed?.['executor'], closed?.['vus'], closed?.['duration']], ['constant-vus', 7, '5000ms']);
    const echoes = scenariosOf({ ...plan, protocol: 'websocket', connections: 7 })['tunnel_1'];
    assert.deepEqual([echoes?.['executor'], echoes?.['vus'], echoes?.['iterations']], ['per-vu-iterations', 7, 1]);
  });

  test('has thresholds on p99, failures and drops of every step', () => {
    const thresholds = thresholdsOf(plan);
    const limitOf = (metric: string, step: number) => thresholds[submetric(metric, 'tunnel', step)]?.at(1);
    for (const step of [0, 1]) {
      assert.deepEqual(limitOf('sallyport_response', step), limit('p(99)<=50'));
      assert.deepEqual(limitOf('sallyport_failed', step), limit('count<=0'));
      assert.deepEqual(limitOf('dropped_iterations', step), limit('count<=0'));
    }
  });

  test('leaves to others the limits that it cannot judge', () => {
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
  const plan = planFromEnvironment({ TARGET: 'http://t/', STEPS: '20x10,50x10', WARM_UP_S: '0' }, RAMP);
  const own = { command: 'ramp', name: 'ramp', failIf: ['p99>5ms', 'failed>0'] } as const;

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

  test('becomes a whole report where nobody else writes one', () => {
    const metrics = { ...counted(0, 200), ...counted(1, 500) };
    const endedAt = new Date('2026-01-01T00:00:21Z');
    const whole = { metrics, state: { testRunDurationMs: 21_000 } };
    const report = reportOf(whole, plan, { ...own, failIf: [...own.failIf] }, endedAt);
    assert.equal(report.schema, REPORT_SCHEMA);
    assert.deepEqual([report.tool.engine, report.startedAt], ['k6', '2026-01-01T00:00:00.000Z']);
    assert.deepEqual([report.steps.length, report.totals.durationS, report.stopped], [2, 20, null]);
    assert.equal(report.verdict.fault, 'none');
    assert.deepEqual(
      report.thresholds.map(({ failedAt }) => failedAt),
      [[20, 50], []],
    );
  });

  test('that comes early is of a run that was interrupted', () => {
    const early = { metrics: counted(0, 100), state: { testRunDurationMs: 5000 } };
    const report = reportOf(early, plan, { ...own, failIf: [] }, new Date(0));
    assert.equal(report.stopped?.reason, 'interrupted');
    assert.deepEqual(
      report.steps.map(({ complete }) => complete),
      [false],
    );
  });

  test('of a duet has the median difference over the windows and its interval', () => {
    const windows = 20;
    const duet = planFromEnvironment(
      { ...ADDRESSES, STEPS: `100x3*${windows}`, WARM_UP_S: '0' },
      { ...RAMP, command: 'overhead', gapS: 0 },
    );
    const parts = duet.steps.map((_, step) => ({
      ...window('tunnel', step, 2 + step / 100),
      ...window('direct', step, 1),
    }));
    const metrics: K6Metrics = Object.assign({}, ...parts);
    const report = reportOf(
      { metrics, state: { testRunDurationMs: 60_000 } },
      duet,
      { command: 'overhead', name: 'overhead', failIf: [] },
      new Date(0),
    );
    const [p50] = report.sections.overhead?.added ?? [];
    assert.deepEqual([report.sections.overhead?.windows, report.sections.overhead?.windowS], [windows, 3]);
    assert.deepEqual(
      [p50?.medianMs, ...(p50?.ci95 ?? [])].map((value) => value?.toFixed(3)),
      ['1.095', '1.050', '1.140'],
    );
  });

  test('says which session was slowest', () => {
    const metrics = {
      'sallyport_by_session{session:0,phase:measure}': trend(1),
      'sallyport_by_session{session:1,phase:measure}': trend(30),
    };
    const rows = sessionTable({ ...plan, sessions: ['quick', 'slow'] }, metrics)
      .trim()
      .split('\n');
    assert.match(rows[2] ?? '', /^ *slow/);
    assert.match(rows[3] ?? '', /^ *quick/);
    assert.equal(sessionTable(plan, metrics), '');
  });

  test('names errors as the embedded engine does', () => {
    assert.equal(errorKind(1212, 'connection refused'), 'connection_refused');
    assert.equal(errorKind(1000, 'dial tcp: socket: too many open files'), 'no_file_descriptor');
    assert.equal(errorKind(1622, 'http2: stream error'), 'connection_closed');
    assert.equal(errorKind(4711, ''), 'unknown');
  });
});
