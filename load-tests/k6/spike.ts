/**
 * Ten times the load for ten seconds, and whether all is as before when it is over: the last step is judged like the
 * first.
 *
 *   k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/get load-tests/k6/spike.ts
 */
import { makeHit } from './lib/http.ts';
import { scriptOf } from './lib/session.ts';

const script = scriptOf(
  {
    command: 'ramp',
    name: 'spike',
    steps: '50x20,500x10,50x20',
    failIf: 'p99>100ms,failed>0,dropped>0',
    gapS: 0,
  },
  makeHit,
);

export const { options, handleSummary } = script;
export default script.run;
