import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { TIMED_HOPS } from '../report/model.ts';
import type { HopsReport } from '../report/model.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeOwner } from './exchange.ts';
import { DurationHistogram } from './histogram.ts';
import { bodyBytes } from './body.ts';
import type { ArmPlan, EnginePlan } from './plan.ts';
import type { ArmRecorder } from './recorder.ts';
import { parseServerTiming } from './server-timing.ts';

const FIRST_FAILED_STATUS = 400;
/**
 * Idle connections are given up after this long (or the server's hint less 1 s), so that a server that drops them
 * after a few seconds does not turn our reuse into its error.
 */
const KEEP_ALIVE_IDLE_MS = 1000;

/** One arm: its connections, its requests in flight, and where their outcomes go. Kept through all steps. */
export class ArmLoad implements ExchangeOwner {
  readonly plan: ArmPlan;
  readonly #pool: Pool;
  readonly #requests: Dispatcher.DispatchOptions[];
  readonly #bodyBytes: number[];
  readonly #maxInFlight: number;
  readonly #timeoutMs: number;
  readonly #all: Exchange[] = [];
  readonly #free: Exchange[] = [];
  readonly #hopsNow = new Float64Array(TIMED_HOPS.length);
  readonly #hops = TIMED_HOPS.map(() => new DurationHistogram());
  readonly #onIdle: () => void;
  #recorder: ArmRecorder | null = null;
  #turn = 0;

  /** @param onIdle called whenever the last request in flight has ended */
  constructor(plan: ArmPlan, engine: EnginePlan, onIdle: () => void) {
    this.plan = plan;
    this.#maxInFlight = engine.maxInFlight;
    this.#timeoutMs = engine.timeoutMs;
    this.#onIdle = onIdle;
    const bodies = plan.requests.map(({ body }) => bodyBytes(body));
    this.#bodyBytes = bodies.map((body) => body?.byteLength ?? 0);
    this.#requests = plan.requests.map(({ method, path, headers }, index) => ({
      method,
      path,
      headers,
      body: bodies[index] ?? null,
    }));
    this.#pool = new Pool(plan.origin, {
      // A connection per request in flight: nothing may wait inside the generator.
      connections: null,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_IDLE_MS,
      connectTimeout: engine.timeoutMs,
      // One clock for all of a request's phases: `sweep`.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  get inFlight(): number {
    return this.#all.length - this.#free.length;
  }

  /** From here on outcomes go to `recorder`, and the hops begin anew. Only between steps. */
  record(recorder: ArmRecorder): void {
    this.#recorder = recorder;
    for (const hop of this.#hops) hop.reset();
  }

  /** Sends one request, or counts it as dropped. Both times on the clock of `monotonicMs()`. */
  send(intendedMs: number, nowMs: number): void {
    const recorder = this.#recorder;
    if (recorder === null) return;
    const exchange = this.#free.pop() ?? this.#oneMore();
    if (exchange === null) {
      recorder.dropped += 1;
      return;
    }
    exchange.begin(intendedMs, nowMs);
    this.#turn = this.#turn + 1 < this.#requests.length ? this.#turn + 1 : 0;
    recorder.started(intendedMs, nowMs, this.inFlight, this.#bodyBytes[this.#turn] ?? 0);
    this.#pool.dispatch(this.#requests[this.#turn] as Dispatcher.DispatchOptions, exchange);
  }

  #oneMore(): Exchange | null {
    if (this.#all.length >= this.#maxInFlight) return null;
    const exchange = new Exchange(this);
    this.#all.push(exchange);
    return exchange;
  }

  answered(exchange: Exchange, headers: Parameters<ExchangeOwner['answered']>[1]): void {
    // Error answers of the tunnel carry 0 for the hops not reached.
    if (this.plan.name !== 'tunnel' || exchange.status >= FIRST_FAILED_STATUS) return;
    if (!parseServerTiming(headers['server-timing'], this.#hopsNow)) return;
    for (let index = 0; index < TIMED_HOPS.length; index++) {
      this.#hops[index]?.record(this.#hopsNow[index] ?? 0);
    }
  }

  ended(exchange: Exchange): void {
    this.#free.push(exchange);
    this.#recorder?.ended(exchange);
    if (this.inFlight === 0) this.#onIdle();
  }

  /** Ends what has taken longer than the timeout. Called every `SWEEP_MS`; so much later a timeout may be. */
  sweep(nowMs: number): void {
    for (const exchange of this.#all) {
      if (exchange.active && nowMs - exchange.startMs > this.#timeoutMs) exchange.timeOut();
    }
  }

  /** Null when no answer of this step carried the tunnel's times. */
  hops(): HopsReport | null {
    if (this.#hops.every((hop) => hop.count === 0)) return null;
    return Object.fromEntries(TIMED_HOPS.map((name, index) => [name, this.#hops[index]?.hop()])) as HopsReport;
  }

  /** Cuts what is in flight without recording it. */
  async cut(): Promise<void> {
    this.#recorder = null;
    await this.#pool.destroy();
  }
}
