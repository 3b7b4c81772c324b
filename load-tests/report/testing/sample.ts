/** Made-up reports for the tests of what is written from them. */
import { percentileCurve } from '../curve.ts';
import { assemble } from '../../src/assemble.ts';
import { prepare } from '../../src/options.ts';
import { makeArm, makeSteps } from '../../testing/steps.ts';
import type { ArmReport, LoadReport, StepReport } from '../model.ts';
import type { Sections } from '../sections.ts';

/** Names from a target that would be markup, scripts or table cells if anybody let them. */
export const HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>|`"\'&\u0007]]>';

/** Every section at once, though a command fills but one. */
export const ALL_SECTIONS: Sections = {
  gate: {
    outcome: 'fail',
    rows: [
      { metric: 'p50', baselineMs: 1.2, differenceMs: 1.04, ci95: [0.92, 1.18], marginMs: 0.3, outcome: 'fail' },
      { metric: 'p99', baselineMs: 4.1, differenceMs: 0.6, ci95: [-0.4, 1.5], marginMs: 1, outcome: 'inconclusive' },
    ],
    control: [{ metric: 'p50', differenceMs: 0.01, ci95: [-0.05, 0.06], isFit: true }],
    windows: 20,
    windowS: 3,
    sentence: 'The candidate is 1.04 ms slower at the median, and its interval lies beyond the margin of 0.3 ms.',
  },
  overhead: {
    rate: 200,
    windows: 20,
    windowS: 3,
    added: [
      { metric: 'p50', medianMs: 0.41, ci95: [0.38, 0.44] },
      { metric: 'p90', medianMs: 0.55, ci95: [0.5, 0.63] },
      { metric: 'p99', medianMs: 1.1, ci95: [0.7, 1.9] },
    ],
    cpuUsPerRequest: { entry: 61.2, server: 18.4, client: 55.7 },
  },
  capacity: {
    tries: [
      [250, 'step', true, 251, 0.9, 2.1],
      [500, 'step', true, 500, 1.1, 2.8],
      [1000, 'step', true, 999, 1.6, 5.2],
      [2000, 'step', false, 1310, 420, 1900],
      [1400, 'bisection', false, 1290, 160, 700],
      [1200, 'confirmation', true, 1199, 3.1, 14],
    ].map(([rate, phase, isCarried, achievedRate, p50Ms, p99Ms]) => ({
      rate: rate as number,
      phase: phase as 'step',
      isCarried: isCarried as boolean,
      reasons:
        isCarried === true ? [] : ['only 65.5 % of the offered load answered in step', 'p99 over 3 × the lowest'],
      achievedRate: achievedRate as number,
      p50Ms: p50Ms as number,
      p99Ms: p99Ms as number,
    })),
    knee: { carriedRate: 1200, refusedRate: 1400 },
    usl: { lambda: 1050, sigma: 0.75, kappa: 0.00001, peakRate: 1320, rSquared: 0.981 },
    whatIf: [
      { rate: 1200, slots: 10, queueMeanMs: 41, isMeasured: true },
      { rate: 1200, slots: 20, queueMeanMs: 3, isMeasured: false },
      { rate: 1200, slots: 5, queueMeanMs: null, isMeasured: false },
    ],
  },
  soak: {
    trends: [
      {
        name: 'server memory',
        unit: 'MiB',
        slopePerHour: 31.5,
        ci95: [28.1, 36.2],
        first: 81.2,
        last: 144.9,
        verdict: 'rising',
      },
      { name: 'entry descriptors', unit: '', slopePerHour: 0, ci95: [-0.2, 0.2], first: 41, last: 41, verdict: 'flat' },
      { name: 'p99', unit: 'ms', slopePerHour: 0.02, ci95: null, first: 4.1, last: 4.2, verdict: 'unknown' },
    ],
    isLeaking: true,
    sentence: 'The server’s memory rose by 31.5 MiB an hour throughout.',
  },
  compare: {
    a: 'results/monday',
    b: 'results/tuesday',
    rows: [
      { rate: 200, metric: 'p50', aMs: 1.2, bMs: 1.1, differenceMs: -0.1, ci95: [-0.14, -0.05] },
      { rate: 200, metric: 'p99', aMs: 3.9, bMs: 4.4, differenceMs: 0.5, ci95: null },
    ],
    sentence: 'B answers 0.1 ms earlier at the median.',
  },
  tls: [
    { mode: 'off', handshakes: 0, connectP50Ms: 0.2, latencyP50Ms: 0.9, latencyP99Ms: 2, added: [] },
    {
      mode: 'on',
      handshakes: 120,
      connectP50Ms: 2.1,
      latencyP50Ms: 1,
      latencyP99Ms: 2.2,
      added: [{ metric: 'p50', medianMs: 0.1, ci95: [0.06, 0.15] }],
    },
  ],
};

/** A ramp of six rates that the backend stops carrying at the top one, with seconds, hops and curves. */
export function sampleReport(changes: Partial<LoadReport> = {}): LoadReport {
  const target = 'http://127.0.0.1:12000/session/demo/';
  const prepared = prepare({
    target,
    direct: 'http://127.0.0.1:12007/',
    profile: 'aggressive',
    failIf: ['p99>50ms', 'failed>100000'],
  });
  const steps = sampleSteps();
  const report = assemble({
    command: 'isolate',
    prepared,
    version: '1.2.3',
    startedAt: new Date(0),
    measurements: [],
    steps,
    totals: { tunnel: makeArm(56_100, 180, { failed: 66 }), direct: makeArm(56_100, 180, {}) },
    stopped: null,
  });
  return { ...report, ...changes };
}

function sampleSteps(): StepReport[] {
  const steps = makeSteps([
    {
      rate: 20,
      durationS: 30,
      tunnel: { p50: 0.81, p99: 2.1 },
      direct: { p50: 0.4, p99: 1.1 },
      hops: { backend: 0.9 },
    },
    { rate: 50, durationS: 30, tunnel: { p50: 0.78, p99: 2 }, direct: { p50: 0.38, p99: 1 }, hops: { backend: 0.9 } },
    {
      rate: 100,
      durationS: 30,
      tunnel: { p50: 0.75, p99: 1.9 },
      direct: { p50: 0.36, p99: 0.9 },
      hops: { backend: 0.9 },
    },
    {
      rate: 200,
      durationS: 30,
      tunnel: { p50: 0.8, p99: 2.4 },
      direct: { p50: 0.37, p99: 1.3 },
      hops: { backend: 1.1 },
    },
    {
      rate: 500,
      durationS: 30,
      tunnel: { p50: 1.6, p99: 9.1 },
      direct: { p50: 0.9, p99: 7.2 },
      hops: { queue: 1.4, backend: 6 },
    },
    {
      rate: 1000,
      durationS: 30,
      tunnel: { p50: 480, p99: 1900, failed: 66, dropped: 120, errors: { timeout: 66 } },
      direct: { p50: 410, p99: 1750, achieved: 0.8 },
      hops: { queue: 900, slot: 60, backend: 1020 },
    },
  ]);
  return steps.map((step, index) => ({
    ...step,
    addedMs: { p50: 0.41, p99: 0.9, ci95: [0.38, 0.45] },
    arms: { tunnel: withCurve(step.arms.tunnel), ...(step.arms.direct && { direct: withCurve(step.arms.direct) }) },
    seconds: secondsOf(step, index),
  }));
}

/** Thirty seconds that swing a little, with failures in the last few of the top step. */
function secondsOf({ arms, rate, durationS }: StepReport, index: number): StepReport['seconds'] {
  const second = (arm: ArmReport, at: number, failed: number) => {
    const swing = 1 + 0.15 * Math.sin(at * 1.7 + index) + (index === 5 ? at / durationS : 0);
    const { p50, p99 } = arm.latencyMs;
    return { ok: rate - failed, failed, p50: p50 * swing, p99: p99 * swing, max: p99 * swing * 1.2 };
  };
  return Array.from({ length: durationS }, (_, at) => ({
    atS: at,
    lengthS: 1,
    arms: {
      tunnel: second(arms.tunnel, at, index === 5 && at > 23 ? 11 : 0),
      ...(arms.direct && { direct: second(arms.direct, at, 0) }),
    },
  }));
}

function withCurve(arm: ArmReport): ArmReport {
  const { p50, p99 } = arm.latencyMs;
  const at = (percentile: number): number => {
    const nines = -Math.log10(1 - Math.min(percentile, 99.999) / 100);
    return p50 * (p99 / p50) ** ((nines - 0.3) / 1.7);
  };
  return { ...arm, curve: percentileCurve(at, arm.requests) };
}
