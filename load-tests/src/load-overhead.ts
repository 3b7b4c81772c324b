import { overheadSection, overheadVerdict } from '../analysis/overhead.ts';
import type { Evidence } from '../report/evidence.ts';
import { LoadError } from './errors.ts';
import { watchParts } from './evidence.ts';
import { finish } from './finish.ts';
import type { LoadOutcome } from './finish.ts';
import { makeOutFolder } from './out-folder.ts';
import { assembleWindows, prepareWindows, runWindows } from './windows.ts';
import type { WindowOptions } from './windows.ts';

/**
 * What the tunnel costs, as a duet: tunnel and backend asked in turn, request by request, at one rate, in windows; added
 * milliseconds with their intervals, hop by hop, and CPU per request of the parts whose `/metrics` can be read. Writes
 * its reports; exit code 0, or 3 where generator or answers were not fit for a figure.
 * @throws LoadError of exit code 2 when it cannot be run as asked
 */
export async function loadOverhead(options: WindowOptions): Promise<LoadOutcome> {
  if (options.direct === undefined) {
    const fix = 'give --direct URL, for example http://127.0.0.1:12007/';
    throw new LoadError('SP_LOAD_OPTIONS', `a cost is a difference: the backend’s own address is missing; ${fix}`);
  }
  const duet = prepareWindows(options);
  const folder = makeOutFolder(options.out, new Date());
  const { rate, windowS } = duet;
  const watch = await watchParts(options, duet.prepared.plan);
  const run = await runWindows(duet, watch, folder, options);
  const evidence = await watch.evidence();
  const section = overheadSection(run.steps, { rate, windowS, cpuUsPerRequest: cpuUsPerRequest(evidence) });
  const report = assembleWindows(duet, run, {
    command: 'overhead',
    version: options.version ?? '0.0.0',
    evidence,
    verdict: overheadVerdict(run.steps, section),
    sections: { overhead: section },
  });
  return await finish(report, folder, options, run);
}

/** The mean over the windows, by part: all have as many requests. Null where no part could be read. */
function cpuUsPerRequest({ partCpu }: Evidence): Record<string, number> | null {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const { usPerRequest } of partCpu) {
    for (const [part, us] of Object.entries(usPerRequest)) {
      const { sum, count } = sums.get(part) ?? { sum: 0, count: 0 };
      sums.set(part, { sum: sum + us, count: count + 1 });
    }
  }
  if (sums.size === 0) return null;
  return Object.fromEntries([...sums].map(([part, { sum, count }]) => [part, Math.round(sum / count)]));
}
