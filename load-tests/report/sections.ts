/** What each command finds beside the steps. Times in milliseconds; intervals are 95 %, distribution-free. */

import type { TimedHop } from './model.ts';

export type Interval = [low: number, high: number];

/** A paired difference of two arms: the median over the windows, and its interval (null with too few windows). */
export type PairedDifference = { metric: 'p50' | 'p90' | 'p99'; medianMs: number; ci95: Interval | null };

/** A hop of the tunnel: medians over the windows of its p50 and p99, and the interval of the former. */
export type HopShare = { hop: TimedHop; p50Ms: number; ci95: Interval | null; p99Ms: number };

/** Little's law: requests in flight as sampled, and as rate × latency makes them. `sentence` where they are apart. */
export type BooksAudit = { expected: number; sampled: number; isBalanced: boolean; sentence: string | null };

export type OverheadSection = {
  rate: number;
  windows: number;
  windowS: number;
  added: PairedDifference[];
  /** CPU per request by part, microseconds; null where the parts' processes cannot be read. */
  cpuUsPerRequest: Record<string, number> | null;
  /** Empty where the target sends no times. */
  hops?: HopShare[];
  /** Null where too little was in flight to audit. */
  books?: BooksAudit | null;
};

/** One tried rate of `load capacity`. */
export type CapacityTry = {
  rate: number;
  phase: 'step' | 'bisection' | 'confirmation';
  isCarried: boolean;
  reasons: string[];
  achievedRate: number;
  p50Ms: number;
  p99Ms: number;
};

/** Gunther's universal scalability law, X(N) = λN / (1 + σ(N−1) + κN(N−1)). */
export type UslFit = { lambda: number; sigma: number; kappa: number; peakRate: number | null; rSquared: number };

/** The queue hop as a queueing model expects it with other slots. */
export type WhatIf = { rate: number; slots: number; queueMeanMs: number | null; isMeasured: boolean };

export type CapacitySection = {
  tries: CapacityTry[];
  /** The highest rate that was carried and the lowest that was not; the knee lies between. Null: not saturated. */
  knee: { carriedRate: number; refusedRate: number } | null;
  usl: UslFit | null;
  whatIf: WhatIf[];
  /** Both ends of the knee were tried again and said the same. */
  isConfirmed?: boolean;
  /** All of it in plain words. */
  sentence?: string;
};

export type Trend = {
  name: string;
  unit: string;
  /** Theil–Sen slope, in units per hour. */
  slopePerHour: number;
  ci95: Interval | null;
  first: number;
  last: number;
  /** `rising` where the interval excludes zero and the rise over the run is large enough to matter. */
  verdict: 'flat' | 'rising' | 'falling' | 'unknown';
};

/** `isFailing`: whatever the trends, requests were not answered well, or tunnel or backend were found at fault. */
export type SoakSection = { trends: Trend[]; isLeaking: boolean | null; isFailing?: boolean; sentence: string };

export type Outcome = 'pass' | 'fail' | 'inconclusive';

/** One judged figure: candidate less baseline, against its margin. */
export type GateRow = {
  metric: 'p50' | 'p99';
  baselineMs: number;
  differenceMs: number;
  ci95: Interval | null;
  marginMs: number;
  outcome: Outcome;
};

/** `of` is `direct` where it is the direct path now against the direct path of the stored run, which differs more. */
export type GateControl = {
  metric: 'p50' | 'p99';
  differenceMs: number;
  ci95: Interval | null;
  isFit: boolean;
  of?: 'direct';
};

export type GateSection = {
  outcome: Outcome;
  rows: GateRow[];
  /** The same tunnel against itself; a machine where this escapes half the margin is unfit. Null where it was not run. */
  control: GateControl[] | null;
  windows: number;
  windowS: number;
  /** False where generator or machine were not fit to tell: then nothing measured is to be believed. */
  isFit?: boolean;
  sentence: string;
};

/** Two runs, or two ways of one run, step by step. */
export type CompareRow = {
  rate: number;
  metric: string;
  aMs: number;
  bMs: number;
  differenceMs: number;
  ci95: Interval | null;
};
export type CompareSection = { a: string; b: string; rows: CompareRow[]; sentence: string };

/** TLS modes against each other, in blocks in the order A-B-B-A. */
export type TlsSection = {
  mode: string;
  handshakes: number;
  /** Handshakes that resumed a session. */
  resumed?: number;
  connectP50Ms: number;
  latencyP50Ms: number;
  latencyP99Ms: number;
  /** Against the first mode, over the blocks. */
  added: PairedDifference[];
}[];

export type Sections = {
  overhead?: OverheadSection;
  capacity?: CapacitySection;
  soak?: SoakSection;
  gate?: GateSection;
  compare?: CompareSection;
  tls?: TlsSection;
};
