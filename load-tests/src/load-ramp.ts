import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { embeddedEngine } from '../engine/embedded.ts';
import { k6Engine } from '../engine/k6.ts';
import { UNREACHABLE_KINDS } from '../engine/error-kinds.ts';
import type { Engine, EngineEnd, EngineEvents, StepMeasurement } from '../engine/plan.ts';
import { HdrLog } from '../report/hdr-log.ts';
import type { LoadReport, StepReport } from '../report/model.ts';
import { ProgressLine } from '../report/progress.ts';
import { terminalSummary } from '../report/table.ts';
import { textReport } from '../report/text.ts';
import { assemble, toStepReport } from './assemble.ts';
import { exitCodeOf } from './exit-code.ts';
import type { LoadExitCode } from './exit-code.ts';
import { failedAlready, violation } from './fail-if.ts';
import type { Threshold } from './fail-if.ts';
import { prepare } from './options.ts';
import type { LoadOptions, Prepared } from './options.ts';
import { makeOutFolder } from './out-folder.ts';

export type LoadOutcome = { exitCode: LoadExitCode; report: LoadReport; files: string[] };

/**
 * Runs a ramp and writes its reports. Progress goes to `stderr`, the summary to `stdout`. When `signal` aborts, the run
 * ends within a second or two and reports what it has (exit code 130).
 * @throws LoadError of exit code 2 when it cannot be run as asked; whatever breaks later is in the outcome
 */
export async function loadRamp(options: LoadOptions): Promise<LoadOutcome> {
  const prepared = prepare(options);
  const engine = prepared.engine === 'k6' ? k6Engine() : embeddedEngine;
  const folder = makeOutFolder(options.out, new Date());
  const run = new Ramp(prepared, options, engine, folder);
  return await run.outcome();
}

/** One run: what came in so far, and why it is to stop. */
class Ramp implements EngineEvents {
  readonly #prepared: Prepared;
  readonly #options: LoadOptions;
  readonly #engine: Engine;
  readonly #folder: string;
  readonly #progress: ProgressLine;
  readonly #log: HdrLog;
  readonly #controller = new AbortController();
  readonly #measurements: StepMeasurement[] = [];
  readonly #steps: StepReport[] = [];
  #stopped: LoadReport['stopped'] = null;

  constructor(prepared: Prepared, options: LoadOptions, engine: Engine, folder: string) {
    const { stderr, isTty = false } = options;
    this.#prepared = prepared;
    this.#options = options;
    this.#engine = engine;
    this.#folder = folder;
    this.#progress = new ProgressLine(prepared.plan.steps, isTty, (text) => void stderr?.write(text));
    this.#log = new HdrLog(folder, engine.name === 'embedded' ? prepared.plan.arms.map(({ name }) => name) : []);
  }

  async outcome(): Promise<LoadOutcome> {
    const startedAt = new Date();
    const { signal } = this.#options;
    const interrupt = (): void => this.#stop('interrupted', 'SP_LOAD_INTERRUPTED', 'interrupted');
    if (signal?.aborted === true) interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    let end: EngineEnd;
    try {
      end = await this.#engine.run(this.#prepared.plan, this, this.#controller.signal);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      await this.#log.close();
    }
    if (end.error !== null) this.#stopped ??= { reason: 'error', ...end.error };
    const report = assemble({
      prepared: this.#prepared,
      version: this.#options.version ?? '0.0.0',
      startedAt,
      measurements: this.#measurements,
      steps: this.#steps,
      totals: end.totals,
      stopped: this.#stopped,
    });
    return { exitCode: exitCodeOf(report), report, files: this.#write(report) };
  }

  onWarmUp({ arms }: StepMeasurement): void {
    const { tunnel } = arms;
    if (tunnel === undefined || tunnel.requests === 0 || tunnel.ok > 0) return;
    const answers = Object.entries({ ...tunnel.statusCodes, ...tunnel.errors });
    const what = answers.map(([name, count]) => `${count} × ${name}`).join(', ');
    const url = this.#prepared.plan.arms[0]?.url ?? '';
    const isUnreachable =
      Object.keys(tunnel.statusCodes).length === 0 &&
      Object.keys(tunnel.errors).every((kind) => UNREACHABLE_KINDS.includes(kind));
    if (isUnreachable)
      return this.#stop('error', 'SP_LOAD_UNREACHABLE', `nobody answers at ${url} (${what}); is it running?`);
    this.#progress.say(`warning: no request of the warm-up to ${url} succeeded (${what})`);
  }

  onProgress(progress: Parameters<EngineEvents['onProgress']>[0]): void {
    this.#log.write(progress);
    this.#progress.progress(progress);
    const { tunnel } = progress.arms;
    if (!this.#prepared.plan.abortOnFail || tunnel === undefined) return;
    this.#stopFor(failedAlready(this.#prepared.thresholds, tunnel, progress.elapsedS), progress.stepIndex);
  }

  onStep(measurement: StepMeasurement): void {
    const step = toStepReport(measurement);
    if (step === null || (!step.complete && step.arms.tunnel.requests === 0)) return;
    this.#measurements.push(measurement);
    this.#steps.push(step);
    this.#progress.step(step);
    const isLast = step.complete && this.#steps.length === this.#prepared.plan.steps.length;
    if (!this.#prepared.plan.abortOnFail || isLast) return;
    const judged = { tunnel: step.arms.tunnel, added: step.addedMs, generator: step.generator };
    const failed = this.#prepared.thresholds.find((threshold) => violation(threshold, judged) !== null);
    this.#stopFor(failed ?? null, this.#steps.length - 1);
  }

  #stopFor(threshold: Threshold | null, stepIndex: number): void {
    if (threshold === null) return;
    const rate = this.#prepared.plan.steps[stepIndex]?.rate;
    this.#stop('threshold', 'SP_LOAD_THRESHOLD', `${threshold.expression} at ${rate} requests/s`);
  }

  #stop(reason: NonNullable<LoadReport['stopped']>['reason'], code: string, message: string): void {
    if (this.#stopped !== null) return;
    this.#stopped = { reason, code, message };
    this.#controller.abort();
  }

  #write(report: LoadReport): string[] {
    const json = join(this.#folder, 'report.json');
    const text = join(this.#folder, 'report.txt');
    writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
    writeFileSync(text, textReport(report));
    this.#options.stdout?.write(`${terminalSummary(report)}Report: ${text}\n`);
    return [json, text, ...this.#log.files];
  }
}
