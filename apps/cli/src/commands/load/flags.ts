/** The flags that all load tests share, and how such a command runs. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { LoadError } from '@sallyport/load-tests';
import type { Credential, LoadOptions, LoadOutcome } from '@sallyport/load-tests';
import { CommandError, Exit, usageError } from '../../exit.ts';
import { createOutput } from '../../output.ts';
import { VERSION } from '../../version.ts';

export type RunCommand = (action: () => Promise<Exit>) => Promise<void>;

export interface LoadFlags {
  readonly target?: string;
  readonly direct?: string;
  readonly profile?: string;
  readonly rate?: string;
  readonly duration?: string;
  readonly engine: string;
  readonly out?: string;
  readonly credentials?: string;
  readonly auth: string;
  readonly method?: string;
  readonly header: readonly string[];
  readonly body?: string;
  readonly bodyFile?: string;
  readonly timeout?: string;
  readonly warmUp?: string;
  readonly arrivals?: string;
  readonly seed?: string;
  readonly failIf: readonly string[];
  readonly abortOnFail?: boolean;
  readonly yesIRunThisTarget?: boolean;
  readonly json?: boolean;
}

/** What is loaded, how, and where the reports go: for every command that sends requests. */
export function addLoadFlags(command: Command): Command {
  return command
    .option('--target <url>', 'the way through the tunnel (or SALLYPORT_TARGET)')
    .option('--direct <url>', 'the backend itself, as the second arm')
    .option('--profile <name|file>', 'smoke, short (default), aggressive, or a file')
    .option('--rate <n>', 'requests a second, instead of a profile; with --duration')
    .option('--duration <s>', 'seconds')
    .option('--engine <name>', 'embedded or k6', 'embedded')
    .option('--out <dir>', 'where the reports go (default: results/<time>)')
    .option('--credentials <file>', 'lines id:secret, used in turn (or SALLYPORT_LOAD_CREDENTIALS)')
    .option('--auth <kind>', 'how they are sent: basic or bearer', 'bearer')
    .option('--method <method>', 'GET, or POST where there is a body')
    .option('--header <name: value>', 'a field of each request; may be repeated', collect, [])
    .option('--body <text>', 'body of each request')
    .option('--body-file <file>', 'the same from a file')
    .option('--timeout <ms>', 'from the start of a request to its last byte')
    .option('--warm-up <s>', 'seconds that are not counted')
    .option('--arrivals <kind>', 'uniform or poisson')
    .option('--seed <n>', 'for poisson arrivals')
    .option('--fail-if <expression>', "exit 99 if it holds, as in 'p99>50ms'; may be repeated", collect, [])
    .option('--abort-on-fail', 'stop as soon as one of them holds')
    .option('--yes-i-run-this-target', 'needed for a target that is not on this machine')
    .option('--json', 'the report as one JSON line on standard output');
}

/**
 * Runs a load test: the first signal ends it with what it has, the second at once; what was asked wrongly is one line.
 * @param test is given all options, among them the signal and where text goes
 */
export async function runLoad(flags: LoadFlags, test: (options: LoadOptions) => Promise<LoadOutcome>): Promise<Exit> {
  const output = createOutput(flags.json === true);
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(Exit.INTERRUPTED);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const { exitCode, report, files } = await test({
      ...optionsOf(flags),
      signal: stop.signal,
      version: VERSION,
      stdout: output.isJson ? process.stderr : process.stdout,
      stderr: process.stderr,
      isTty: process.stderr.isTTY,
    });
    if (output.isJson) output.result({ event: 'report', files, ...report }, '');
    return exitCode;
  } catch (error) {
    if (error instanceof LoadError) throw new CommandError(error.exitCode, error.code, error.message);
    throw error;
  }
}

export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

function optionsOf(flags: LoadFlags): LoadOptions {
  const target = flags.target ?? process.env['SALLYPORT_TARGET'];
  if (target === undefined)
    throw usageError('no target', 'give --target URL, for example http://127.0.0.1:12000/session/demo/');
  return {
    target,
    direct: flags.direct,
    profile: flags.profile,
    rate: numberOf('--rate', flags.rate),
    durationS: numberOf('--duration', flags.duration),
    engine: oneOf('--engine', flags.engine, ['embedded', 'k6']),
    out: flags.out,
    credentials: credentialsOf(flags.credentials ?? process.env['SALLYPORT_LOAD_CREDENTIALS']),
    auth: oneOf('--auth', flags.auth, ['basic', 'bearer']),
    method: flags.method,
    headers: Object.fromEntries(flags.header.map(headerOf)),
    body: flags.bodyFile === undefined ? flags.body : readFileSync(flags.bodyFile),
    timeoutMs: numberOf('--timeout', flags.timeout),
    warmUpS: numberOf('--warm-up', flags.warmUp),
    arrivals: flags.arrivals === undefined ? undefined : oneOf('--arrivals', flags.arrivals, ['uniform', 'poisson']),
    seed: numberOf('--seed', flags.seed),
    failIf: [...flags.failIf],
    abortOnFail: flags.abortOnFail,
    yesIRunThisTarget: flags.yesIRunThisTarget,
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

function headerOf(text: string): [string, string] {
  const at = text.indexOf(':');
  if (at <= 0) throw usageError(`--header ${text} has no colon`, "for example --header 'accept: text/plain'");
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** Lines `id:secret`; a broken one is named by its number, and nothing of it is printed. */
function credentialsOf(file: string | undefined): Credential[] | undefined {
  if (file === undefined) return undefined;
  const lines = readFileSync(file, 'utf8').split(/\r?\n/);
  return lines.flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const at = line.indexOf(':');
    if (at <= 0 || at === line.length - 1)
      throw usageError(`${file}:${index + 1} is not id:secret`, 'write one pair a line');
    return [{ id: line.slice(0, at).trim(), secret: line.slice(at + 1).trim() }];
  });
}
