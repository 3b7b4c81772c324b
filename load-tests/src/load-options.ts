import type { LoadModel, Shard } from '../engine/plan.ts';
import type { Arrivals } from '../profiles/profile.ts';
import type { AuthKind, Credential } from './credentials.ts';
import type { LiveMetrics } from './live-metrics.ts';
import type { TlsOptions } from './tls-options.ts';

/** Where text for people goes; a stream will do. */
export type Writer = { write(text: string): unknown };

/** What every load test is asked to do; commands have their own options beside it. Only `target` is needed. */
export type LoadOptions = {
  /** The way through the tunnel; a path that ends in `/` gets `defaultPath`. */
  target: string;
  /** What is asked for below a `target` and `direct` that end in `/`; the test backend's small answer by default. */
  defaultPath?: string | undefined;
  /** The backend itself, as the second arm. */
  direct?: string | undefined;
  /** A profile's name or file (default `short`); or else `rate` and `durationS`. */
  profile?: string | undefined;
  rate?: number | undefined;
  durationS?: number | undefined;
  engine?: 'embedded' | 'k6' | undefined;
  /** Default `results/<time>`. */
  out?: string | undefined;
  /** Used in turn, towards the tunnel only. */
  credentials?: Credential[] | undefined;
  auth?: AuthKind | undefined;
  method?: string | undefined;
  /**
   * By name; of several values each is a field of its own (cookies are one, RFC 6265 §5.4). `authorization`, `cookie` and
   * `proxy-authorization` go to the tunnel only.
   */
  headers?: Record<string, string | readonly string[]> | undefined;
  body?: string | Uint8Array | undefined;
  /** From a request's start to its last byte; default 10,000. */
  timeoutMs?: number | undefined;
  /** Default: the profile's. */
  warmUpS?: number | undefined;
  arrivals?: Arrivals | undefined;
  seed?: number | undefined;
  failIf?: string[] | undefined;
  abortOnFail?: boolean | undefined;
  /** Per arm; default 2,000. */
  maxInFlight?: number | undefined;
  /** Default: the profile's. */
  model?: LoadModel | undefined;
  /** Workers per arm of a closed loop; default 50. */
  connections?: number | undefined;
  /** Processes that share the arrivals; default by rate. */
  generators?: number | undefined;
  /** This machine's part of a ramp (or isolate) that several share. */
  shard?: Shard | undefined;
  /** How much faster a recorded profile is replayed than it was recorded; default 1. */
  speed?: number | undefined;
  /** A file of targets in vegeta's HTTP format, in turn; all below `target`. */
  targets?: string | undefined;
  /** Default `http1`; `websocket` for a ws:// or wss:// target. */
  protocol?: 'http1' | 'http2' | 'websocket' | undefined;
  tls?: TlsOptions | undefined;
  /** Lifts the ceiling on the rate towards targets beyond this machine. */
  noRateCeiling?: boolean | undefined;
  /** Checks the target before the run (beyond this machine that is done anyway). */
  check?: boolean | undefined;
  /** Admin addresses of the tunnel's parts, whose `/metrics` are read as evidence. */
  admin?: readonly string[] | undefined;
  /** The field `Authorization` for these, where they are not on loopback. */
  adminAuthorization?: string | undefined;
  /** Draws `chart.png` beside the reports, by a Chromium. */
  png?: boolean | undefined;
  /** Opens the page of the report in the person's browser. */
  isOpening?: boolean | undefined;
  /** Allows targets beyond this machine. */
  yesIRunThisTarget?: boolean | undefined;
  /** The tool's version, for the report. */
  version?: string | undefined;
  stdout?: Writer | undefined;
  stderr?: Writer | undefined;
  /** Whether `stderr` can rewrite a line. */
  isTty?: boolean | undefined;
  /** Told of what is measured while it runs. */
  live?: LiveMetrics | undefined;
  signal?: AbortSignal | undefined;
};
