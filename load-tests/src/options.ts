import { MAX_WARM_UP_S, loadProfile, singleStep } from '../profiles/profile.ts';
import type { Arrivals, Profile } from '../profiles/profile.ts';
import { DEFAULT_MAX_IN_FLIGHT } from '../engine/plan.ts';
import type { ArmPlan, EnginePlan } from '../engine/plan.ts';
import type { ArmName } from '../report/model.ts';
import { LoadError } from './errors.ts';
import { parseFailIf } from './fail-if.ts';
import { inRange } from './ranges.ts';
import type { Threshold } from './fail-if.ts';
import { refuseStrangers, withDefaultPath } from './target.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 300_000;
const MAX_IN_FLIGHT_LIMIT = 50_000;
const DEFAULT_PROFILE = 'short';
const DEFAULT_SEED = 1;
const USER_AGENT = 'sallyport-load';

export type Credential = { id: string; secret: string };
/** Where text for people goes; a stream will do. */
export type Writer = { write(text: string): unknown };

/** What `load ramp` is asked to do. Only `target` is needed. */
export type LoadOptions = {
  /** The way through the tunnel; a path that ends in `/` gets the test backend's default resource. */
  target: string;
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
  auth?: 'basic' | 'bearer' | undefined;
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
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
  /** Allows targets beyond this machine. */
  yesIRunThisTarget?: boolean | undefined;
  /** The tool's version, for the report. */
  version?: string | undefined;
  stdout?: Writer | undefined;
  stderr?: Writer | undefined;
  /** Whether `stderr` can rewrite a line. */
  isTty?: boolean | undefined;
  signal?: AbortSignal | undefined;
};

/** Options after every check: nothing behind this doubts them. */
export type Prepared = { plan: EnginePlan; profile: Profile; thresholds: Threshold[]; engine: 'embedded' | 'k6' };

/** @throws LoadError of exit code 2, whose message says how to fix it */
export function prepare(options: LoadOptions): Prepared {
  const profile = chooseProfile(options);
  const { engine = 'embedded', method = options.body === undefined ? 'GET' : 'POST' } = options;
  if (!/^[A-Z]{1,20}$/.test(method) || method === 'CONNECT') {
    throw new LoadError('SP_LOAD_OPTIONS', `--method ${JSON.stringify(method)} must be such as GET or POST`);
  }
  const seed = options.seed ?? DEFAULT_SEED;
  const thresholds = (options.failIf ?? []).map((expression) => parseFailIf(expression));
  return {
    profile,
    engine,
    thresholds,
    plan: {
      limits: thresholds,
      abortOnFail: options.abortOnFail ?? false,
      arms: chooseArms(options, method),
      timeoutMs: inRange(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS, '--timeout (ms)'),
      warmUpS: profile.warmUpS,
      arrivals: profile.arrivals,
      seed: Math.trunc(inRange(seed, 0, 2 ** 32 - 1, '--seed')),
      steps: profile.steps,
      maxInFlight: inRange(options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT, 1, MAX_IN_FLIGHT_LIMIT, 'maxInFlight'),
    },
  };
}

function chooseProfile(options: LoadOptions): Profile {
  const { rate, durationS } = options;
  const single = rate !== undefined || durationS !== undefined;
  if (single && (rate === undefined || durationS === undefined)) {
    throw new LoadError('SP_LOAD_OPTIONS', '--rate and --duration go together, such as --rate 200 --duration 30');
  }
  if (single && options.profile !== undefined) {
    throw new LoadError('SP_LOAD_OPTIONS', 'give either --profile or --rate and --duration, not both');
  }
  const profile = single ? singleStep(rate ?? 0, durationS ?? 0) : loadProfile(options.profile ?? DEFAULT_PROFILE);
  return {
    ...profile,
    arrivals: options.arrivals ?? profile.arrivals,
    warmUpS: inRange(options.warmUpS ?? profile.warmUpS, 0, MAX_WARM_UP_S, '--warm-up (s)'),
  };
}

function chooseArms(options: LoadOptions, method: string): ArmPlan[] {
  const target = withDefaultPath(options.target, 'target');
  const direct = options.direct === undefined ? null : withDefaultPath(options.direct, 'direct');
  for (const url of direct === null ? [target] : [target, direct]) {
    refuseStrangers(url, options.yesIRunThisTarget ?? false);
  }
  const common = Object.entries({ 'user-agent': USER_AGENT, ...lowerCased(options.headers ?? {}) }).flat();
  const signed = (options.credentials ?? []).map((credential) => [
    ...common,
    'authorization',
    authorization(credential, options.auth ?? 'basic'),
  ]);
  const arm = (name: ArmName, url: URL, headerSets: string[][]): ArmPlan => ({
    name,
    origin: url.origin,
    requests: headerSets.map((headers) => ({
      method,
      path: url.pathname + url.search,
      headers,
      body: bytes(options.body),
    })),
    protocol: 'http1',
    tls: null,
  });
  const tunnel = arm('tunnel', target, signed.length > 0 ? signed : [common]);
  return direct === null ? [tunnel] : [tunnel, arm('direct', direct, [common])];
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name) || /[\0\r\n]/.test(value)) {
      throw new LoadError(
        'SP_LOAD_OPTIONS',
        `--header ${JSON.stringify(name)} is not a field name with a one-line value`,
      );
    }
    named[name.toLowerCase()] = value;
  }
  return named;
}

/** `Basic` of id and secret (RFC 7617), or `Bearer <id>.<secret>` (RFC 6750). */
export function authorization({ id, secret }: Credential, auth: 'basic' | 'bearer'): string {
  return auth === 'bearer' ? `Bearer ${id}.${secret}` : `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

function bytes(body: string | Uint8Array | undefined): Uint8Array | null {
  if (body === undefined) return null;
  return typeof body === 'string' ? Buffer.from(body) : body;
}
