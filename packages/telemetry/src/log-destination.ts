import { nowMs } from './clock.ts';
import { LabelledCounter } from './counter.ts';
import { flushAtExit, forgetAtExit } from './log-exit.ts';
import type { LogSink } from './log-sink.ts';

const FLUSH_DELAY_MS = 100;
/** How soon a full pipe is tried again: 64 KiB each time, so 13 MB/s to a reader that keeps up. */
const FULL_PIPE_DELAY_MS = 5;
/** With a line more just what a pipe takes at once. Each write costs a turn of another thread, as much as some twenty lines. */
const FLUSH_BYTES = 60 * 1024;
const DEFAULT_BUFFERED_BYTES = 4 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 2000;
/** A write that takes longer than this hangs on its reader; waiting for it at exit would hang the process too. */
const STUCK_MS = 1000;

/** Errors that may pass: the bytes are kept and tried again. After any other (EPIPE) they are lost and counted. */
const PASSING_ERRORS = new Set(['EAGAIN', 'EBUSY', 'EINTR', 'ENOSPC', 'EDQUOT']);
const NEWLINE = 10;

type FlushWaiter = (error?: Error) => void;

/**
 * The stream that pino writes lines to: gathers them for 100 ms or 60 KiB, has one write under way, holds at most
 * `maxBufferedBytes`, and counts what it had to drop. A destination that fails never throws, blocks or emits.
 *
 * Not sonic-boom: with a full disk its `flushSync`, which pino calls after every `fatal` and at exit, sleeps and retries
 * for ever (4.2.1, measured with /dev/full), and what it loses to a broken pipe it does not count.
 */
export class LogDestination {
  /** Lines lost, by where: `buffer` (was full), `write` (the destination failed), `closed`. */
  readonly lost = new LabelledCounter(['buffer', 'write', 'closed']);
  readonly #sink: LogSink;
  readonly #maxBufferedBytes: number;
  #text = '';
  #chunk: Uint8Array | null = null;
  #bufferedBytes = 0;
  #writeStartedMs: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  #waiters: FlushWaiter[] = [];
  #closed = false;

  constructor(sink: LogSink, maxBufferedBytes = DEFAULT_BUFFERED_BYTES) {
    this.#sink = sink;
    this.#maxBufferedBytes = maxBufferedBytes;
    flushAtExit(this);
  }

  /** Bytes held back, including those on their way. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** One line with its newline. Never throws. */
  write(line: string): void {
    const lineBytes = Buffer.byteLength(line);
    if (this.#closed) {
      this.lost.inc('closed');
      return;
    }
    if (this.#bufferedBytes + lineBytes > this.#maxBufferedBytes) {
      this.lost.inc('buffer');
      return;
    }
    this.#bufferedBytes += lineBytes;
    this.#text += line;
    if (this.#chunk !== null) return;
    if (this.#bufferedBytes >= FLUSH_BYTES) this.#pump();
    else if (this.#timer === null) this.#arm(FLUSH_DELAY_MS);
  }

  /** Calls back when all written so far has gone out, or with the error that stopped it. Pino's `logger.flush`. */
  flush(done: FlushWaiter = () => undefined): void {
    this.#waiters.push(done);
    this.#pump();
  }

  /** Writes now what is not under way. Pino calls this after a `fatal` line. Gives up at the first error. */
  flushSync(): void {
    if (this.#writeStartedMs === null) this.#drainSync();
  }

  /** For the end of the process, where nothing can be left to the event loop. */
  flushAtExit(): void {
    if (this.#writeStartedMs !== null) {
      if (nowMs() - this.#writeStartedMs > STUCK_MS) return;
      this.#chunk = null;
    }
    this.#drainSync();
  }

  /** Writes the rest within 2 s, counts what could not be written, and ends timers and listeners. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => {
      const timeout = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.flush(() => {
        clearTimeout(timeout);
        resolve();
      });
    });
    if (this.#timer) clearTimeout(this.#timer);
    this.#waiters = [];
    forgetAtExit(this);
    this.#loseChunk();
    this.#chunk = Buffer.from(this.#text);
    this.#text = '';
    this.#loseChunk();
    this.#sink.release();
  }

  #arm(delayMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onTimer, delayMs);
    // While closing, the process has to wait for the retry.
    if (!this.#closed) this.#timer.unref();
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#pump();
  };

  #pump(): void {
    if (this.#writeStartedMs !== null) return;
    this.#takeText();
    if (this.#chunk === null) {
      this.#settle();
      return;
    }
    this.#writeStartedMs = nowMs();
    this.#sink.write(this.#chunk, this.#onWritten);
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, writtenBytes: number): void => {
    this.#writeStartedMs = null;
    if (error) this.#onFailed(error);
    else {
      this.#advance(writtenBytes);
      if (this.#chunk !== null || this.#waiters.length > 0) this.#pump();
      else if (this.#text !== '') this.#arm(FLUSH_DELAY_MS);
    }
  };

  #onFailed({ code = '', message }: NodeJS.ErrnoException): void {
    const full = code === 'EAGAIN';
    if (!PASSING_ERRORS.has(code)) this.#loseChunk();
    if (!(full && this.#closed)) this.#settle(new Error(`log destination: ${message}`));
    if (this.#bufferedBytes > 0) this.#arm(full ? FULL_PIPE_DELAY_MS : FLUSH_DELAY_MS);
  }

  #takeText(): void {
    if (this.#chunk !== null || this.#text === '') return;
    this.#chunk = Buffer.from(this.#text);
    this.#text = '';
  }

  #advance(writtenBytes: number): void {
    if (this.#chunk === null) return;
    this.#bufferedBytes -= writtenBytes;
    this.#chunk = writtenBytes < this.#chunk.byteLength ? this.#chunk.subarray(writtenBytes) : null;
  }

  #loseChunk(): void {
    if (this.#chunk === null) return;
    let lines = 0;
    for (const byte of this.#chunk) if (byte === NEWLINE) lines++;
    this.lost.inc('write', lines);
    this.#advance(this.#chunk.byteLength);
  }

  #drainSync(): void {
    try {
      for (this.#takeText(); this.#chunk !== null; this.#takeText()) this.#advance(this.#sink.writeSync(this.#chunk));
    } catch {
      // Kept, and tried again or counted by the next asynchronous write.
    }
  }

  #settle(error?: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const done of waiters) done(error);
  }
}
