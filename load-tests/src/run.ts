import { UNREACHABLE_KINDS } from '../engine/error-kinds.ts';
import type { Engine, EngineEnd, EngineEvents, EnginePlan, StepMeasurement } from '../engine/plan.ts';
import { plainRate } from '../report/format.ts';
import { HdrLog } from '../report/hdr-log.ts';
import type { ArmReport, LoadReport, StepReport } from '../report/model.ts';
import type { FailedFile } from '../report/write.ts';
import { ProgressLine } from '../report/progress.ts';
import type { StepNoun } from '../report/progress.ts';
import { addressOf, toStepReport } from './assemble.ts';
import { failedAlready, violation } from './fail-if.ts';
import type { Threshold } from './fail-if.ts';
import type { LiveMetrics } from './live-metrics.ts';
import type { Writer } from './load-options.ts';

export type Stopped = LoadReport['stopped'];

type RunOptions = {
  plan: EnginePlan;
  engine: Engine;
  /** Where the HdrHistogram logs go; null for none, as for the parts of a longer search. */
  folder: string | null;
  thresholds: readonly Threshold[];
  signal: AbortSignal | undefined;
  stderr: Writer | undefined;
  isTty: boolean | undefined;
  live?: LiveMetrics | undefined;
  /** Default `step`. */
  stepNoun?: StepNoun;
};

/** What a run of a plan measured, whole or cut short. */
export type RunResult = {
  startedAt: Date;
  measurements: StepMeasurement[];
  steps: StepReport[];
  totals: EngineEnd['totals'];
  stopped: Stopped;
  files: string[];
  /** Logs that could not be written whole. */
  failed: FailedFile[];
};

/**
 * Runs a plan to its end, or until `signal` aborts, a threshold fails (`plan.abortOnFail`) or nobody answers the warm-up;
 * shows progress on `stderr`. Never rejects for what the target does: `stopped` says why it ended early.
 */
export async function runPlan(options: RunOptions): Promise<RunResult> {
  return await new Run(options).result();
}

/** One run: what came in so far, and why it is to stop. */
class Run implements EngineEvents {
  readonly #options: RunOptions;
  readonly #plan: EnginePlan;
  readonly #progress: ProgressLine;
  readonly #log: HdrLog | null;
  readonly #controller = new AbortController();
  readonly #measurements: StepMeasurement[] = [];
  readonly #steps: StepReport[] = [];
  #stopped: Stopped = null;

  constructor(options: RunOptions) {
    const { plan, engine, folder, stderr, isTty = false } = options;
    this.#options = options;
    this.#plan = plan;
    this.#progress = new ProgressLine(plan.steps, isTty, (text) => void stderr?.write(text), options.stepNoun);
    const isLogged = folder !== null && engine.name === 'embedded';
    this.#log = isLogged
      ? new HdrLog(
          folder,
          plan.arms.map(({ name }) => name),
        )
      : null;
  }

  async result(): Promise<RunResult> {
    const startedAt = new Date();
    const { signal, engine } = this.#options;
    const interrupt = (): void => this.#stop('interrupted', 'SP_LOAD_INTERRUPTED', 'interrupted');
    if (signal?.aborted === true) interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    let end: EngineEnd;
    try {
      end = await engine.run(this.#plan, this, this.#controller.signal);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      await this.#log?.close();
    }
    if (end.error !== null) this.#stopped ??= { reason: 'error', ...end.error };
    return {
      startedAt,
      measurements: this.#measurements,
      steps: this.#steps,
      totals: end.totals,
      stopped: this.#stopped,
      files: this.#log?.files ?? [],
      failed: this.#log?.failed ?? [],
    };
  }

  /** An arm that nobody answers proves nothing of the other: a direct arm that is dead would accuse the backend. */
  onWarmUp({ arms }: StepMeasurement): void {
    for (const plan of this.#plan.arms) {
      const arm = arms[plan.name];
      if (arm !== undefined && arm.requests > 0 && arm.ok === 0) this.#unanswered(addressOf(plan), arm);
    }
  }

  #unanswered(url: string, { statusCodes, errors }: ArmReport): void {
    const answers = Object.entries({ ...statusCodes, ...errors });
    const what = answers.map(([name, count]) => `${count} × ${name}`).join(', ');
    const isUnreachable =
      Object.keys(statusCodes).length === 0 && Object.keys(errors).every((kind) => UNREACHABLE_KINDS.includes(kind));
    if (isUnreachable)
      return this.#stop('error', 'SP_LOAD_UNREACHABLE', `nobody answers at ${url} (${what}); is it running?`);
    this.#progress.say(`warning: no request of the warm-up to ${url} succeeded (${what})`);
  }

  onProgress(progress: Parameters<EngineEvents['onProgress']>[0]): void {
    this.#log?.write(progress);
    this.#progress.progress(progress);
    this.#options.live?.progress(this.#plan, progress);
    const { tunnel } = progress.arms;
    if (!this.#plan.abortOnFail || tunnel === undefined) return;
    this.#stopFor(failedAlready(this.#options.thresholds, tunnel, progress.elapsedS), progress.stepIndex);
  }

  onStepDue(stepIndex: number): void {
    this.#progress.due(stepIndex);
    this.#options.live?.due(this.#plan, stepIndex);
  }

  onStep(measurement: StepMeasurement): void {
    this.#options.live?.step(this.#plan, measurement);
    const step = toStepReport(measurement);
    if (step === null || (!step.complete && step.arms.tunnel.requests === 0)) return;
    this.#measurements.push(measurement);
    this.#steps.push(step);
    this.#progress.step(step);
    const isLast = step.complete && this.#steps.length === this.#plan.steps.length;
    if (!this.#plan.abortOnFail || isLast) return;
    const judged = { tunnel: step.arms.tunnel, added: step.addedMs, generator: step.generator };
    const failed = this.#options.thresholds.find((threshold) => violation(threshold, judged) !== null);
    this.#stopFor(failed ?? null, this.#steps.length - 1);
  }

  #stopFor(threshold: Threshold | null, stepIndex: number): void {
    if (threshold === null) return;
    const rate = plainRate(this.#plan.steps[stepIndex]?.rate ?? 0);
    this.#stop('threshold', 'SP_LOAD_THRESHOLD', `${threshold.expression} at ${rate} requests/s`);
  }

  #stop(reason: NonNullable<Stopped>['reason'], code: string, message: string): void {
    if (this.#stopped !== null) return;
    this.#stopped = { reason, code, message };
    this.#controller.abort();
  }
}
