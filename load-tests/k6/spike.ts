/**
 * Ten times the load for ten seconds, and whether all is as before when it is over: the last step is judged like the
 * first.
 *
 *   k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/get load-tests/k6/spike.ts
 */
import { makeHit } from './lib/http.ts';
import type { K6Summary } from './lib/report.ts';
import { loadPlan, optionsOf, summarise } from './lib/session.ts';

const plan = loadPlan({
  command: 'ramp',
  name: 'spike',
  steps: '50x20,500x10,50x20',
  failIf: 'p99>100ms,failed>0,dropped>0',
  gapS: 0,
});
const act = makeHit(plan);

export const options = optionsOf(plan);

export default function run(): void {
  act();
}

export function handleSummary(data: K6Summary): Record<string, string> {
  return summarise(plan, data);
}
