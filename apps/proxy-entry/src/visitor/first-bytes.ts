/** Looks at the first bytes of a connection before it is known who is to read it. */
import type { Socket } from 'node:net';

export interface Found<Value> {
  readonly value: Value;
  /** So many bytes were for who looked; the rest is put back. */
  readonly bytes: number;
}

/** Null: more bytes are needed; it must not be so for ever, since all are kept meanwhile. */
export type Look<Value> = (bytes: Buffer) => Found<Value> | null;

/**
 * Calls `onFound` once `look` is content; the socket is then paused. One that ends before is destroyed. Its errors are
 * the caller's to listen for.
 */
export function readFirstBytes<Value>(socket: Socket, look: Look<Value>, onFound: (value: Value) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const onEnd = () => socket.destroy();
  const onData = (chunk: Buffer) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const found = look(bytes);
    if (found === null) return;
    socket.pause().off('data', onData).off('end', onEnd);
    if (found.bytes < bytes.length) socket.unshift(bytes.subarray(found.bytes));
    onFound(found.value);
  };
  socket.on('data', onData).on('end', onEnd).resume();
}

const H2_PREFACE = Buffer.from('PRI * HTTP/2');

/** Whether a visitor in clear text knows beforehand that HTTP/2 is spoken (RFC 9113 §3.3). */
export function lookForPreface(bytes: Buffer): Found<boolean> | null {
  const length = Math.min(bytes.length, H2_PREFACE.length);
  if (bytes.compare(H2_PREFACE, 0, length, 0, length) !== 0) return { value: false, bytes: 0 };
  return length === H2_PREFACE.length ? { value: true, bytes: 0 } : null;
}
