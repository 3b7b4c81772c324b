/** From the text of a load test's flags to its options. */
import { readFileSync } from 'node:fs';
import { parseCredentials } from '@sallyport/load-tests';
import type { Credential, LoadOptions } from '@sallyport/load-tests';
import { usageError } from '../../exit.ts';
import type { LoadFlags } from './flags.ts';

/** All but the signal and where text goes. @throws CommandError of exit code 2 */
export function optionsOf(flags: LoadFlags): LoadOptions {
  const target = flags.target ?? process.env['SALLYPORT_TARGET'];
  if (target === undefined)
    throw usageError('no target', 'give --target URL, for example http://127.0.0.1:12000/session/demo/');
  return {
    target,
    direct: flags.direct,
    ...loadOf(flags),
    ...requestsOf(flags),
    engine: oneOf('--engine', flags.engine, ['embedded', 'k6']),
    out: flags.out,
    timeoutMs: numberOf('--timeout', flags.timeout),
    failIf: [...flags.failIf],
    abortOnFail: flags.abortOnFail,
    admin: flags.admin.length === 0 ? undefined : flags.admin.map(adminOf),
    check: flags.check,
    yesIRunThisTarget: flags.yesIRunThisTarget,
    isOpening: flags.open,
    noRateCeiling: flags.rateCeiling === false,
  };
}

type Part<Key extends keyof LoadOptions> = Pick<LoadOptions, Key>;

/** How much, when, and by how many generators. */
function loadOf(
  flags: LoadFlags,
): Part<
  | 'profile'
  | 'rate'
  | 'durationS'
  | 'speed'
  | 'warmUpS'
  | 'arrivals'
  | 'seed'
  | 'model'
  | 'connections'
  | 'maxInFlight'
  | 'generators'
  | 'shard'
> {
  return {
    profile: flags.profile,
    rate: numberOf('--rate', flags.rate),
    durationS: numberOf('--duration', flags.duration),
    speed: numberOf('--speed', flags.speed),
    warmUpS: numberOf('--warm-up', flags.warmUp),
    arrivals: flags.arrivals === undefined ? undefined : oneOf('--arrivals', flags.arrivals, ['uniform', 'poisson']),
    seed: numberOf('--seed', flags.seed),
    model: flags.model === undefined ? undefined : oneOf('--model', flags.model, ['open', 'closed']),
    connections: numberOf('--connections', flags.connections),
    maxInFlight: numberOf('--max-in-flight', flags.maxInFlight),
    generators: numberOf('--generators', flags.generators),
    shard: shardOf(flags.shard),
  };
}

/** What is sent, by whom, and how it is carried. */
function requestsOf(
  flags: LoadFlags,
): Part<'targets' | 'method' | 'headers' | 'body' | 'credentials' | 'auth' | 'protocol' | 'tls'> {
  if (flags.http2 === true && flags.websocket === true)
    throw usageError('--http2 and --websocket do not go together', 'give one of them');
  return {
    targets: flags.targets,
    method: flags.method,
    headers: Object.fromEntries(flags.header.map(headerOf)),
    body: flags.bodyFile === undefined ? flags.body : readFileSync(flags.bodyFile),
    credentials: credentialsOf(flags.credentials ?? process.env['SALLYPORT_LOAD_CREDENTIALS']),
    auth: oneOf('--auth', flags.auth, ['basic', 'bearer']),
    protocol: flags.http2 === true ? 'http2' : flags.websocket === true ? 'websocket' : undefined,
    tls: { ca: textOf(flags.ca), cert: textOf(flags.cert), key: textOf(flags.key) },
  };
}

export function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw usageError(`${flag} ${text} is not a number`, `for example ${flag} 30`);
  return value;
}

export function oneOf<const T extends string>(flag: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === text);
  if (found === undefined) throw usageError(`${flag} ${text} is not known`, `use ${allowed.join(' or ')}`);
  return found;
}

export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

function headerOf(text: string): [string, string] {
  const at = text.indexOf(':');
  if (at <= 0) throw usageError(`--header ${text} has no colon`, "for example --header 'accept: text/plain'");
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** `2/4`: the second of four. */
function shardOf(text: string | undefined): LoadOptions['shard'] {
  if (text === undefined) return undefined;
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  if (index === undefined) throw usageError(`--shard ${text} is not such as 2/4`, 'write which one of how many');
  return { index: Number(index) - 1, count: Number(count) };
}

function adminOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return text;
  throw usageError(`--admin ${text} is no address`, 'write it like http://127.0.0.1:12002');
}

function credentialsOf(file: string | undefined): Credential[] | undefined {
  return file === undefined ? undefined : parseCredentials(readFileSync(file, 'utf8'), file);
}

function textOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}
