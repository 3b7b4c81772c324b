import { TLS_MODES, blockOrder, tlsSection, tlsVerdict } from '../analysis/tls-modes.ts';
import type { TlsBlock, TlsMode } from '../analysis/tls-modes.ts';
import { embeddedEngine } from '../engine/embedded.ts';
import type { ArmPlan, EnginePlan, StepMeasurement } from '../engine/plan.ts';
import { ms } from '../report/format.ts';
import type { LoadReport } from '../report/model.ts';
import { refuse } from './errors.ts';
import { watchParts } from './evidence.ts';
import type { PartsWatch } from './evidence.ts';
import { finish } from './finish.ts';
import type { LoadOutcome } from './finish.ts';
import { makeOutFolder } from './out-folder.ts';
import { checkTarget } from './preflight.ts';
import { inRange } from './ranges.ts';
import { runPlan } from './run.ts';
import { assembleWindows, prepareWindows } from './windows.ts';
import type { PreparedWindows, WindowOptions } from './windows.ts';

/** The fewest that have an interval: there are as many blocks as modes in each. */
const DEFAULT_PASSES = 6;
const MIN_PASSES = 2;
const MAX_PASSES = 50;
/** Before each block, and for the first session that is resumed. */
const DEFAULT_WARM_UP_S = 1;

export type TlsOverheadOptions = WindowOptions & {
  /** `off,on,mtls,resumed`, or some of them; what the others add to the first is measured. */
  modes: string;
  /** The target without TLS, for mode `off`. */
  plain?: string | undefined;
};

/**
 * What TLS costs: blocks of one mode each, in the order A-B-B-A, a new connection for every request. `windows` is the
 * number of blocks of each mode (default 6; 2 to 50, even; under six there is no interval), `windowS` the length of one. `mtls` shows the certificate of
 * `tls.cert`, the others none. Exit code 0, or 3 where a mode failed or was not what it is called by.
 * @throws LoadError of exit code 2 when it cannot be run as asked, or nobody answers at `plain`
 */
export async function loadTls(options: TlsOverheadOptions): Promise<LoadOutcome> {
  const modes = parseModes(options.modes);
  const passes = inRange(options.windows ?? DEFAULT_PASSES, MIN_PASSES, MAX_PASSES, '--windows');
  if (passes % 2 !== 0) throw refuse(`--windows must be even for blocks in the order A-B-B-A, not ${passes}`);
  const plans = new Map(modes.map((mode) => [mode, prepareMode(mode, options)]));
  // The caller has looked at --target; that is not where the mode `off` goes.
  if (plans.has('off'))
    await checkTarget({ ...options, target: options.plain ?? '', direct: undefined, tls: undefined });
  const folder = makeOutFolder(options.out, new Date());
  const reference = plans.get(modes.find((mode) => mode !== 'off') as TlsMode) as PreparedWindows;
  const watch = await watchParts(options, reference.prepared.plan);
  const startedAt = new Date();
  const { blocks, stopped } = await runBlocks(blockOrder(modes, passes), plans, watch, options);
  const section = tlsSection(blocks);
  const steps = blocks.map(({ step }) => step);
  const measurements = blocks.map(({ measurement }) => measurement);
  const result = { startedAt, measurements, steps, totals: null, stopped, files: [], failed: [] };
  const report = assembleWindows(reference, result, {
    command: 'overhead',
    version: options.version ?? '0.0.0',
    evidence: await watch.evidence(),
    verdict: tlsVerdict(blocks, section),
    sections: { tls: section },
  });
  return await finish(report, folder, options, result);
}

type Block = TlsBlock & { measurement: StepMeasurement };

/** One run of a plan for each block; the first that is stopped is the last. */
async function runBlocks(
  order: readonly TlsMode[],
  plans: ReadonlyMap<TlsMode, PreparedWindows>,
  watch: PartsWatch,
  { signal, stderr, live }: TlsOverheadOptions,
): Promise<{ blocks: Block[]; stopped: LoadReport['stopped'] }> {
  const blocks: Block[] = [];
  const quiet = { folder: null, thresholds: [], stderr: undefined, isTty: false };
  for (const [index, mode] of order.entries()) {
    const { plan } = (plans.get(mode) as PreparedWindows).prepared;
    const seeded = { ...plan, seed: plan.seed + index };
    const { steps, measurements, stopped } = await runPlan({
      ...quiet,
      plan: seeded,
      engine: watch.watching(embeddedEngine),
      signal,
      live,
    });
    const [step, measurement] = [steps[0], measurements[0]];
    if (step !== undefined && measurement !== undefined) blocks.push({ mode, step, measurement });
    stderr?.write(`${progress(index, order, step)}\n`);
    if (stopped !== null) return { blocks, stopped };
  }
  return { blocks, stopped: null };
}

function progress(index: number, order: readonly TlsMode[], step: TlsBlock['step'] | undefined): string {
  const place = `block ${index + 1}/${order.length}  ${(order[index] ?? '').padEnd(8)}`;
  if (step === undefined) return `${place} nothing measured`;
  const { requests, failed, latencyMs } = step.arms.tunnel;
  return `${place} ${requests} requests, ${failed} failed  p50 ${ms(latencyMs.p50)}  p99 ${ms(latencyMs.p99)} ms`;
}

/** @throws LoadError `SP_LOAD_OPTIONS` */
export function parseModes(text: string): TlsMode[] {
  const modes = text.split(',').map((word) => {
    const mode = TLS_MODES.find((each) => each === word.trim());
    if (mode === undefined)
      throw refuse(`--tls ${JSON.stringify(word)} is not known; use some of ${TLS_MODES.join(',')}`);
    return mode;
  });
  if (modes.length < 2 || new Set(modes).size < modes.length) {
    throw refuse(`--tls ${text} must name two modes or more, each once, such as --tls off,on,resumed`);
  }
  return modes;
}

function prepareMode(mode: TlsMode, options: TlsOverheadOptions): PreparedWindows {
  if (options.engine === 'k6') throw refuse('TLS modes are measured with --engine embedded; leave out k6');
  if (options.direct !== undefined) throw refuse('with --tls the modes are compared; leave out --direct');
  const { plain, target, tls = {} } = options;
  const isOff = mode === 'off';
  if (isOff && plain?.startsWith('http:') !== true)
    throw refuse('mode off has no address; give --plain http://…, the target without TLS');
  if (!isOff && !target.startsWith('https:')) throw refuse(`mode ${mode} needs an https:// target; correct --target`);
  if (mode === 'mtls' && tls.cert === undefined)
    throw refuse('mode mtls has no certificate; give --cert FILE --key FILE');
  const warmUpS = options.warmUpS ?? DEFAULT_WARM_UP_S;
  const way = isOff ? { target: plain as string, tls: undefined } : { target };
  const duet = prepareWindows({ ...options, ...way, warmUpS, windows: undefined }, (arms) =>
    arms.map((arm) => ({ ...arm, connectionUse: 'fresh' as const, tls: tlsOf(mode, arm) })),
  );
  const plan: EnginePlan = { ...duet.prepared.plan, steps: duet.prepared.plan.steps.slice(0, 1) };
  return { ...duet, prepared: { ...duet.prepared, plan } };
}

function tlsOf(mode: TlsMode, { tls }: ArmPlan): ArmPlan['tls'] {
  if (tls === null) return null;
  const shown = mode === 'mtls' ? {} : { cert: null, key: null };
  return { ...tls, ...shown, isResuming: mode === 'resumed' };
}
