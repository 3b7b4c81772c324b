import { MAX_WARM_UP_S, loadProfile, profileOf, singleStep, traceStep } from '../profiles/profile.ts';
import type { Profile } from '../profiles/profile.ts';
import { peakRate } from '../profiles/trace.ts';
import { DEFAULT_CONNECTIONS, DEFAULT_MAX_IN_FLIGHT } from '../engine/plan.ts';
import type { EnginePlan } from '../engine/plan.ts';
import { chooseTraffic } from './arms.ts';
import type { Traffic } from './arms.ts';
import type { Signed } from './credentials.ts';
import { refuse } from './errors.ts';
import { parseFailIf, refuseUnread } from './fail-if.ts';
import { inRange, wholeIn } from './ranges.ts';
import type { Threshold } from './fail-if.ts';
import { refuseHighRate } from './target.ts';
import { checkTls } from './tls-options.ts';
import type { LoadOptions } from './load-options.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 300_000;
const MAX_IN_FLIGHT_LIMIT = 50_000;
const DEFAULT_PROFILE = 'short';
const DEFAULT_SEED = 1;
const MAX_GENERATORS = 64;
const MAX_SHARDS = 1000;

/** Options after every check: nothing behind this doubts them. `signed`: the credentials, as they are sent. */
export type Prepared = {
  plan: EnginePlan;
  profile: Profile;
  thresholds: Threshold[];
  engine: 'embedded' | 'k6';
  signed: Signed[];
};

/**
 * @param use `canShare`: whether what is measured can be merged with that of other machines (`shard`)
 * @throws LoadError of exit code 2, whose message says how to fix it
 */
export function prepare(asked: LoadOptions, { canShare = false }: { canShare?: boolean } = {}): Prepared {
  const options = withProtocol(asked);
  if (!canShare && options.shard !== undefined) {
    throw refuse('--shard is for load ramp and load isolate; leave it out');
  }
  const profile = chooseProfile(options);
  const { engine = 'embedded' } = options;
  const seed = wholeIn(options.seed ?? DEFAULT_SEED, 0, 2 ** 32 - 1, '--seed');
  const thresholds = (options.failIf ?? []).map((expression) => parseFailIf(expression));
  const traffic = chooseTraffic(options, profile, seed);
  refuseTooMuch(options, profile, traffic);
  refuseUnread(thresholds, traffic.arms);
  return {
    profile,
    engine,
    thresholds,
    signed: traffic.signed,
    plan: {
      limits: thresholds,
      abortOnFail: options.abortOnFail ?? false,
      arms: traffic.arms,
      timeoutMs: inRange(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS, '--timeout (ms)'),
      warmUpS: profile.warmUpS,
      arrivals: profile.arrivals,
      seed,
      steps: traffic.trace === null ? profile.steps : [traceStep(traffic.trace)],
      ...chooseGenerators(options, profile),
      trace: traffic.trace,
    },
  };
}

/** What is sent whereto, whatever the profile's rates: enough to look at the target. @throws LoadError of exit code 2 */
export function trafficOf(options: LoadOptions): Traffic {
  const profile = options.profile === undefined ? profileOf('none', []) : loadProfile(options.profile);
  const traffic = chooseTraffic(withProtocol(options), profile, DEFAULT_SEED);
  checkTls(options.tls ?? {}, traffic.arms);
  return traffic;
}

function withProtocol(options: LoadOptions): LoadOptions {
  return { ...options, protocol: options.protocol ?? (/^wss?:/.test(options.target) ? 'websocket' : 'http1') };
}

/** How the load is made, and by how many. */
function chooseGenerators(
  options: LoadOptions,
  { model, trace }: Profile,
): Pick<EnginePlan, 'maxInFlight' | 'model' | 'connections' | 'generators' | 'shard'> {
  const { maxInFlight = DEFAULT_MAX_IN_FLIGHT, connections = DEFAULT_CONNECTIONS, generators, shard } = options;
  if (model === 'open' && options.connections !== undefined) {
    throw refuse(
      '--connections is for --model closed; an open model has as many as its requests need (--max-in-flight)',
    );
  }
  if (shard !== undefined && model === 'closed')
    throw refuse('--shard is for the open model; leave out --model closed');
  if (trace === null && options.speed !== undefined) {
    throw refuse('--speed is for a recorded profile (sallyport load record); give one with --profile');
  }
  if (options.engine === 'k6' && generators !== undefined) {
    throw refuse('--generators is for the embedded engine; k6 uses all cores by itself');
  }
  if (model === 'closed' && connections > maxInFlight) {
    throw refuse(`--connections ${connections} need as many in flight; give --max-in-flight ${connections} or more`);
  }
  if (shard !== undefined) {
    inRange(shard.count, 1, MAX_SHARDS, '--shard (the second number)');
    inRange(shard.index + 1, 1, shard.count, '--shard (the first number)');
  }
  return {
    maxInFlight: whole(maxInFlight, MAX_IN_FLIGHT_LIMIT, '--max-in-flight'),
    model,
    connections: whole(connections, MAX_IN_FLIGHT_LIMIT, '--connections'),
    ...(generators === undefined ? {} : { generators: whole(generators, MAX_GENERATORS, '--generators') }),
    shard: shard ?? null,
  };
}

/** TLS files where there is no TLS, and more than a stranger's machine should get. */
function refuseTooMuch(options: LoadOptions, profile: Profile, { ways, arms, trace }: Traffic): void {
  checkTls(options.tls ?? {}, arms);
  const rates = trace === null ? profile.steps.map(({ rate }) => rate) : [peakRate(trace.map(({ atMs }) => atMs))];
  const most = profile.model === 'closed' ? null : Math.max(...rates);
  for (const { url } of ways) refuseHighRate(url, most, options.noRateCeiling ?? false);
}

function chooseProfile(options: LoadOptions): Profile {
  const { rate, durationS } = options;
  const single = rate !== undefined || durationS !== undefined;
  if (single && (rate === undefined || durationS === undefined)) {
    throw refuse('--rate and --duration go together, such as --rate 200 --duration 30');
  }
  if (single && options.profile !== undefined) {
    throw refuse('give either --profile or --rate and --duration, not both');
  }
  const profile = single ? singleStep(rate ?? 0, durationS ?? 0) : loadProfile(options.profile ?? DEFAULT_PROFILE);
  return {
    ...profile,
    model: options.model ?? profile.model,
    arrivals: options.arrivals ?? profile.arrivals,
    warmUpS: inRange(options.warmUpS ?? profile.warmUpS, 0, MAX_WARM_UP_S, '--warm-up (s)'),
  };
}

function whole(value: number, most: number, what: string): number {
  return wholeIn(value, 1, most, what);
}
