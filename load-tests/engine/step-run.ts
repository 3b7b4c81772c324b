import type { ArmName, ArmReport, SecondReport } from '../report/model.ts';
import type { ArmLoad } from './arm-load.ts';
import { ArrivalSchedule } from './arrivals.ts';
import { monotonicMs } from './clock.ts';
import type { EncodedHistogram } from './histogram.ts';
import type { Pacer } from './pacer.ts';
import type { EnginePlan, Progress, StepMeasurement } from './plan.ts';
import type { ProfileStep } from '../profiles/profile.ts';
import { ArmRecorder } from './recorder.ts';
import { measurement } from './step-measurement.ts';
import { GeneratorWatch } from './watch.ts';

const MS_PER_S = 1000;
/** Between the decision to start and the first arrival, so that the first one is not late. */
const LEAD_MS = 20;
/** Overdue requests sent in one turn of the event loop; the rest after what has arrived meanwhile was read. */
const MAX_BURST = 128;
/** How often requests are looked at for being over their time. */
export const SWEEP_MS = 100;
/** How long a stopped run waits for what is in flight before leaving it uncounted. */
export const STOP_GRACE_MS = 1000;

export type StepContext = {
  plan: EnginePlan;
  arms: ArmLoad[];
  pacer: Pacer;
  onProgress: (progress: Progress) => void;
};

/** An arm and where its outcomes of this step go. */
export type Lane = { arm: ArmLoad; recorder: ArmRecorder };

/** One step: arrivals by the schedule, seconds closed as they pass, then a wait for what is still in flight. */
export class StepRun {
  readonly #context: StepContext;
  readonly #step: ProfileStep;
  readonly #stepIndex: number;
  readonly #schedule: ArrivalSchedule;
  readonly #lanes: Lane[];
  readonly #seconds: SecondReport[] = [];
  readonly #done = Promise.withResolvers<void>();
  readonly #startMs = monotonicMs() + LEAD_MS;
  readonly #endMs: number;
  readonly #watch = new GeneratorWatch();
  #more: boolean;
  #stoppedMs: number | null = null;
  #secondStartMs = this.#startMs;
  #timers: NodeJS.Timeout[] = [];

  constructor(context: StepContext, step: ProfileStep, stepIndex: number) {
    const { arms, plan } = context;
    this.#context = context;
    this.#step = step;
    this.#stepIndex = stepIndex;
    this.#endMs = this.#startMs + step.durationS * MS_PER_S;
    this.#lanes = arms.map((arm) => ({ arm, recorder: new ArmRecorder(this.#startMs, this.#endMs) }));
    const seed = plan.seed + stepIndex;
    this.#schedule = new ArrivalSchedule({ ...step, arms: arms.length, kind: plan.arrivals, seed });
    this.#more = this.#schedule.next();
  }

  async run(): Promise<StepMeasurement> {
    for (const { arm, recorder } of this.#lanes) arm.record(recorder);
    this.#timers = [setInterval(() => this.#closeSecond(), MS_PER_S), setInterval(() => this.#sweep(), SWEEP_MS)];
    this.#context.pacer.wakeAt(this.#startMs);
    await this.#done.promise;
    for (const timer of this.#timers) clearInterval(timer);
    this.#closeSecond();
    const lastedS = this.#stoppedMs === null ? null : Math.max(0, this.#stoppedMs - this.#startMs) / MS_PER_S;
    return measurement({
      rate: this.#step.rate,
      durationS: lastedS ?? this.#step.durationS,
      complete: lastedS === null,
      lanes: this.#lanes,
      seconds: this.#seconds,
      watched: this.#watch.read(),
      maxInFlight: this.#context.plan.maxInFlight,
    });
  }

  /** The pacer's alarm: sends all that is due and sets the next alarm. May come early or twice. */
  onDue(): void {
    let nowMs = monotonicMs();
    for (let burst = 0; this.#more && this.#stoppedMs === null; burst++) {
      const dueMs = this.#startMs + this.#schedule.atMs;
      if (dueMs > nowMs) return this.#context.pacer.wakeAt(dueMs);
      if (burst === MAX_BURST) return void setImmediate(() => this.onDue());
      this.#lanes[this.#schedule.arm]?.arm.send(dueMs, nowMs);
      this.#more = this.#schedule.next();
      nowMs = monotonicMs();
    }
    if (this.#stoppedMs === null && nowMs < this.#endMs) return this.#context.pacer.wakeAt(this.#endMs);
    this.checkIdle();
  }

  /** Also called by the arms, whenever one of them has nothing in flight. */
  checkIdle(): void {
    if (this.#stoppedMs === null && (this.#more || monotonicMs() < this.#endMs)) return;
    if (this.#lanes.every(({ arm }) => arm.inFlight === 0)) this.#done.resolve();
  }

  /** No more arrivals; what is in flight has `STOP_GRACE_MS`, then it is neither awaited nor counted. */
  stop(): void {
    if (this.#stoppedMs !== null) return;
    this.#stoppedMs = Math.min(monotonicMs(), this.#endMs);
    for (const { recorder } of this.#lanes) recorder.endAt(this.#stoppedMs);
    this.#timers.push(setTimeout(() => this.#done.resolve(), STOP_GRACE_MS));
    this.checkIdle();
  }

  #sweep(): void {
    const nowMs = monotonicMs();
    for (const { arm } of this.#lanes) arm.sweep(nowMs);
  }

  #closeSecond(): void {
    const nowMs = monotonicMs();
    const atS = Math.max(0, this.#secondStartMs - this.#startMs) / MS_PER_S;
    const lengthS = Math.max(0, nowMs - this.#secondStartMs) / MS_PER_S;
    const second: SecondReport = { atS, lengthS, arms: {} };
    const histograms: Partial<Record<ArmName, EncodedHistogram>> = {};
    const arms: Partial<Record<ArmName, ArmReport>> = {};
    for (const { arm, recorder } of this.#lanes) {
      const { figures, histogram } = recorder.closeSecond();
      second.arms[arm.plan.name] = figures;
      histograms[arm.plan.name] = histogram;
      arms[arm.plan.name] = recorder.report(nowMs);
    }
    this.#secondStartMs = nowMs;
    this.#seconds.push(second);
    const elapsedS = (nowMs - this.#startMs) / MS_PER_S;
    this.#context.onProgress({ stepIndex: this.#stepIndex, elapsedS, arms, second, histograms });
  }
}
