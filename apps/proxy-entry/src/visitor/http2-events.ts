/**
 * The events of a stream of HTTP/2, given to who serves it: the same few functions for all, no closure for each. And when
 * it is reset for an upload that nobody wants.
 */
import { constants } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';

/** Who serves a stream. */
export interface StreamSink {
  onBodyPiece(chunk: Buffer): void;
  /** Flat; before the end. */
  onBodyTrailers(raw: readonly string[]): void;
  onBodyEnd(): void;
  /** All of the answer's body was taken. */
  onWritten(): void;
  onDrained(): void;
  onTrailersWanted(): void;
  /** Last. */
  onClosed(): void;
}

type ServedStream = ServerHttp2Stream & { sink?: StreamSink };

/** From its beginning on; an `error` is followed by the close that says it. */
export function serve(stream: ServerHttp2Stream, sink: StreamSink, hasBody: boolean): void {
  (stream as ServedStream).sink = sink;
  stream.on('close', closed);
  if (hasBody) stream.on('trailers', trailers).on('aborted', aborted).on('finish', written);
}

export function readBody(stream: ServerHttp2Stream): void {
  stream.on('data', piece).on('end', ended);
}

export function awaitDrain(stream: ServerHttp2Stream): void {
  stream.once('drain', drained);
}

/** `respond` was or will be told so too. */
export function awaitTrailers(stream: ServerHttp2Stream): void {
  stream.once('wantTrailers', trailersWanted);
}

/**
 * Before the end of its answer. A stream that nobody began to read, Node resets once it has all of the answer, whose
 * END_STREAM may still wait for the socket or for window: the visitor would see a reset instead.
 */
export function keepOpen(stream: ServerHttp2Stream): void {
  if (stream.readableFlowing === null) stream.pause();
}

/**
 * RFC 9113 §8.1: behind a whole answer, a reset for the rest of an upload. It would overtake an END_STREAM that waits, and
 * nobody tells when that has gone: until then nothing happens, and the caller asks again.
 */
export function stopUpload(stream: ServerHttp2Stream): void {
  if (stream.destroyed || stream.readableEnded) return;
  if (!stream.closed && stream.state.localClose !== 1) return;
  stream.close(constants.NGHTTP2_NO_ERROR);
  // Unread, it would keep the stream from closing: also one that has come whole by now, and is closed.
  stream.resume();
}

function piece(this: ServedStream, chunk: Buffer): void {
  this.sink!.onBodyPiece(chunk);
}

function trailers(this: ServedStream, _fields: unknown, _flags: number, raw: readonly string[]): void {
  this.sink!.onBodyTrailers(raw);
}

function ended(this: ServedStream): void {
  this.sink!.onBodyEnd();
}

/**
 * Reset with NO_ERROR, it would wait for its body to be read. Not at once: where node:http2 cuts it for a connection that
 * is gone, this comes before its reset is given to nghttp2, which would then ask an answer for more that is no longer
 * there, for ever.
 */
function aborted(this: ServedStream): void {
  setImmediate(destroy, this);
}

function destroy(stream: ServedStream): void {
  stream.destroy();
}

function written(this: ServedStream): void {
  this.sink!.onWritten();
}

function drained(this: ServedStream): void {
  this.sink!.onDrained();
}

function trailersWanted(this: ServedStream): void {
  this.sink!.onTrailersWanted();
}

function closed(this: ServedStream): void {
  this.sink!.onClosed();
}
