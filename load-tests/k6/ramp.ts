/**
 * The ramp for k6 (v1.8.1 or later, which runs TypeScript as it is): one constant-arrival-rate scenario per step and
 * arm, since `ramping-arrival-rate` interpolates and never holds a rate.
 *
 * By itself:  k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/get load-tests/k6/ramp.ts
 * with        DIRECT (second arm), STEPS (`20x10,50x10`: rate x seconds), P99_MS (50), WARM_UP_S (3), SUMMARY (file).
 * By `sallyport load ramp --engine k6`: SALLYPORT_K6_PLAN names a file of the shape `K6Plan` of `plan.ts`.
 */
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { parseServerTiming } from '../engine/server-timing.ts';
import { TIMED_HOPS } from '../report/model.ts';
import { SUMMARY_TREND_STATS, planFromEnvironment, scenariosOf, thresholdsOf } from './plan.ts';
import type { K6Plan } from './plan.ts';

const plan: K6Plan = __ENV.SALLYPORT_K6_PLAN ? JSON.parse(open(__ENV.SALLYPORT_K6_PLAN)) : planFromEnvironment(__ENV);
const body = plan.bodyFile === null ? null : open(plan.bodyFile, 'b');

export const options = {
  scenarios: scenariosOf(plan),
  thresholds: thresholdsOf(plan),
  summaryTrendStats: SUMMARY_TREND_STATS,
  discardResponseBodies: true,
  userAgent: 'sallyport-load',
  systemTags: ['scenario', 'status', 'error_code'],
};

const response = new Trend('sallyport_response', true);
const service = new Trend('sallyport_service', true);
const lag = new Trend('sallyport_lag', true);
const succeeded = new Counter('sallyport_ok');
const kept = new Counter('sallyport_kept');
const failed = new Counter('sallyport_failed');
const hopTrends = TIMED_HOPS.map((hop) => new Trend(`sallyport_hop_${hop}`, true));
const hopsNow = new Float64Array(TIMED_HOPS.length);

/** k6's clock counts whole milliseconds; a lag below this is no more than its rounding. */
const CLOCK_BLUR_MS = 2;
/** Answers that come later than this after the step's end were not in step with the schedule. */
const KEPT_ALLOWANCE_MS = 500;
const MS_PER_S = 1000;

export default function hit(): void {
  const { iterationInTest, startTime } = exec.scenario;
  const arm = plan.arms[Number(__ENV.ARM)];
  const rate = Number(__ENV.RATE);
  const lateMs = Date.now() - (startTime + (iterationInTest * MS_PER_S) / rate);
  const lagMs = lateMs < CLOCK_BLUR_MS ? 0 : lateMs;
  const headers = arm.headerSets[iterationInTest % arm.headerSets.length];
  const answer = http.request(plan.method, arm.url, body, { headers, timeout: plan.timeoutMs, redirects: 0 });
  const { duration, blocked, connecting, tls_handshaking: tls } = answer.timings;
  const serviceMs = duration + blocked + connecting + tls;
  lag.add(lagMs);
  service.add(serviceMs);
  response.add(lagMs + serviceMs);
  if (answer.status === 0 || answer.status >= 400) {
    failed.add(1);
    return;
  }
  succeeded.add(1);
  if (Date.now() <= startTime + Number(__ENV.DURATION_MS) + KEPT_ALLOWANCE_MS) kept.add(1);
  if (arm.name !== 'tunnel' || !parseServerTiming(answer.headers['Server-Timing'], hopsNow)) return;
  for (let index = 0; index < hopsNow.length; index++) hopTrends[index].add(hopsNow[index]);
}

export function handleSummary(data: { metrics: unknown }): Record<string, string> {
  const summary = JSON.stringify({ metrics: data.metrics }, null, 1);
  return { [plan.summaryFile]: summary };
}
