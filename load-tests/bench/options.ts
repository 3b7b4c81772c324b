/** The flags that both benchmarks take. */
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { HOW_TO_GET_WRK, hasWrk } from './generator.ts';
import type { Generator } from './generator.ts';
import type { Plan } from './windows.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export class UsageError extends Error {}

export function readFlags<Options extends ParseArgsOptionsConfig>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A whole number from 1 to `max`. */
export function wholeNumber(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new UsageError(`--${flag} takes a whole number from 1 to ${max}, not ${JSON.stringify(text)}`);
  }
  return value;
}

/** wrk if it is there and nothing else was asked for. */
export async function chooseGenerator(asked: string | undefined, say: (line: string) => void): Promise<Generator> {
  if (asked === 'wrk' || asked === 'builtin') return asked;
  if (asked !== undefined) throw new UsageError(`--generator is wrk or builtin, not ${JSON.stringify(asked)}`);
  if (await hasWrk()) return 'wrk';
  say(HOW_TO_GET_WRK);
  return 'builtin';
}

const MAX_WINDOW_S = 600;
const MAX_ROUNDS = 100;
const MAX_CONNECTIONS = 400;

/** The flags that say how windows are taken. */
export interface WindowFlags {
  readonly seconds: string;
  readonly rounds: string;
  readonly generator?: string | undefined;
}

export async function windowPlan({ seconds, rounds, generator }: WindowFlags): Promise<Omit<Plan, 'connections'>> {
  return {
    seconds: wholeNumber('seconds', seconds, MAX_WINDOW_S),
    rounds: wholeNumber('rounds', rounds, MAX_ROUNDS),
    generator: await chooseGenerator(generator, sayOnStderr),
  };
}

export function connectionsOf(text: string): number {
  return wholeNumber('connections', text, MAX_CONNECTIONS);
}

export function sayOnStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs a benchmark: its number becomes the exit code. The first Ctrl-C or SIGTERM aborts the signal, so that `main`
 * unwinds and ends its processes: 130. A usage error is one line: 2. Anything else that throws: 1.
 */
export async function runMain(main: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  for (const name of SIGNALS) process.once(name, onSignal);
  try {
    process.exitCode = await main(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) sayOnStderr(`bench: ${(error as Error).message}`);
    process.exitCode = interrupt.signal.aborted ? 130 : error instanceof UsageError ? 2 : 1;
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
