/**
 * The one object every engine fills and every report is written from: `report.json`, schema `sallyport.load/1`.
 * Times are milliseconds unless a name says otherwise; rates are requests per second and per arm.
 */
import type { LoadModel, Shard } from '../engine/plan.ts';
import type { Evidence } from './evidence.ts';
import type { Sections } from './sections.ts';

export const REPORT_SCHEMA = 'sallyport.load/1';

/** The parts of the path a request's time is charged to, in the order of the `Server-Timing` field. */
export const HOPS = ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend'] as const;
/** The hops and their sum, as the field carries them. */
export const TIMED_HOPS = [...HOPS, 'total'] as const;

export type HopName = (typeof HOPS)[number];
export type TimedHop = (typeof TIMED_HOPS)[number];
/**
 * `tunnel` is the target; `direct` is the backend itself, measured beside it for comparison. A gate has three
 * more: `baseline`, the tunnel that the target is compared with, `control`, that same tunnel once more (A/A), and `twin`,
 * the target once more, so that both tunnels carry the same load: a busier process is a warmer and so a quicker one.
 */
export const ARM_NAMES = ['tunnel', 'direct', 'baseline', 'control', 'twin'] as const;
export type ArmName = (typeof ARM_NAMES)[number];
export type ByArm<Value> = Partial<Record<ArmName, Value>>;

/** Milliseconds. All zero where nothing was measured. */
export type Latencies = {
  min: number;
  mean: number;
  p50: number;
  p75: number;
  p90: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
};

/** A percentile, 0 to 100, and the milliseconds there. */
export type CurvePoint = [percentile: number, ms: number];

/** What one arm did in one step (or, in `totals`, in all of them). */
export type ArmReport = {
  /** Requests that were sent and ended; `dropped` arrivals are not among them. */
  requests: number;
  /** Answered with 2xx or 3xx. */
  ok: number;
  /** Everything else: 4xx, 5xx, no answer. */
  failed: number;
  /** Arrivals that were due while the limit of requests in flight was reached. */
  dropped: number;
  /** `ok` answers per second that kept up with the schedule; `keptUpRate()` in the recorder says how. */
  achievedRate: number;
  /** Intended start to last byte, of every request that ended, however it ended. */
  latencyMs: Latencies;
  /** Actual start to last byte. */
  serviceMs: Latencies;
  /** Intended start to actual start: the generator's own lateness. */
  lagMs: Latencies;
  statusCodes: Record<string, number>;
  /** By kind: `timeout`, `connection_refused` …, and the tunnel's own `SP_…` codes. */
  errors: Record<string, number>;
  /** The hop that the tunnel's own error answers name. */
  errorHops: Record<string, number>;
  bytesIn: number;
  bytesOut: number;
  inFlightMax: number;
  /** Mean of samples taken at random times within the step, not derived from latencies. */
  inFlightMean?: number;
  /** The time that requests were in flight within the step, added up, ms: what the samples are held against. */
  inFlightMs?: number;
  /** Connections opened, and how long that took (TCP and TLS). Not there where the engine does not tell (k6). */
  connects?: number;
  connectMs?: Latencies;
  /** TLS handshakes among them, and how many of those resumed a session. */
  tlsHandshakes?: number;
  tlsResumed?: number;
  /** Refused for coming too often: 429, and 503 with `Retry-After`; the longest wait asked for. */
  limited?: { count: number; retryAfterMaxS: number };
  /** From the first arrival to the last answer, seconds. */
  elapsedS: number;
  /** `latencyMs` in full, for the picture: `percentileCurve()` says which points. Absent where the engine has none. */
  curve?: CurvePoint[];
};

/** How fit the generator was during a step. Null: this engine or machine does not tell. */
export type GeneratorReport = {
  lagP50Ms: number;
  lagP99Ms: number;
  /** Share of time the event loop was busy, 0 to 1. */
  elu: number | null;
  /** CPU time over wall time; 100 is one core. */
  cpuPercent: number | null;
  /** Of several generator processes each, since the busiest is not the one with most CPU; absent where there is one. */
  processes?: { elu: number | null; cpuPercent: number | null }[];
  /** Requests that left before the step's end, over all that were to leave. */
  sentRatio: number;
  /** CPU time the hypervisor gave to others, percent of all CPU time. */
  stealPercent: number | null;
  /** Time the cgroup was stopped for exceeding its quota, percent of the step. */
  throttledPercent: number | null;
  /** The limit of requests in flight per arm. */
  maxInFlight: number;
};

/** One second of one arm, by the time the answers came. */
export type ArmSecond = { ok: number; failed: number; p50: number; p99: number; max: number };
export type SecondReport = { atS: number; lengthS: number; arms: ByArm<ArmSecond> };

export type HopReport = { p50: number; p99: number };
export type HopsReport = Record<TimedHop, HopReport>;

/** What the tunnel adds to the direct path. `ci95` is null with fewer than six paired seconds. */
export type AddedReport = { p50: number; p99: number; ci95: [number, number] | null };

export type StepReport = {
  rate: number;
  durationS: number;
  /** False where the run was stopped inside this step. */
  complete: boolean;
  arms: { tunnel: ArmReport } & ByArm<ArmReport>;
  /** Arms of it that were measured at another time, and not together with the others. */
  apart?: ArmName[];
  addedMs: AddedReport | null;
  hopsMs: HopsReport | null;
  generator: GeneratorReport;
  seconds: SecondReport[];
};

export type Fault = 'none' | 'generator' | 'backend' | 'tunnel' | 'inconclusive';

export type Verdict = {
  fault: Fault;
  /** The hop that grew most, where the tunnel is at fault. */
  hop: HopName | null;
  /** The rate at which the fault shows. */
  at: number | null;
  /** The first rate that was no longer carried; null: not saturated. */
  kneeRate: number | null;
  /** 0 to 1: how many independent signs agree. */
  confidence: number;
  evidence: string[];
  /** The verdict in plain words, one sentence. */
  sentence: string;
};

export type ThresholdReport = { expression: string; failedAt: number[]; worst: number | null };

/** Which command wrote the report. */
export type LoadCommand = 'ramp' | 'isolate' | 'overhead' | 'capacity' | 'soak' | 'gate' | 'compare' | 'report';

export type LoadReport = {
  schema: typeof REPORT_SCHEMA;
  command: LoadCommand;
  tool: { name: 'sallyport'; version: string; engine: 'embedded' | 'k6'; node: string };
  machine: { cpus: number; cpuModel: string; memoryBytes: number; platform: string; kernel: string };
  /**
   * `method`, `protocol` and `bodyBytes` are those of the first request; `content` is a hash of all that is sent. The
   * latter three are not in older reports.
   */
  target: {
    tunnel: string;
    direct: string | null;
    method: string;
    timeoutMs: number;
    protocol?: 'http1' | 'http2' | 'websocket';
    bodyBytes?: number;
    content?: string;
  };
  profile: {
    name: string;
    arrivals: 'uniform' | 'poisson' | 'recorded';
    seed: number;
    warmUpS: number;
    model?: LoadModel;
    /** Which part of the load this is, where several machines shared it; its rates are those of the part. */
    shard?: Shard;
  };
  startedAt: string;
  /** Why the run ended before its last step, if it did. */
  stopped: { reason: 'interrupted' | 'threshold' | 'error'; code: string; message: string } | null;
  steps: StepReport[];
  totals: { durationS: number; arms: { tunnel: ArmReport } & ByArm<ArmReport> };
  thresholds: ThresholdReport[];
  generator: GeneratorReport;
  evidence: Evidence;
  verdict: Verdict;
  /** What the command found beside the steps; the section of its own name. */
  sections: Sections;
};
