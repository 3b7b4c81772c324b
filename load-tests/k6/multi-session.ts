/**
 * Many sessions in turn, 25 requests/s each; a table says whether all are served alike. `{session}` in TARGET stands
 * for the session; SESSIONS says how many (load-1, load-2 …) or which (a,b,c).
 *
 *   k6 run -e TARGET='http://127.0.0.1:12000/session/{session}/loadtest/get' -e SESSIONS=40 \
 *     load-tests/k6/multi-session.ts
 */
import { makeHit } from './lib/http.ts';
import { scriptOf } from './lib/session.ts';

const script = scriptOf(
  {
    command: 'ramp',
    name: 'multi-session',
    steps: '1000x30',
    failIf: 'p99>50ms,failed>0,dropped>0',
    hasSessions: true,
  },
  makeHit,
);

export const { options, handleSummary } = script;
export default script.run;
