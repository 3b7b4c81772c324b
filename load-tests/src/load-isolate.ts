import { calibrated } from './calibrated.ts';
import type { LoadOutcome } from './finish.ts';
import { runRamp } from './load-ramp.ts';
import type { LoadOptions } from './load-options.ts';

/**
 * Whose fault it is: the generator calibrated against a server that answers at once, then a ramp with both arms, then
 * the verdict, which comes first in what is printed. Exit code 0 whatever the verdict, 3 where there is none because the
 * machine or the generator was not fit or too little was measured.
 * @throws LoadError of exit code 2 when it cannot be run as asked
 */
export async function loadIsolate(options: LoadOptions): Promise<LoadOutcome> {
  if (options.direct === undefined) options.stderr?.write(WITHOUT_DIRECT);
  return await runRamp('isolate', options, calibrated(options));
}

const WITHOUT_DIRECT =
  'note: without --direct (the backend’s own address) only the tunnel’s own times tell backend and tunnel apart\n';
