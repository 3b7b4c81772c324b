import type { ArmName, ArmReport, GeneratorReport, HopsReport, SecondReport } from '../report/model.ts';
import type { Arrivals, ProfileStep } from '../profiles/profile.ts';
import type { EncodedHistogram } from './histogram.ts';

/**
 * The limit of requests in flight per arm, unless told otherwise. An arrival that is due beyond it is counted as
 * dropped. 2,000 covers 1,000 requests/s at 2 s each, and two arms of it stay well under what a server accepts.
 */
export const DEFAULT_MAX_IN_FLIGHT = 2000;
/** Workers per arm of a closed loop, unless told otherwise. */
export const DEFAULT_CONNECTIONS = 50;

/** What a request carries: given bytes, or so many of a filler. */
export type BodyPlan = Uint8Array | { fillBytes: number };

/** One request. `headers` are flat name-value lists; several requests of an arm share an origin. */
export type RequestPlan = { method: string; path: string; headers: string[]; body: BodyPlan | null };

/**
 * `cert`, `key` and `ca` are PEM text. `isResuming` true: each new connection offers the arm's last session (RFC 8446
 * §2.2, RFC 5077); false: a full handshake on every connection. Neither makes connections new: on kept ones handshakes
 * happen only while they are opened, and `connectionUse: 'fresh'` is what measures them with every request.
 */
export type TlsPlan = { ca: string | null; cert: string | null; key: string | null; isResuming: boolean };

/** An arm: an origin and the requests that are sent to it in turn. */
export type ArmPlan = {
  name: ArmName;
  origin: string;
  requests: RequestPlan[];
  /**
   * `http2`: by ALPN over https://, with prior knowledge over http:// (RFC 9113 §3.3; there is no `Upgrade`).
   * `websocket`: each request is a binary message (its `body`) that is echoed; `path` and `headers` open the
   * connection, `method` says nothing.
   */
  protocol: 'http1' | 'http2' | 'websocket';
  /** Null for http:// and ws://, and for https:// with the system's authorities. */
  tls: TlsPlan | null;
  /**
   * Default `kept`: connections stay open. `fresh`: a new one for every request, closed behind its answer, and its
   * opening counts in the request's time (as it does for a kept connection's first request).
   */
  connectionUse?: 'kept' | 'fresh';
};

/**
 * `open` (default): arrivals by a schedule that nothing holds back. `closed`: `connections` workers per arm that each
 * ask again once they are answered; the steps' rates are then only what the progress says, and a measurement's `rate`
 * is the first arm's achieved one. Closed percentiles hide stalls (coordinated omission); they compare, no more.
 */
export type LoadModel = 'open' | 'closed';

/** A recorded arrival: milliseconds from the step's start, and which of each arm's requests (modulo their number). */
export type TraceEntry = { atMs: number; request: number };

/** One of `count` generators of the same plan, from 0: it sends every `count`-th round of the one schedule. */
export type Shard = { index: number; count: number };

/** All that an engine needs, as plain data: it crosses a process border. */
export type EnginePlan = {
  arms: ArmPlan[];
  timeoutMs: number;
  warmUpS: number;
  arrivals: Arrivals;
  seed: number;
  steps: ProfileStep[];
  maxInFlight: number;
  /** For engines that judge by themselves (k6); the embedded one leaves this to its caller. */
  limits: Limit[];
  abortOnFail: boolean;
  /** Default `open`. */
  model?: LoadModel;
  /** Workers per arm in the closed model; at most `maxInFlight`. Default `DEFAULT_CONNECTIONS`. */
  connections?: number;
  /** Processes that share the arrivals; default by rate, see `generatorsFor`. */
  generators?: number;
  /** This run's part of a plan that several machines share. A measurement's `rate` is then that part of the step's. */
  shard?: Shard | null;
  /** Takes the place of `arrivals` in every step: in order of time, from the step's start; cut at the step's end. */
  trace?: readonly TraceEntry[] | null;
};

/** A step as an engine measured it; `src/assemble.ts` makes the report's step of it. */
export type StepMeasurement = {
  rate: number;
  durationS: number;
  complete: boolean;
  arms: Partial<Record<ArmName, ArmReport>>;
  hopsMs: HopsReport | null;
  generator: GeneratorReport;
  seconds: SecondReport[];
  /** Null where the engine has none (k6). */
  histograms: Partial<Record<ArmName, StepHistograms>> | null;
  /** Of the tunnel arm, in the order of `TIMED_HOPS`; so that several generators' can be merged. */
  hopHistograms?: EncodedHistogram[] | null;
};

export type StepHistograms = {
  latency: EncodedHistogram;
  service: EncodedHistogram;
  lag: EncodedHistogram;
  /** Opening of connections; not there where the engine does not tell. */
  connect?: EncodedHistogram;
};

/** A step under way, once a second. `arms` hold the step so far. */
export type Progress = {
  stepIndex: number;
  elapsedS: number;
  arms: Partial<Record<ArmName, ArmReport>>;
  second: SecondReport;
  /** Of the second alone, for the HdrHistogram log. */
  histograms: Partial<Record<ArmName, EncodedHistogram>>;
};

export type EngineEvents = {
  onWarmUp(measurement: StepMeasurement): void;
  onProgress(progress: Progress): void;
  onStep(measurement: StepMeasurement): void;
  /** A step should begin about now: from engines that have no progress to tell (k6). */
  onStepDue?(stepIndex: number): void;
};

/** Runs a plan until its end or until `signal` aborts; either way what was measured has been reported by then. */
export type Engine = {
  name: 'embedded' | 'k6';
  run(plan: EnginePlan, events: EngineEvents, signal: AbortSignal): Promise<EngineEnd>;
};

/** A limit that fails the run: the figure `metric` of the tunnel arm on that side of `limit` (ms, percent, number). */
export type Limit = { metric: string; operator: string; limit: number };

/** `totals` is there where the engine itself knows them (k6); otherwise they are merged from the histograms. */
export type EngineEnd = {
  error: { code: string; message: string } | null;
  totals: Partial<Record<ArmName, ArmReport>> | null;
};
