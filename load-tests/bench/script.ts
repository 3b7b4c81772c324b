/** What every script for people who work here does alike: its flags, its help, its exit code. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const EXIT_BROKEN = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
const HEAD_COMMENT = /^\/\*\*\n([^]*?)\n \*\//;

export class UsageError extends Error {}

/** The flags of this process's command line. */
export function readFlags<Options extends ParseArgsOptionsConfig>(options: Options) {
  try {
    return parseArgs({ options, strict: true }).values;
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

export function sayOnStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs a script: its number becomes the exit code. A usage error is one line: 2. Anything else that throws: 1. `--help`
 * prints the comment at the head of the script's file instead.
 */
export async function runMain(main: () => Promise<number>): Promise<void> {
  if (process.argv.includes('--help')) return void process.stdout.write(helpOf(process.argv[1]!));
  try {
    process.exitCode = await main();
  } catch (error) {
    const isUsage = error instanceof UsageError;
    sayOnStderr(`${(error as Error).message}${isUsage ? ' (--help says more)' : ''}`);
    process.exitCode = isUsage ? EXIT_USAGE : EXIT_BROKEN;
  }
}

/** The first Ctrl-C or SIGTERM aborts the signal, so that `main` unwinds and ends its processes: 130. */
export function interruptible(main: (signal: AbortSignal) => Promise<number>): () => Promise<number> {
  return async () => {
    const interrupt = new AbortController();
    const onSignal = (): void => interrupt.abort();
    for (const name of SIGNALS) process.once(name, onSignal);
    try {
      const code = await main(interrupt.signal);
      return interrupt.signal.aborted ? EXIT_INTERRUPTED : code;
    } catch (error) {
      if (interrupt.signal.aborted) return EXIT_INTERRUPTED;
      throw error;
    } finally {
      for (const name of SIGNALS) process.off(name, onSignal);
    }
  };
}

function helpOf(file: string): string {
  const comment = HEAD_COMMENT.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  return `${comment.replaceAll(/^ \* ?/gm, '')}\n`;
}
