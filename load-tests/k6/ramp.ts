/**
 * Rising rates for k6 (v1.8.1 or later, which runs TypeScript as it is), each held and judged by itself.
 *
 * By itself:  k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/get load-tests/k6/ramp.ts
 * with        DIRECT, STEPS and what else `lib/environment.ts` lists; writes report.json. k6 ends with 99 where FAIL_IF
 *             holds, and only then: any other number is not a matter of performance.
 * By `sallyport load … --engine k6`: SALLYPORT_K6_PLAN names a file of the shape `K6Plan` of `lib/plan.ts`.
 */
import { makeHit } from './lib/http.ts';
import { scriptOf } from './lib/session.ts';

const script = scriptOf(
  {
    command: 'ramp',
    name: 'ramp',
    steps: '20x10,50x10,100x10,200x10,500x10,1000x10',
    failIf: 'p99>50ms,failed>0,dropped>0',
  },
  makeHit,
);

export const { options, handleSummary } = script;
export default script.run;
