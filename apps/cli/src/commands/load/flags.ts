/** The flags that all load tests share, and how such a command runs. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { LoadError, checkTarget, findChromium, MAX_STRANGER_RATE, profileNames } from '@sallyport/load-tests';
import type { LoadOptions, LoadOutcome } from '@sallyport/load-tests';
import { CommandError, Exit } from '../../exit.ts';
import { createOutput } from '../../output.ts';
import { VERSION } from '../../version.ts';
import { collect, optionsOf } from './flag-values.ts';
import { closeLive, openLive } from './live.ts';
import type { LiveFlags } from './live.ts';

export const PNG_HELP = 'chart.png as well: the main chart, drawn by a Chromium (on PATH or in SALLYPORT_CHROMIUM)';

export type RunCommand = (action: () => Promise<Exit>) => Promise<void>;

export interface LoadFlags extends LiveFlags {
  readonly target?: string;
  readonly direct?: string;
  readonly profile?: string;
  readonly speed?: string;
  readonly rate?: string;
  readonly duration?: string;
  readonly engine: string;
  readonly out?: string;
  readonly credentials?: string;
  readonly auth: string;
  readonly targets?: string;
  readonly method?: string;
  readonly header: readonly string[];
  readonly body?: string;
  readonly bodyFile?: string;
  readonly http2?: boolean;
  readonly websocket?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly timeout?: string;
  readonly warmUp?: string;
  readonly arrivals?: string;
  readonly seed?: string;
  readonly model?: string;
  readonly connections?: string;
  readonly maxInFlight?: string;
  readonly generators?: string;
  readonly shard?: string;
  readonly admin: readonly string[];
  readonly adminCredential?: string;
  readonly failIf: readonly string[];
  readonly abortOnFail?: boolean;
  readonly check?: boolean;
  readonly yesIRunThisTarget?: boolean;
  readonly rateCeiling?: boolean;
  readonly png?: boolean;
  readonly open?: boolean;
  readonly json?: boolean;
}

/** What is loaded, how, and where the reports go: for every command that sends requests. */
export function addLoadFlags(command: Command): Command {
  addTargetFlags(command.optionsGroup('Whom:'));
  addScheduleFlags(command.optionsGroup('How much:'));
  addRequestFlags(command.optionsGroup('What is sent:'));
  return command
    .optionsGroup('Judgement and reports:')
    .addOption(repeatable('--admin <url>', "a part's admin address, read as evidence; may be repeated"))
    .option('--admin-credential <file>', 'file with a line id:secret, for admin addresses that are not on loopback')
    .option('--metrics-port <n>', 'serves its own figures to Prometheus while it runs, at /metrics')
    .option('--metrics-host <host>', 'where that listens (default: 127.0.0.1)')
    .addOption(repeatable('--fail-if <expression>', "exit 99 if it holds, as in 'p99>50ms'; may be repeated"))
    .option('--abort-on-fail', 'stop as soon as one of them holds')
    .option('--out <dir>', 'where the reports go (default: results/<time>)')
    .option('--png', PNG_HELP)
    .option('--open', 'open report.html in the browser at the end')
    .option('--json', 'the report as one JSON line on standard output')
    .optionsGroup('Options:');
}

function addTargetFlags(command: Command): void {
  command
    .option(
      '--target <url>',
      'the way through the tunnel; below an address that ends in / loadtest/get is asked for (or SALLYPORT_TARGET)',
    )
    .option('--direct <url>', 'the backend itself, as the second arm')
    .option('--credentials <file>', 'lines id:secret, used in turn (or SALLYPORT_LOAD_CREDENTIALS)')
    .option('--auth <kind>', 'how they are sent: basic or bearer', 'bearer')
    .option('--ca <file>', 'the authority of its certificate, PEM')
    .option('--cert <file>', 'a client certificate, PEM; with --key')
    .option('--key <file>', 'its key, PEM')
    .option(
      '--check',
      'look at name, certificate, status and credentials first; beyond this machine that is always done',
    )
    .option('--yes-i-run-this-target', 'needed for a target that is not on this machine')
    .option('--no-rate-ceiling', `more than ${MAX_STRANGER_RATE} requests/s to a target that is not on this machine`);
}

function addScheduleFlags(command: Command): void {
  command
    .option('--profile <name|file>', `${profileNames().join(', ')}, or a file (default: short)`)
    .option('--speed <n>', 'of a profile made by load record: 2 is twice as fast')
    .option('--rate <n>', 'requests a second, instead of a profile; with --duration')
    .option('--duration <s>', 'seconds')
    .option('--warm-up <s>', 'seconds that are not counted')
    .option('--arrivals <kind>', 'uniform or poisson')
    .option('--seed <n>', 'for poisson arrivals, and for what else is drawn')
    .option('--model <kind>', 'open, or closed for comparison: the next request when the last has ended')
    .option('--connections <n>', 'of a closed model, per arm')
    .option('--max-in-flight <n>', 'requests in flight per arm; arrivals beyond it are dropped')
    .option('--engine <name>', 'embedded or k6', 'embedded')
    .option('--generators <n>', 'processes that share the load (default: by rate)')
    .option(
      '--shard <n/m>',
      'of ramp and isolate: the n-th of m machines with the same command; load report merges them',
    );
}

function addRequestFlags(command: Command): void {
  command
    .option('--method <method>', 'GET, or POST where there is a body')
    .addOption(
      repeatable(
        '--header <name: value>',
        'a field of each request; may be repeated; authorization and cookie go to the target only',
      ),
    )
    .option('--body <text>', 'body of each request')
    .option('--body-file <file>', 'the same from a file')
    .option('--targets <file>', "requests in turn, in vegeta's HTTP format, all below --target")
    .option('--http2', 'HTTP/2: by ALPN, or with prior knowledge to http://')
    .option('--websocket', 'messages that are echoed, on connections kept open')
    .option('--timeout <ms>', 'from the start of a request to its last byte');
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser(collect).default([], 'none');
}

/** A closed terminal or connection (SIGHUP) ends a run like a Ctrl-C: what runs for it must not go on unseen. */
const STOPS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a load test: the first signal ends it with what it has, the second at once; what was asked wrongly is one line.
 * @param test is given all options, among them the signal and where text goes
 * @param check looks at the target before
 */
export async function runLoad(
  flags: LoadFlags,
  test: (options: LoadOptions) => Promise<LoadOutcome>,
  check: (options: LoadOptions) => Promise<void> = checkTarget,
): Promise<Exit> {
  const live = await openLive(flags);
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(Exit.INTERRUPTED);
    stop.abort();
  };
  for (const name of STOPS) process.on(name, onSignal);
  try {
    return await reported(flags, async (writers) => {
      const options: LoadOptions = {
        ...optionsOf(flags),
        ...writers,
        signal: stop.signal,
        version: VERSION,
        isTty: process.stderr.isTTY,
        live: live?.metrics,
      };
      await check(options);
      if (live !== null) process.stderr.write(`figures   ${live.url}\n`);
      return await test(options);
    });
  } catch (error) {
    // What was being started when the signal came has nothing to report.
    if (stop.signal.aborted && error instanceof CommandError) {
      throw new CommandError(Exit.INTERRUPTED, 'SP_LOAD_INTERRUPTED', 'interrupted before anything was measured');
    }
    throw error;
  } finally {
    await closeLive(live, stop.signal);
    for (const name of STOPS) process.removeListener(name, onSignal);
  }
}

type Writers = Required<Pick<LoadOptions, 'stdout' | 'stderr'>>;

/** Runs what makes a report; with `--json` that is a line on standard output, and the text for people goes beside it. */
export async function reported(
  flags: { readonly json?: boolean; readonly png?: boolean },
  make: (writers: Writers) => Promise<LoadOutcome>,
): Promise<Exit> {
  const output = createOutput(flags.json === true);
  return await told(async () => {
    // What would be missing at the end is to be known before the run.
    if (flags.png === true) findChromium();
    const { exitCode, report, files } = await make({
      stdout: output.isJson ? process.stderr : process.stdout,
      stderr: process.stderr,
    });
    if (output.isJson) output.result({ event: 'report', files, ...report }, '');
    return exitCode;
  });
}

/** A load test's error as a command's: one line, and its exit code. */
export async function told(action: () => Promise<Exit>): Promise<Exit> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof LoadError) throw new CommandError(error.exitCode, error.code, error.message);
    throw error;
  }
}
