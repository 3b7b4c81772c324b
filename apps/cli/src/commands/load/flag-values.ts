/** From the text of a load test's flags to its options. */
import { readFileSync, statSync } from 'node:fs';
import { MAX_BODY_BYTES, parseCredentials } from '@sallyport/load-tests';
import type { Credential, LoadOptions } from '@sallyport/load-tests';
import { CommandError, usageError } from '../../exit.ts';
import { readBearer } from '../../settings.ts';
import type { LoadFlags } from './flags.ts';

/** Ten thousand credentials, which is what a run takes, of 400 bytes. */
const MAX_CREDENTIALS_BYTES = 4 * 1024 * 1024;
/** All authorities of a browser are a quarter of that. */
const MAX_PEM_BYTES = 1024 * 1024;

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
    adminAuthorization: flags.adminCredential === undefined ? undefined : readBearer(flags.adminCredential),
    check: flags.check,
    yesIRunThisTarget: flags.yesIRunThisTarget,
    png: flags.png,
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
    headers: headersOf(flags.header),
    body: flags.bodyFile === undefined ? flags.body : readNamed('--body-file', flags.bodyFile, MAX_BODY_BYTES),
    credentials: credentialsOf(flags.credentials),
    auth: oneOf('--auth', flags.auth, ['basic', 'bearer']),
    protocol: flags.http2 === true ? 'http2' : flags.websocket === true ? 'websocket' : undefined,
    tls: { ca: textOf('--ca', flags.ca), cert: textOf('--cert', flags.cert), key: textOf('--key', flags.key) },
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

/** A token and a colon (RFC 9110 §5.1, §5.6.2). */
const FIELD = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*:(.*)$/s;

/** By name; a field that is given twice has both values. Nothing of one is ever shown: it may be a secret. */
function headersOf(texts: readonly string[]): Record<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const [index, text] of texts.entries()) {
    const [, name, value] = FIELD.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      const which = texts.length === 1 ? '--header' : `--header (number ${index + 1})`;
      throw usageError(`${which} is not 'name: value'`, "for example --header 'accept: text/plain'");
    }
    fields.set(name.toLowerCase(), [...(fields.get(name.toLowerCase()) ?? []), value.trim()]);
  }
  return Object.fromEntries(fields);
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
  throw usageError('--admin is no address', 'write it like http://127.0.0.1:12002');
}

function credentialsOf(flag: string | undefined): Credential[] | undefined {
  const file = flag ?? process.env['SALLYPORT_LOAD_CREDENTIALS'];
  const name = flag === undefined ? 'SALLYPORT_LOAD_CREDENTIALS' : '--credentials';
  return file === undefined
    ? undefined
    : parseCredentials(readNamed(name, file, MAX_CREDENTIALS_BYTES).toString(), file);
}

function textOf(flag: string, file: string | undefined): string | undefined {
  return file === undefined ? undefined : readNamed(flag, file, MAX_PEM_BYTES).toString();
}

/** The file that a flag (or a variable) names. @throws CommandError of exit code 2, naming both */
function readNamed(flag: string, file: string, mostBytes: number): Buffer {
  const tooLong = (bytes: number): void => {
    if (bytes <= mostBytes) return;
    throw usageError(`${flag} ${file} has more than ${mostBytes} bytes`, 'give the file that is meant');
  };
  try {
    // Before it is read; a pipe says its size only by what comes.
    tooLong(statSync(file).size);
    const bytes = readFileSync(file);
    tooLong(bytes.length);
    return bytes;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const fix = code === 'EISDIR' ? 'give a file, not a folder' : 'check that it is there and readable';
    throw usageError(`${flag} ${file} cannot be used (${code})`, fix);
  }
}
