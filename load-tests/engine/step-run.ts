import type { ArmName, ArmReport, SecondReport } from '../report/model.ts';
import type { ArmLoad } from './arm-load.ts';
import { ArrivalSchedule } from './arrivals.ts';
import type { Schedule } from './arrivals.ts';
import { BoundedSeconds } from './bounded-seconds.ts';
import { monotonicMs } from './clock.ts';
import type { Exchange } from './exchange.ts';
import type { EncodedHistogram } from './histogram.ts';
import { ClosedPace, OpenPace } from './pace.ts';
import type { Pace } from './pace.ts';
import type { Pacer } from './pacer.ts';
import { DEFAULT_CONNECTIONS } from './plan.ts';
import type { EnginePlan, Progress, StepMeasurement } from './plan.ts';
import type { ProfileStep } from '../profiles/profile.ts';
import { ArmRecorder } from './recorder.ts';
import { measurement } from './step-measurement.ts';
import { TraceSchedule } from './trace-schedule.ts';
import { GeneratorWatch } from './watch.ts';

const MS_PER_S = 1000;
/** How often requests are looked at for being over their time. */
export const SWEEP_MS = 100;
/** How long a stopped run waits for what is in flight before leaving it uncounted. */
export const STOP_GRACE_MS = 1000;
/**
 * Requests in flight are counted at random moments, on average half of this apart: at even ones they would be counted
 * always at the same distance from arrivals that are even too.
 */
const MAX_SAMPLE_GAP_MS = 40;

export type StepContext = {
  plan: EnginePlan;
  arms: ArmLoad[];
  pacer: Pacer;
  onProgress: (progress: Progress) => void;
  /** Whose turn it is among each arm's requests, from step to step; absent: 0. One for each arm at most. */
  turns: Map<ArmLoad, number>;
};

/** An arm and where its outcomes of this step go. */
export type Lane = { arm: ArmLoad; recorder: ArmRecorder };

/** Which step of the plan, its index there, and when it begins on the clock of `monotonicMs()`. */
export type StepSlot = { step: ProfileStep; index: number; startMs: number };

/** One step: requests by its pace, seconds closed as they pass, then a wait for what is still in flight. */
export class StepRun {
  readonly #context: StepContext;
  readonly #slot: StepSlot;
  readonly #pace: Pace;
  readonly #lanes: Lane[];
  readonly #seconds = new BoundedSeconds();
  readonly #done = Promise.withResolvers<void>();
  readonly #endMs: number;
  readonly #watch = new GeneratorWatch();
  #watched: ReturnType<GeneratorWatch['read']> | null = null;
  #isOver = false;
  #stoppedMs: number | null = null;
  #secondStartMs: number;
  #timers: NodeJS.Timeout[] = [];
  #sampleTimer: NodeJS.Timeout | undefined;

  constructor(context: StepContext, slot: StepSlot) {
    const { startMs, step } = slot;
    this.#context = context;
    this.#slot = slot;
    this.#endMs = startMs + step.durationS * MS_PER_S;
    this.#secondStartMs = startMs;
    this.#lanes = context.arms.map((arm) => ({ arm, recorder: new ArmRecorder(startMs, this.#endMs) }));
    this.#pace = makePace(context, slot, this.#endMs);
  }

  async run(): Promise<StepMeasurement> {
    const { step, startMs } = this.#slot;
    for (const { arm, recorder } of this.#lanes) arm.record(recorder);
    this.#timers = [setInterval(() => this.#closeSecond(), MS_PER_S), setInterval(() => this.#sweep(), SWEEP_MS)];
    this.#context.pacer.wakeAt(startMs);
    this.#sampleLater();
    await this.#done.promise;
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#sampleTimer);
    this.#closeSecond();
    const lastedS = this.#stoppedMs === null ? null : Math.max(0, this.#stoppedMs - startMs) / MS_PER_S;
    return measurement({
      step,
      plan: this.#context.plan,
      durationS: lastedS ?? step.durationS,
      complete: lastedS === null,
      lanes: this.#lanes,
      seconds: this.#seconds.all(),
      watched: this.#watched ?? this.#watch.read(),
    });
  }

  /** The pacer's alarm: sends all that is due and sets the next alarm. May come early or twice. */
  onDue(): void {
    if (this.#stoppedMs !== null) return this.#checkIdle();
    const nextMs = this.#pace.advance();
    const nowMs = monotonicMs();
    this.#isOver = nextMs === null;
    const wakeMs = nextMs ?? this.#endMs;
    if (wakeMs > nowMs) return this.#context.pacer.wakeAt(wakeMs);
    if (nextMs !== null) return void setImmediate(() => this.onDue());
    this.#checkIdle();
  }

  /** A request of one of the arms has ended. */
  onEnded(arm: ArmLoad, exchange: Exchange): void {
    if (this.#stoppedMs === null) this.#pace.ended(arm, exchange);
    if (arm.inFlight === 0) this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#stoppedMs === null && (!this.#isOver || monotonicMs() < this.#endMs)) return;
    // Now, and not behind the wait for the last answers, in which there is nothing to do.
    this.#watched ??= this.#watch.read();
    if (this.#lanes.every(({ arm }) => arm.inFlight === 0)) this.#done.resolve();
  }

  /** No more requests; what is in flight has `STOP_GRACE_MS`, then it is neither awaited nor counted. */
  stop(): void {
    if (this.#stoppedMs !== null) return;
    this.#stoppedMs = Math.min(monotonicMs(), this.#endMs);
    for (const { recorder } of this.#lanes) recorder.endAt(this.#stoppedMs);
    this.#timers.push(setTimeout(() => this.#done.resolve(), STOP_GRACE_MS));
    this.#checkIdle();
  }

  #sweep(): void {
    const nowMs = monotonicMs();
    for (const { arm } of this.#lanes) arm.sweep(nowMs);
    if (this.#stoppedMs === null && nowMs >= this.#slot.startMs) this.#pace.sweep(nowMs);
  }

  #sampleLater(): void {
    this.#sampleTimer = setTimeout(() => {
      const nowMs = monotonicMs();
      if (nowMs >= (this.#stoppedMs ?? this.#endMs)) return;
      if (nowMs >= this.#slot.startMs)
        for (const { arm, recorder } of this.#lanes) recorder.sampleInFlight(arm.inFlight);
      this.#sampleLater();
    }, Math.random() * MAX_SAMPLE_GAP_MS);
  }

  #closeSecond(): void {
    const nowMs = monotonicMs();
    const { startMs, index } = this.#slot;
    const atS = Math.max(0, this.#secondStartMs - startMs) / MS_PER_S;
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
    this.#seconds.add(second);
    const elapsedS = (nowMs - startMs) / MS_PER_S;
    this.#context.onProgress({ stepIndex: index, elapsedS, arms, second, histograms });
  }
}

/** The warm-up, which has no place among the steps, is always open and evenly spaced. */
function makePace({ plan, arms, turns }: StepContext, { step, index, startMs }: StepSlot, endMs: number): Pace {
  const isWarmUp = index < 0;
  if (plan.model === 'closed' && !isWarmUp) {
    return new ClosedPace({
      arms,
      workers: plan.connections ?? DEFAULT_CONNECTIONS,
      endMs,
      turns,
      shard: plan.shard ?? { index: 0, count: 1 },
    });
  }
  const shard = isWarmUp ? null : (plan.shard ?? null);
  const trace = isWarmUp ? null : (plan.trace ?? null);
  const common = { arms: arms.length, shard };
  const [first] = arms;
  const firstTurn = first === undefined ? 0 : (turns.get(first) ?? 0);
  const schedule: Schedule =
    trace === null
      ? new ArrivalSchedule({ ...step, ...common, kind: plan.arrivals, seed: plan.seed + index, firstTurn })
      : new TraceSchedule({ ...common, entries: trace, durationMs: step.durationS * MS_PER_S });
  return new OpenPace({ arms, schedule, startMs, turns });
}
