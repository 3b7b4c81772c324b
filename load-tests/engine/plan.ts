import type { ArmName, ArmReport, GeneratorReport, HopsReport, SecondReport } from '../report/model.ts';
import type { Arrivals, ProfileStep } from '../profiles/profile.ts';
import type { EncodedHistogram } from './histogram.ts';

/**
 * The limit of requests in flight per arm, unless told otherwise. An arrival that is due beyond it is counted as
 * dropped. 2,000 covers 1,000 requests/s at 2 s each, and two arms of it stay well under what a server accepts.
 */
export const DEFAULT_MAX_IN_FLIGHT = 2000;

/** What a request carries: given bytes, or so many of a filler. */
export type BodyPlan = Uint8Array | { fillBytes: number };

/** One request. `headers` are flat name-value lists; several requests of an arm share an origin. */
export type RequestPlan = { method: string; path: string; headers: string[]; body: BodyPlan | null };

/** `cert`, `key` and `ca` are PEM text. `isResuming` false: a full handshake on every connection. */
export type TlsPlan = { ca: string | null; cert: string | null; key: string | null; isResuming: boolean };

/** An arm: an origin and the requests that are sent to it in turn. */
export type ArmPlan = {
  name: ArmName;
  origin: string;
  requests: RequestPlan[];
  /** `websocket`: each request is a message that is echoed, on connections kept open. */
  protocol: 'http1' | 'http2' | 'websocket';
  /** Null for http:// and ws://, and for https:// with the system's authorities. */
  tls: TlsPlan | null;
};

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
};

export type StepHistograms = { latency: EncodedHistogram; service: EncodedHistogram; lag: EncodedHistogram };

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
