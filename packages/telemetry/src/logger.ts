import type { Writable } from 'node:stream';
import { type ChildLoggerOptions, type Logger, pino } from 'pino';
import { LogDestination } from './log-destination.ts';
import { fdSink, streamSink } from './log-sink.ts';
import { redact } from './redact.ts';

export type { Logger } from 'pino';

/** Least severe first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export type LoggerOptions = {
  /** One of LOG_LEVELS; it may be set on the logger later. */
  level: string;
  /** The part that speaks: a field of every line. */
  part: string;
  /** A descriptor or a stream, which stays its owner's to close. Default: standard output. */
  destination?: number | Writable;
  /** Lines beyond this many bytes waiting to be written are dropped and counted. Default 4 MiB. */
  maxBufferedBytes?: number;
};

const STDOUT_FD = 1;

/**
 * JSON lines with ISO time, the level by name, `part` and `pid`; secrets redacted (see `SECRET_NAMES`), in child
 * bindings too. Writing is asynchronous and bounded; a destination that fails loses lines, which are counted in
 * `sallyport_log_lines_lost_total`, and nothing else. End it with `closeLogger`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { level, part, destination = STDOUT_FD, maxBufferedBytes } = options;
  const sink = typeof destination === 'number' ? fdSink(destination) : streamSink(destination);
  const stream = new LogDestination(sink, maxBufferedBytes);
  const logger = pino(
    {
      level,
      base: { part, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), bindings: redact, log: redact },
      // Errors are already plain objects when a serializer would see them.
      serializers: { err: (error: unknown) => error },
    },
    stream,
  );
  redactChildren(logger);
  return logger;
}

type MakeChild = (bindings: Record<string, unknown>, options?: ChildLoggerOptions) => Logger;

/** Pino drops the formatter of bindings in a child, so that each child is given it again; children inherit this. */
function redactChildren(logger: Logger): void {
  const makeChild = Reflect.get(logger, 'child') as unknown as MakeChild;
  const redactingChild = function (this: Logger, bindings: Record<string, unknown>, options?: ChildLoggerOptions) {
    const formatters = { ...options?.formatters, bindings: redact };
    return makeChild.call(this, bindings, { ...options, formatters });
  };
  Reflect.set(logger, 'child', redactingChild);
}

/** What a pino logger or a child of one writes its lines to. */
export const streamOf = (logger: object): { write(line: string): void } =>
  (logger as Record<symbol, { write(line: string): void }>)[pino.symbols.streamSym]!;

/** The destination behind a logger made by `createLogger` or a child of one; null for a foreign logger. */
export function destinationOf(logger: object): LogDestination | null {
  const stream = streamOf(logger);
  return stream instanceof LogDestination ? stream : null;
}

/** Writes what is left, within 2 s, and ends the logger's timer and listeners. Lines after this are counted as lost. */
export async function closeLogger(logger: Logger): Promise<void> {
  await destinationOf(logger)?.close();
}
