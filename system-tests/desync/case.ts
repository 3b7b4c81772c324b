/** One case: what a visitor sends on a connection, and what the backend says to it. All text is Latin-1. */

export interface Torn {
  /** Put together they are the bytes; apart they can be left out one by one. */
  readonly parts: readonly string[];
  /** Offsets at which a write ends. */
  readonly tears: readonly number[];
}

export interface Answer extends Torn {
  /** What the backend does with the connection behind it. */
  readonly end: 'keep' | 'fin' | 'reset';
  /** Nothing is said behind the end of it: where a request leaves it no body, none is sent. */
  readonly isExact: boolean;
  /** Said as soon as the request's head is there. */
  readonly isEarly: boolean;
}

export interface Case extends Torn {
  /** Of which tricks it is made: for people. */
  readonly tricks: readonly string[];
  /** The visitor stays, ends its side (FIN) behind the last byte and waits for its answers, or leaves by a reset. */
  readonly leaves: 'not' | 'fin' | 'reset';
  /** So many of the pieces that the tears make are sent before a reset. */
  readonly piecesBeforeReset: number;
  /** To the first request, the second …; then from the beginning again. */
  readonly answers: readonly Answer[];
}

/** Stands in an answer for the number of the request at the backend, which has as many characters. */
export const MARK = '@@MARK@@';

export function bytesOf({ parts }: Torn): Buffer {
  return Buffer.from(parts.join(''), 'latin1');
}

export function answerBytes(answer: Answer, serial: number): Buffer {
  const mark = serial.toString(36).padStart(MARK.length, '0');
  return Buffer.from(answer.parts.join('').replaceAll(MARK, mark), 'latin1');
}

/** The pieces that the tears make of `bytes`. */
export function piecesOf(bytes: Buffer, tears: readonly number[]): Buffer[] {
  const offsets = [...new Set(tears)].filter((at) => at > 0 && at < bytes.length).toSorted((a, b) => a - b);
  return [0, ...offsets].map((at, i) => bytes.subarray(at, offsets[i] ?? bytes.length));
}
