/** One case in a process of its own: `node case-main.ts NAME` prints its result as one JSON line. */
import { CASES } from './cases.ts';
import { play } from './play.ts';

const name = process.argv[2];
const played = CASES.find((each) => each.name === name);
if (played === undefined) throw new Error(`there is no case ${name}`);
// The runner that is gone waits for nobody.
process.once('disconnect', () => process.exit(1));
const { verdict, exitCode, report } = await play(played);
const steps = report.steps.map(({ rate, arms, hopsMs, generator }) => ({
  rate,
  tunnel: [arms.tunnel.latencyMs.p50, arms.tunnel.latencyMs.p99, arms.tunnel.failed, arms.tunnel.dropped],
  direct: arms.direct && [arms.direct.latencyMs.p50, arms.direct.latencyMs.p99, arms.direct.failed],
  hopsP99: hopsMs && Object.fromEntries(Object.entries(hopsMs).map(([hop, { p99 }]) => [hop, p99])),
  lagP99Ms: generator.lagP99Ms,
  elu: generator.elu,
}));
const { limits, partCpu, notes } = report.evidence;
process.stdout.write(`${JSON.stringify({ verdict, exitCode, steps, limits, partCpu, notes })}\n`);
process.disconnect?.();
