/**
 * One rate for an hour, in windows of a minute, so that a rise shows. k6 keeps every value in memory: about 1 GB for
 * 10 million requests; for days take the embedded engine.
 *
 *   k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/get -e STEPS='50x60*60' load-tests/k6/soak.ts
 */
import { makeHit } from './lib/http.ts';
import { scriptOf } from './lib/session.ts';

const script = scriptOf(
  {
    command: 'soak',
    name: 'soak',
    steps: '50x60*60',
    failIf: 'p99>100ms,failed>0,dropped>0',
    gapS: 0,
  },
  makeHit,
);

export const { options, handleSummary } = script;
export default script.run;
