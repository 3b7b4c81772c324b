import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** Where log bytes go. Called with one chunk at a time; a sink holds no queue of its own. */
export type LogSink = {
  /** Writes what it can of `chunk`; `done` gets the error or the number of bytes that went out. */
  write(chunk: Uint8Array, done: (error: NodeJS.ErrnoException | null, writtenBytes: number) => void): void;
  /** The same, for the end of the process. Throws what `write` would report. */
  writeSync(chunk: Uint8Array): number;
  /** Lets go of listeners. What was given to us open stays open: its owner closes it. */
  release(): void;
};

/** A file, pipe or terminal by its descriptor. */
export function fdSink(givenFd: number): LogSink {
  const ownFd = openNonBlocking(givenFd);
  const fd = ownFd ?? givenFd;
  return {
    write(chunk, done) {
      write(fd, chunk, 0, chunk.byteLength, null, done);
    },
    writeSync: (chunk) => writeSync(fd, chunk),
    release() {
      if (ownFd !== null) closeSync(ownFd);
    },
  };
}

/**
 * A pipe whose reader has stopped (`sallyport … | less`) would hold a thread of the pool in `write`, and the process
 * with it at exit. Opened anew it can be non-blocking, without changing the pipe for those who share it. Null where this
 * is no pipe, not Linux, or the pipe was made by another user: then it blocks as ever.
 */
function openNonBlocking(fd: number): number | null {
  try {
    if (!fstatSync(fd).isFIFO()) return null;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

const ignore = (): void => undefined;

/** Any stream. An error it emits is the callback's to report; the listener keeps it from ending the process. */
export function streamSink(stream: Writable): LogSink {
  stream.on('error', ignore);
  return {
    write(chunk, done) {
      stream.write(chunk, (error) => done(error ?? null, error ? 0 : chunk.byteLength));
    },
    writeSync(chunk) {
      stream.write(chunk);
      return chunk.byteLength;
    },
    release() {
      stream.off('error', ignore);
    },
  };
}
