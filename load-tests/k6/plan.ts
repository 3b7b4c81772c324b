/** What the k6 script is to do, as plain data. Runs inside k6 and in Node: no imports of either. */
export type K6Arm = {
  name: 'tunnel' | 'direct' | 'baseline' | 'control';
  url: string;
  headerSets: Record<string, string>[];
};
export type K6Step = { rate: number; durationS: number };
/** `threshold` is in k6's words (`p(99)<=50`) and holds for every step. */
export type K6Limit = { metric: string; threshold: string };
export type K6Plan = {
  arms: K6Arm[];
  steps: K6Step[];
  method: string;
  bodyFile: string | null;
  timeoutMs: number;
  warmUpS: number;
  maxInFlight: number;
  limits: K6Limit[];
  abortOnFail: boolean;
  summaryFile: string;
};

export const SUMMARY_TREND_STATS = [
  'min',
  'avg',
  'p(50)',
  'p(75)',
  'p(90)',
  'p(95)',
  'p(99)',
  'p(99.9)',
  'max',
  'count',
];
export const K6_HOPS = ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend', 'total'];
export const K6_STATUSES = [
  0, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 421,
  425, 429, 431, 500, 501, 502, 503, 504, 505, 507, 508, 511,
];
/** k6's error codes (grafana.com/docs/k6, "Error codes") and the report's names of them. */
export const K6_ERRORS: Readonly<Record<number, string>> = {
  1000: 'unknown',
  1010: 'unknown',
  1050: 'timeout',
  1100: 'name_not_found',
  1101: 'name_not_found',
  1200: 'connection_closed',
  1201: 'connection_closed',
  1202: 'connection_closed',
  1210: 'unreachable',
  1211: 'connect_timeout',
  1212: 'connection_refused',
  1220: 'connection_reset',
  1300: 'tls:unknown',
  1310: 'tls:certificate',
  1311: 'tls:authority',
};

const SHORT = '20x10,50x10,100x10,200x10,500x10,1000x10';
/** Between two steps, for the answers that are still to come. */
const GAP_S = 1;
const WARM_UP_RATE = 100;
/** Three times rate × a latency of 33 ms: enough that no virtual user has to be made in the middle of a step. */
const VUS_PER_RATE = 0.1;
const MIN_VUS = 5;
const MAX_PREALLOCATED_VUS = 500;
const ABORT_DELAY = '10s';
/** Always true; it makes k6 keep the figure by step. */
const KEEP_TREND = 'max>=0';
const KEEP_COUNT = 'count>=0';

/** The plan of a script run by itself. */
export function planFromEnvironment(environment: Record<string, string | undefined>): K6Plan {
  const { TARGET, DIRECT, STEPS = SHORT, P99_MS = '50', WARM_UP_S = '3', SUMMARY = 'summary.json' } = environment;
  if (TARGET === undefined)
    throw new Error('give the address to load: k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/get');
  const arms: K6Arm[] = [{ name: 'tunnel', url: TARGET, headerSets: [{}] }];
  if (DIRECT !== undefined) arms.push({ name: 'direct', url: DIRECT, headerSets: [{}] });
  return {
    arms,
    steps: STEPS.split(',').map((step) => {
      const [rate = NaN, durationS = NaN] = step.split('x').map(Number);
      return { rate, durationS };
    }),
    method: 'GET',
    bodyFile: null,
    timeoutMs: 10_000,
    warmUpS: Number(WARM_UP_S),
    maxInFlight: 2000,
    limits: [
      { metric: 'sallyport_response', threshold: `p(99)<=${P99_MS}` },
      { metric: 'sallyport_failed', threshold: 'count<=0' },
      { metric: 'dropped_iterations', threshold: 'count<=0' },
    ],
    abortOnFail: false,
    summaryFile: SUMMARY,
  };
}

/** How k6 names a figure of one arm in one step. */
export function submetric(metric: string, arm: string, step: number | 'all'): string {
  return step === 'all' ? `${metric}{arm:${arm},phase:measure}` : `${metric}{arm:${arm},step:${step}}`;
}

type Scenario = Record<string, unknown>;

export function scenariosOf(plan: K6Plan): Record<string, Scenario> {
  const scenarios: Record<string, Scenario> = {};
  let startS = 0;
  if (plan.warmUpS > 0) {
    const rate = Math.min(WARM_UP_RATE, Math.max(...plan.steps.map((step) => step.rate)));
    addStep(scenarios, plan, { rate, durationS: plan.warmUpS }, 'warm_up', 0);
    startS = plan.warmUpS + GAP_S;
  }
  for (const [index, step] of plan.steps.entries()) {
    addStep(scenarios, plan, step, `${index}`, startS);
    startS += step.durationS + GAP_S;
  }
  return scenarios;
}

/** One scenario per arm; the arms are half an interval apart, so that they take turns. */
function addStep(all: Record<string, Scenario>, plan: K6Plan, step: K6Step, name: string, startS: number): void {
  const { rate, durationS } = step;
  const vus = Math.min(MAX_PREALLOCATED_VUS, plan.maxInFlight, Math.max(MIN_VUS, Math.ceil(rate * VUS_PER_RATE)));
  for (const [index, arm] of plan.arms.entries()) {
    const shiftUs = Math.round((index * 1e6) / rate / plan.arms.length);
    all[`${arm.name}_${name}`] = {
      executor: 'constant-arrival-rate',
      // k6 takes whole numbers only: so many per ten seconds.
      rate: Math.round(rate * 10),
      timeUnit: '10s',
      // Half an interval short: an arrival at the very end would belong to the next step. k6 takes no less than 1 s.
      duration: `${Math.max(1e6, Math.round((durationS - 0.5 / rate) * 1e6))}us`,
      startTime: `${Math.round(startS * 1e6) + shiftUs}us`,
      preAllocatedVUs: vus,
      maxVUs: Math.max(vus, Math.min(plan.maxInFlight, Math.ceil(rate))),
      gracefulStop: `${plan.timeoutMs}ms`,
      env: { ARM: `${index}`, RATE: `${rate}`, DURATION_MS: `${durationS * 1000}` },
      tags: { arm: arm.name, step: name, phase: name === 'warm_up' ? 'warm_up' : 'measure' },
    };
  }
}

type Threshold = string | { threshold: string; abortOnFail: boolean; delayAbortEval: string };

/** k6 keeps a figure apart by tag only where a threshold asks for it; so every figure of the report gets one. */
export function thresholdsOf(plan: K6Plan): Record<string, Threshold[]> {
  const thresholds: Record<string, Threshold[]> = {};
  for (const { name: arm } of plan.arms) {
    for (const step of ['all' as const, ...plan.steps.keys()]) {
      for (const trend of ['response', 'service', 'lag'])
        thresholds[submetric(`sallyport_${trend}`, arm, step)] = [KEEP_TREND];
      for (const counter of [
        'sallyport_ok',
        'sallyport_kept',
        'sallyport_failed',
        'dropped_iterations',
        'data_received',
        'data_sent',
      ]) {
        thresholds[submetric(counter, arm, step)] = [KEEP_COUNT];
      }
      for (const status of K6_STATUSES)
        thresholds[`http_reqs{arm:${arm},${tagOf(step)},status:${status}}`] = [KEEP_COUNT];
      for (const code of Object.keys(K6_ERRORS)) {
        thresholds[`http_reqs{arm:${arm},${tagOf(step)},error_code:${code}}`] = [KEEP_COUNT];
      }
      if (arm === 'tunnel')
        for (const hop of K6_HOPS) thresholds[submetric(`sallyport_hop_${hop}`, arm, step)] = [KEEP_TREND];
    }
  }
  for (const step of plan.steps.keys()) {
    for (const { metric, threshold } of plan.limits) {
      const limit = { threshold, abortOnFail: plan.abortOnFail, delayAbortEval: ABORT_DELAY };
      thresholds[submetric(metric, 'tunnel', step)]?.push(limit);
    }
  }
  return thresholds;
}

/** The tag that tells a step's figures, or those of all steps. */
export function tagOf(step: number | 'all'): string {
  return step === 'all' ? 'phase:measure' : `step:${step}`;
}
