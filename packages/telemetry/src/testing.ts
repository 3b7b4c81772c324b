import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import type { LogSink } from './log-sink.ts';

/** For tests only. */

/** A sink in memory that does what the test says. */
export class MemorySink implements LogSink {
  text = '';
  released = false;
  /** Code of the error of the next writes; null: they succeed. */
  failWith: string | null = null;
  /** Writes are held until `answer` is called. */
  held = false;
  /** Bytes a write takes at most. */
  takesBytes = Infinity;
  writes = 0;
  /** Called after each answer. */
  onAnswered: (() => void) | null = null;
  #pending: (() => void) | null = null;

  write(chunk: Uint8Array, done: (error: NodeJS.ErrnoException | null, writtenBytes: number) => void): void {
    this.writes++;
    const answer = (): void => {
      if (this.failWith) done(this.#error(), 0);
      else done(null, this.#take(chunk));
      this.onAnswered?.();
    };
    if (this.held) this.#pending = answer;
    else setImmediate(answer);
  }

  writeSync(chunk: Uint8Array): number {
    if (this.failWith) throw this.#error();
    return this.#take(chunk);
  }

  answer(): void {
    this.#pending?.();
  }

  release(): void {
    this.released = true;
  }

  #take(chunk: Uint8Array): number {
    const taken = chunk.subarray(0, this.takesBytes);
    this.text += Buffer.from(taken).toString('latin1');
    return taken.byteLength;
  }

  #error(): NodeJS.ErrnoException {
    return Object.assign(new Error(`${this.failWith}: test`), { code: this.failWith! });
  }
}

const SAMPLE = /^([a-zA-Z_][a-zA-Z0-9_]*)(?:\{(.*)\})? (\S+)$/;

/** The samples of a scrape in text format, `name{labels}` to value; throws at a line that is none or comes twice. */
export function parseScrape(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = SAMPLE.exec(line);
    if (!match) throw new Error(`not a sample: ${line}`);
    const key = match[2] ? `${match[1]}{${match[2]}}` : match[1]!;
    if (samples.has(key)) throw new Error(`twice: ${key}`);
    samples.set(key, Number(match[3]!.replace('+Inf', 'Infinity')));
  }
  return samples;
}

/**
 * Skips the test by name where a tool or right is absent, unless SALLYPORT_NO_SKIP=1, which makes that a failure.
 * Answers whether the test can run.
 */
export function have(context: TestContext, what: string, present: boolean): boolean {
  if (present) return true;
  if (process.env['SALLYPORT_NO_SKIP'] === '1') throw new Error(`${what} is needed and absent`);
  context.skip(`${what} is absent`);
  return false;
}

export const haveProgram = (context: TestContext, program: string): boolean =>
  have(context, program, spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0);
