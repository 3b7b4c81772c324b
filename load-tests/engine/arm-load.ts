import { TIMED_HOPS } from '../report/model.ts';
import { bodyBytes } from './body.ts';
import { Connector } from './connector.ts';
import { makeDriver } from './driver.ts';
import type { Driver } from './driver.ts';
import { RequestTimeout } from './error-kinds.ts';
import type { AnswerFields, Exchange, ExchangeOwner } from './exchange.ts';
import { DurationHistogram } from './histogram.ts';
import { DEFAULT_CONNECTIONS } from './plan.ts';
import type { ArmPlan, EnginePlan } from './plan.ts';
import type { ArmRecorder } from './recorder.ts';
import { parseServerTiming } from './server-timing.ts';

const FIRST_FAILED_STATUS = 400;

/** One arm: its connections, its requests in flight, and where their outcomes go. Kept through all steps. */
export class ArmLoad implements ExchangeOwner {
  readonly plan: ArmPlan;
  readonly #connector: Connector;
  readonly #driver: Driver;
  readonly #bodyBytes: number[];
  readonly #maxInFlight: number;
  readonly #timeoutMs: number;
  readonly #all: Exchange[] = [];
  readonly #free: Exchange[] = [];
  readonly #hopsNow = new Float64Array(TIMED_HOPS.length);
  readonly #hops = TIMED_HOPS.map(() => new DurationHistogram());
  readonly #onEnded: (arm: ArmLoad, exchange: Exchange) => void;
  #recorder: ArmRecorder | null = null;

  /**
   * @param onEnded called whenever a request in flight has ended
   * @throws Error when the plan's certificates cannot be used
   */
  constructor(plan: ArmPlan, engine: EnginePlan, onEnded: (arm: ArmLoad, exchange: Exchange) => void) {
    const { model = 'open', connections = DEFAULT_CONNECTIONS, maxInFlight, timeoutMs } = engine;
    this.plan = plan;
    this.#maxInFlight = maxInFlight;
    this.#timeoutMs = timeoutMs;
    this.#onEnded = onEnded;
    this.#bodyBytes = plan.requests.map(({ body }) => bodyBytes(body)?.byteLength ?? 0);
    this.#connector = new Connector(plan, timeoutMs);
    // Open: a connection per request in flight. Closed: a worker is a connection.
    const maxConnections = model === 'closed' ? Math.max(1, connections) : null;
    this.#driver = makeDriver({ plan, connector: this.#connector, maxConnections });
  }

  get inFlight(): number {
    return this.#all.length - this.#free.length;
  }

  /** From here on outcomes go to `recorder`, and the hops begin anew. Only between steps. */
  record(recorder: ArmRecorder): void {
    this.#recorder = recorder;
    this.#connector.counts = recorder.connections;
    for (const hop of this.#hops) hop.reset();
  }

  /**
   * Sends one request, or counts it as dropped. Both times on the clock of `monotonicMs()`.
   * @param turn which of the arm's requests, modulo their number
   */
  send(intendedMs: number, nowMs: number, turn: number): void {
    const recorder = this.#recorder;
    if (recorder === null) return;
    const exchange = this.#free.pop() ?? this.#oneMore();
    if (exchange === null) {
      recorder.dropped += 1;
      return;
    }
    const request = turn % this.#bodyBytes.length;
    exchange.begin(intendedMs, nowMs);
    recorder.started(intendedMs, nowMs, this.inFlight, this.#bodyBytes[request] ?? 0);
    this.#driver.send(exchange, request);
  }

  #oneMore(): Exchange | null {
    if (this.#all.length >= this.#maxInFlight) return null;
    const exchange = this.#driver.exchange(this);
    this.#all.push(exchange);
    return exchange;
  }

  answered(exchange: Exchange, fields: AnswerFields): void {
    // Error answers of the tunnel carry 0 for the hops not reached.
    if (this.plan.name !== 'tunnel' || exchange.status >= FIRST_FAILED_STATUS) return;
    if (!parseServerTiming(fields['server-timing'], this.#hopsNow)) return;
    for (let index = 0; index < TIMED_HOPS.length; index++) {
      this.#hops[index]?.record(this.#hopsNow[index] ?? 0);
    }
  }

  ended(exchange: Exchange): void {
    this.#free.push(exchange);
    this.#recorder?.ended(exchange);
    this.#onEnded(this, exchange);
  }

  /** Ends what has taken longer than the timeout. Called every `SWEEP_MS`; so much later a timeout may be. */
  sweep(nowMs: number): void {
    for (const exchange of this.#all) {
      if (exchange.active && nowMs - exchange.startMs > this.#timeoutMs) exchange.abort(new RequestTimeout());
    }
  }

  /** In the order of `TIMED_HOPS`; null when no answer of this step carried the tunnel's times. */
  hops(): DurationHistogram[] | null {
    return this.#hops.every((hop) => hop.count === 0) ? null : this.#hops;
  }

  /** Cuts what is in flight without recording it. */
  async cut(): Promise<void> {
    this.#recorder = null;
    this.#connector.close();
    await this.#driver.close();
  }
}
