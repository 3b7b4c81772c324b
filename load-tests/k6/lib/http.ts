/** One request of a plan. Runs in k6 alone. */
import exec from 'k6/execution';
import http from 'k6/http';
import { scheduleUs } from './scenarios.ts';
import { count, countError, countHops, countSession, countStatus } from './figures.ts';
import { KEPT_ALLOWANCE_MS } from './plan.ts';
import type { K6Body, K6Plan } from './plan.ts';

const MS_PER_S = 1000;
const US_PER_MS = 1000;
const FIRST_ERROR_STATUS = 400;

/** The bodies of a plan; all that are filled share one text. */
function bodiesOf(bodies: readonly K6Body[]): (string | ArrayBuffer)[] {
  const longest = Math.max(0, ...bodies.map((body) => ('fillBytes' in body ? body.fillBytes : 0)));
  const filler = 'x'.repeat(longest);
  return bodies.map((body) => ('file' in body ? open(body.file, 'b') : filler.slice(0, body.fillBytes)));
}

/**
 * What a virtual user does when an arrival is due. Arrivals are k6's own (constant-arrival-rate); the lag is how long
 * after its moment of the schedule the request starts. k6's date counts whole milliseconds, but a scenario's progress
 * is a fraction of its duration to the nanosecond, counted from the same moment as the arrivals.
 */
export function makeHit(plan: K6Plan): () => void {
  const bodies = bodiesOf(plan.bodies);
  const arms = plan.arms.map(({ name, requests }) => ({
    isTunnel: name === 'tunnel',
    requests: requests.map(({ method, url, headers, body }) => ({
      method,
      url,
      body: body === null ? null : (bodies[body] ?? null),
      params: { headers, timeout: plan.timeoutMs, redirects: 0 },
    })),
  }));
  return () => {
    const { iterationInTest, progress, startTime } = exec.scenario;
    const rate = Number(__ENV['RATE']);
    const durationMs = Number(__ENV['DURATION_MS']);
    const sinceStartMs = (progress * scheduleUs(rate, durationMs / MS_PER_S)) / US_PER_MS;
    const isOpen = plan.model === 'open';
    const lagMs = isOpen ? Math.max(0, sinceStartMs - (iterationInTest * MS_PER_S) / rate) : 0;
    const arm = arms[Number(__ENV['ARM'])];
    const turn = iterationInTest % (arm?.requests.length ?? 1);
    const request = arm?.requests[turn];
    if (arm === undefined || request === undefined) return;
    const answer = http.request(request.method, request.url, request.body, request.params);
    const { duration, blocked, connecting, tls_handshaking: tls } = answer.timings;
    // k6's duration leaves out what it takes to get a connection.
    const serviceMs = duration + blocked + connecting + tls;
    const isOk = answer.status > 0 && answer.status < FIRST_ERROR_STATUS;
    count(lagMs, serviceMs, isOk, Date.now() <= startTime + durationMs + KEPT_ALLOWANCE_MS);
    if (answer.status > 0) countStatus(answer.status);
    else countError(answer.error_code, answer.error);
    if (!arm.isTunnel) return;
    if (isOk) countHops(answer.headers['Server-Timing']);
    if (plan.sessions.length > 0) countSession(turn, lagMs + serviceMs);
  };
}
