/**
 * What the tunnel adds: both arms in turn at one rate, in 20 windows of 3 s; the report has the median difference and
 * its interval. Needs DIRECT.
 *
 *   k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/get \
 *     -e DIRECT=http://127.0.0.1:12007/loadtest/get load-tests/k6/overhead.ts
 */
import { makeHit } from './lib/http.ts';
import { scriptOf } from './lib/session.ts';

const script = scriptOf(
  {
    command: 'overhead',
    name: 'overhead',
    steps: '200x3*20',
    failIf: 'failed>0,dropped>0',
    gapS: 0,
  },
  makeHit,
);

export const { options, handleSummary } = script;
export default script.run;
