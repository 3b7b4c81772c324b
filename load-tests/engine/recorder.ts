import { percentileCurve } from '../report/curve.ts';
import type { ArmReport, ArmSecond } from '../report/model.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { DurationHistogram } from './histogram.ts';
import type { EncodedHistogram } from './histogram.ts';
import type { StepHistograms } from './plan.ts';

const MS_PER_S = 1000;
const FIRST_FAILED_STATUS = 400;

/** An answer, or the lack of one. Times are on the clock of `monotonicMs()`. */
export type Outcome = {
  intendedMs: number;
  startMs: number;
  endMs: number;
  /** 0: no answer. */
  status: number;
  /** A kind from `errors.ts` of this folder or an `SP_…` code; null when there is none. */
  error: string | null;
  errorHop: string | null;
  bytesIn: number;
  /** Refused for coming too often, and the wait that was asked for. */
  isLimited: boolean;
  retryAfterS: number;
};

export type RecordedArm = { report: ArmReport; histograms: StepHistograms };

/** Counts and times one arm through one step. The hot path allocates nothing. */
export class ArmRecorder {
  readonly #startMs: number;
  #endMs: number;
  readonly #response = new DurationHistogram();
  readonly #service = new DurationHistogram();
  readonly lag = new DurationHistogram();
  readonly connections = new ConnectionCounts();
  readonly #second = new DurationHistogram();
  readonly #statusCodes = new Map<number, number>();
  readonly #errors = new Map<string, number>();
  readonly #errorHops = new Map<string, number>();
  /** How long after the step's end an ok answer came. As many at most as may be in flight. */
  readonly #lateMs: number[] = [];
  #ok = 0;
  #failed = 0;
  #okInTime = 0;
  #secondOk = 0;
  #secondFailed = 0;
  #bytesIn = 0;
  #firstSecondWorstMs = 0;
  #lastEndMs: number;
  #inFlightMax = 0;
  #inFlightSum = 0;
  #inFlightMs = 0;
  #inFlightSamples = 0;
  #limited = 0;
  #retryAfterMaxS = 0;
  dropped = 0;
  bytesOut = 0;
  /** Requests that left before the step's end. */
  sentInTime = 0;
  sent = 0;

  constructor(startMs: number, endMs: number) {
    this.#startMs = startMs;
    this.#endMs = endMs;
    this.#lastEndMs = startMs;
  }

  started(intendedMs: number, startMs: number, inFlight: number, bytesOut: number): void {
    this.lag.record(startMs - intendedMs);
    this.sent += 1;
    if (startMs <= this.#endMs) this.sentInTime += 1;
    this.bytesOut += bytesOut;
    if (inFlight > this.#inFlightMax) this.#inFlightMax = inFlight;
  }

  ended(outcome: Outcome): void {
    const { intendedMs, startMs, endMs, status, error, errorHop } = outcome;
    const responseMs = endMs - intendedMs;
    const serviceMs = endMs - startMs;
    this.#service.record(serviceMs);
    this.#second.record(responseMs);
    this.#bytesIn += outcome.bytesIn;
    if (endMs > this.#lastEndMs) this.#lastEndMs = endMs;
    this.#inFlightMs += Math.max(0, Math.min(endMs, this.#endMs) - Math.max(startMs, this.#startMs));
    if (status !== 0) increment(this.#statusCodes, status);
    if (error !== null) increment(this.#errors, error);
    if (errorHop !== null) increment(this.#errorHops, errorHop);
    if (outcome.isLimited) {
      this.#limited += 1;
      this.#retryAfterMaxS = Math.max(this.#retryAfterMaxS, outcome.retryAfterS);
    }
    if (error === null && status !== 0 && status < FIRST_FAILED_STATUS) this.#countOk(intendedMs, endMs, serviceMs);
    else {
      this.#failed += 1;
      this.#secondFailed += 1;
    }
  }

  #countOk(intendedMs: number, endMs: number, serviceMs: number): void {
    this.#ok += 1;
    // What failed by a timeout took as long as it may, and is no measure of how long an answer takes.
    if (intendedMs < this.#startMs + MS_PER_S && serviceMs > this.#firstSecondWorstMs) {
      this.#firstSecondWorstMs = serviceMs;
    }
    this.#secondOk += 1;
    if (endMs <= this.#endMs) this.#okInTime += 1;
    else this.#lateMs.push(endMs - this.#endMs);
  }

  /** What was in flight at a moment that has nothing to do with arrivals. */
  sampleInFlight(inFlight: number): void {
    this.#inFlightSum += inFlight;
    this.#inFlightSamples += 1;
  }

  /** Ends a second: its figures, and its histogram for the log. */
  closeSecond(): { figures: ArmSecond; histogram: EncodedHistogram } {
    const second = this.#second;
    const figures = {
      ok: this.#secondOk,
      failed: this.#secondFailed,
      p50: second.at(50),
      p99: second.at(99),
      max: second.at(100),
    };
    const histogram = second.encode();
    this.#response.add(second);
    second.reset();
    this.#secondOk = 0;
    this.#secondFailed = 0;
    return { figures, histogram };
  }

  /** The step was stopped: it lasted until `nowMs` only. */
  endAt(nowMs: number): void {
    this.#endMs = Math.min(this.#endMs, nowMs);
  }

  /** The step, or what there is of it at `untilMs`; latencies without the second that is open. */
  report(untilMs = Infinity): ArmReport {
    const durationS = (Math.min(this.#endMs, untilMs) - this.#startMs) / MS_PER_S;
    return {
      requests: this.#ok + this.#failed,
      ok: this.#ok,
      failed: this.#failed,
      dropped: this.dropped,
      achievedRate: keptUpRate(this.#okInTime, this.#lateMs, this.#firstSecondWorstMs, durationS),
      latencyMs: this.#response.latencies(),
      serviceMs: this.#service.latencies(),
      lagMs: this.lag.latencies(),
      statusCodes: Object.fromEntries(this.#statusCodes),
      errors: Object.fromEntries(this.#errors),
      errorHops: Object.fromEntries(this.#errorHops),
      bytesIn: this.#bytesIn,
      bytesOut: this.bytesOut,
      inFlightMax: this.#inFlightMax,
      inFlightMean: this.#inFlightSamples === 0 ? 0 : this.#inFlightSum / this.#inFlightSamples,
      inFlightMs: this.#inFlightMs,
      limited: { count: this.#limited, retryAfterMaxS: this.#retryAfterMaxS },
      elapsedS: (this.#lastEndMs - this.#startMs) / MS_PER_S,
    };
  }

  /** The finished step, with its connections and the histograms behind it. */
  finish(): RecordedArm {
    return {
      report: {
        ...this.report(),
        curve: percentileCurve((each) => this.#response.at(each), this.#response.count),
        ...this.connections.report(),
      },
      histograms: {
        latency: this.#response.encode(),
        service: this.#service.encode(),
        lag: this.lag.encode(),
        connect: this.connections.openMs.encode(),
      },
    };
  }
}

/**
 * Ok answers per second that kept up with the schedule: those that came within the step, or after it by no more than
 * the longest service (from its actual start) of an ok answer to the step's first second. A system that keeps up is as far behind at the
 * end as it was at the beginning; one that does not has built up a backlog in between, and its answers come later than
 * that. A generator that was late from the beginning is forgiven nothing. Counting only
 * what came within the step would hold every latency against short steps; counting all would never see a backlog.
 */
export function keptUpRate(okInTime: number, lateMs: number[], allowanceMs: number, durationS: number): number {
  let kept = okInTime;
  for (const late of lateMs) if (late <= allowanceMs) kept += 1;
  return durationS > 0 ? kept / durationS : 0;
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
