import { join } from 'node:path';
import { judgeAgainstStored, judgeGate } from '../analysis/gate.ts';
import type { GateJudgement } from '../analysis/gate.ts';
import { gateVerdict } from '../analysis/gate-sentence.ts';
import { rateText } from '../analysis/rate-text.ts';
import type { ArmPlan } from '../engine/plan.ts';
import type { ArmName, LoadReport, StepReport } from '../report/model.ts';
import type { GateSection } from '../report/sections.ts';
import { refuse } from './errors.ts';
import { watchParts } from './evidence.ts';
import { exitCodeOf } from './exit-code.ts';
import { finish } from './finish.ts';
import type { LoadOutcome } from './finish.ts';
import { baselineOf, differentMachine, differentTraffic } from './gate-baseline.ts';
import { makeOutFolder } from './out-folder.ts';
import { checkTarget } from './preflight.ts';
import type { RunResult } from './run.ts';
import { startTwoStacks } from './two-stacks.ts';
import { assembleWindows, prepareWindows, runWindows } from './windows.ts';
import type { PreparedWindows, WindowOptions } from './windows.ts';

export type GateOptions = Omit<WindowOptions, 'target'> & {
  /** The candidate; left out where `baseline` is a checkout. */
  target?: string | undefined;
  /** The URL of another tunnel, an earlier report.json (or its folder), or the folder of another checkout. */
  baseline: string;
  /** The launcher of this checkout, for a gate against another one. */
  ownCommand?: string | undefined;
};

type Judge = (steps: readonly StepReport[]) => GateJudgement;
/** `canDecide` false: whatever is measured, there will be no verdict. */
type Gate = { duet: PreparedWindows; judge: Judge; canDecide: boolean };

/**
 * Whether the candidate is slower than the baseline: `judgeGate` and `judgeAgainstStored` say how it is decided. Where
 * the windows do not decide, as many are measured once more, and all are judged together; a figure right at its margin
 * so has two chances to fail, which is 5 % of all runs at most in place of 2.5 %. Exit code 0 pass, 99 fail, 3
 * inconclusive.
 * @throws LoadError of exit code 2 when it cannot be run as asked, 1 where a checkout's stack does not start
 */
export async function loadGate(options: GateOptions): Promise<LoadOutcome> {
  if (options.engine === 'k6') throw refuse('the gate takes its windows with --engine embedded; leave out k6');
  const baseline = baselineOf(options.baseline);
  if (baseline.kind === 'checkout') return await gateOfCheckouts(options, baseline.command);
  const { target } = options;
  if (target === undefined) throw refuse('no target; give --target URL, the tunnel to be judged');
  if (baseline.kind === 'tunnel') {
    if (options.direct !== undefined) {
      // With five arms in turn each would always run in the wake of the same one.
      throw refuse(
        'two tunnels are compared with each other alone; leave out --direct, or give --baseline report.json',
      );
    }
    await checkTarget({ ...options, target: baseline.url, direct: undefined });
    return await gateOfTunnels({ ...options, target }, baseline.url);
  }
  return await gateOfStored({ ...options, target }, baseline.report);
}

async function gateOfCheckouts(options: GateOptions, command: string): Promise<LoadOutcome> {
  const own = options.ownCommand;
  if (own === undefined || options.target !== undefined || options.direct !== undefined) {
    throw refuse('a gate against a checkout starts both stacks itself; leave out --target and --direct');
  }
  // Asked wrongly is to be known before anything is started.
  prepareWindows({ ...options, target: 'http://127.0.0.1/' });
  options.stderr?.write('starting both stacks\n');
  const stacks = await startTwoStacks(own, command, options.signal);
  try {
    const { url, admin } = stacks.own;
    return await gateOfTunnels({ ...options, target: url, admin }, stacks.other.url);
  } finally {
    await stacks.stop();
  }
}

async function gateOfTunnels(options: WindowOptions, baselineUrl: string): Promise<LoadOutcome> {
  const [baseline] = prepareWindows({ ...options, target: baselineUrl, direct: undefined }).prepared.plan.arms;
  const duet = prepareWindows(options, ([tunnel]) => {
    // In turn, so that each tunnel is always asked in the wake of the other.
    const four = [tunnel, ...again(baseline, 'baseline'), ...again(tunnel, 'twin'), ...again(baseline, 'control')];
    return four.filter((arm) => arm !== undefined);
  });
  return await run(options, { duet, judge: judgeGate, canDecide: true });
}

function again(arm: ArmPlan | undefined, name: ArmName): ArmPlan[] {
  return arm === undefined ? [] : [{ ...arm, name }];
}

async function gateOfStored(options: WindowOptions, stored: LoadReport): Promise<LoadOutcome> {
  if (options.direct === undefined) {
    throw refuse('an earlier run is compared by what the tunnel adds; give --direct URL, the backend itself');
  }
  const first = stored.steps.find(({ complete }) => complete);
  const rates = new Set(stored.steps.map(({ rate }) => rate));
  const arms = Object.keys(first?.arms ?? {});
  if (first?.arms.direct === undefined || arms.length > 2 || rates.size > 1) {
    throw refuse('--baseline is no report with windows of tunnel and backend alone; make one with load overhead');
  }
  const { rate = first.rate, windowS = first.durationS } = options;
  if (rate !== first.rate || windowS !== first.durationS) {
    const then = `--rate ${first.rate} --window ${first.durationS}`;
    throw refuse(
      `windows of ${rateText(rate)}/s and ${windowS} s do not compare with those of the baseline; use ${then}`,
    );
  }
  const duet = prepareWindows({ ...options, rate, windowS });
  const unlike = differentTraffic(stored, duet.prepared);
  if (unlike !== null) throw refuse(unlike);
  const differing = differentMachine(stored);
  if (differing !== null) options.stderr?.write(`note: ${differing}; what is measured now can be the next baseline\n`);
  const judge: Judge = (steps) => {
    const judged = judgeAgainstStored(steps, stored.steps);
    if (differing === null) return judged;
    return { ...judged, outcome: 'inconclusive', sentence: `No verdict: ${differing}.` };
  };
  return await run(options, { duet, judge, canDecide: differing === null });
}

async function run(options: WindowOptions, { duet, judge, canDecide }: Gate): Promise<LoadOutcome> {
  const folder = makeOutFolder(options.out, new Date());
  const watch = await watchParts(options, duet.prepared.plan);
  let result = await runWindows(duet, watch, folder, options);
  let judged = judge(result.steps);
  if (canDecide && judged.outcome === 'inconclusive' && result.stopped === null) {
    options.stderr?.write(`${duet.windows} windows do not decide; as many once more\n`);
    const second = { ...duet.prepared, plan: { ...duet.prepared.plan, seed: duet.prepared.plan.seed + duet.windows } };
    const more = await runWindows(
      { prepared: second, engine: duet.engine },
      watch,
      makeOutFolder(join(folder, 'again'), new Date()),
      options,
    );
    result = joined(result, more);
    judged = judge(result.steps);
  }
  const section: GateSection = { ...judged, windows: result.steps.length, windowS: duet.windowS };
  const report = assembleWindows(duet, result, {
    command: 'gate',
    version: options.version ?? '0.0.0',
    evidence: await watch.evidence(),
    verdict: gateVerdict(section),
    sections: { gate: section },
  });
  return await finish(report, folder, options, { ...result, exitCode: exitCode(report, section) });
}

function joined(first: RunResult, more: RunResult): RunResult {
  return {
    ...more,
    startedAt: first.startedAt,
    measurements: [...first.measurements, ...more.measurements],
    steps: [...first.steps, ...more.steps],
    totals: null,
    files: [...first.files, ...more.files],
    failed: [...first.failed, ...more.failed],
  };
}

/** Where generator or machine were not fit, a threshold that failed proves as little as the windows do. */
function exitCode(report: LoadReport, { outcome, isFit }: GateSection): ReturnType<typeof exitCodeOf> {
  const own = exitCodeOf(report);
  if (own === 99 && outcome === 'inconclusive' && isFit === false) return 3;
  return own === 0 && outcome === 'fail' ? 99 : own;
}
