/**
 * What a k6 script is to do, as plain data. Everything in this folder but `http.ts`, `echo.ts`, `figures.ts` and
 * `session.ts` runs inside k6 and in Node alike: no imports of either.
 */
import type { Limit, LoadModel } from '../../engine/plan.ts';
import type { ProfileStep } from '../../profiles/profile.ts';
import type { ArmName, LoadCommand } from '../../report/model.ts';

/** `file` is an absolute path: k6 opens others relative to the script that asks. */
export type K6Body = { file: string } | { fillBytes: number };
/** `body` is an index into the plan's bodies. */
export type K6Request = { method: string; url: string; headers: Record<string, string>; body: number | null };
/** An arm and the requests that are sent to it in turn. */
export type K6Arm = { name: ArmName; requests: K6Request[] };

export type K6Plan = {
  /** `websocket`: each request is a message that is echoed, on connections kept open for a step. */
  protocol: 'http' | 'websocket';
  /** `closed`: `connections` virtual users per arm that ask again once they are answered; the rates say nothing. */
  model: LoadModel;
  arms: K6Arm[];
  bodies: K6Body[];
  steps: ProfileStep[];
  /** How many generators share the arrivals in equal parts (k6's execution segments); the rates are those of all. */
  shards: number;
  timeoutMs: number;
  warmUpS: number;
  /** Between two steps, for the answers that are still to come. */
  gapS: number;
  /** The latency that virtual users are made ready for. */
  latencyMs: number;
  maxInFlight: number;
  /** Per arm: WebSocket connections, or virtual users of a closed loop. */
  connections: number;
  /** Of the tunnel arm in every step; k6 judges those that it can. */
  limits: Limit[];
  abortOnFail: boolean;
  /** PEM text; k6 presents it to every server that asks. */
  clientCertificate: { cert: string; key: string } | null;
  /** A new connection for every request. */
  isFresh: boolean;
  /** The names of the tunnel arm's requests where they are told apart: one session each. Otherwise empty. */
  sessions: string[];
  /** Where the summary goes: k6's own figures, or the report where `own` says that nobody else writes one. */
  summaryFile: string;
  own: OwnReport | null;
};

/** A script run by itself: what its report says beside the figures. */
export type OwnReport = { command: LoadCommand; name: string; failIf: string[] };

/** Two to four times rate × latency is k6's own advice; three. */
export const VUS_PER_IN_FLIGHT = 3;
/** Unless told otherwise: 100 virtual users for 1,000 requests/s. */
export const DEFAULT_LATENCY_MS = 33;
export const DEFAULT_CONNECTIONS = 10;
export const DEFAULT_GAP_S = 1;

/** Answers that come later than this after the step's end were not in step with the schedule. */
export const KEPT_ALLOWANCE_MS = 500;

const PERCENT = 100;
/** From the 90th percentile on, points per factor of ten in rarity; as far as 99.999. */
const POINTS_PER_NINE = 16;
const LAST_NINE = 5;

/**
 * k6 keeps every value and tells percentiles of it: each whole one up to 90, then as many between 90 and 99 as between
 * 99 and 99.9. So many that the distribution can be put together again, and those of several generators added.
 */
export const CURVE_PERCENTILES: readonly number[] = [
  ...Array.from({ length: 89 }, (_, index) => index + 1),
  ...Array.from({ length: (LAST_NINE - 1) * POINTS_PER_NINE + 1 }, (_, index) =>
    Number((PERCENT * (1 - 10 ** (-1 - index / POINTS_PER_NINE))).toFixed(5)),
  ),
];

/** A percentile as k6 is asked for it and answers. */
export const percentileStat = (percentile: number): string => `p(${percentile})`;

export const SUMMARY_TREND_STATS: readonly string[] = [
  ...new Set([
    'min',
    'avg',
    ...[50, 75, 90, 95, 99, 99.9, ...CURVE_PERCENTILES].map((each) => percentileStat(each)),
    'max',
    'count',
  ]),
];
