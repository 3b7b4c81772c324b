/** What an answer's head says of its body, and whether the body keeps to it. Pure. */
import { StreamCode } from '@sallyport/protocol';
import { declaredLength } from './content-length.ts';

export class AnswerBody {
  /** What Content-Length still allows; negative where there is none. */
  #left = -1;

  /** Null, or why the head is refused. `last`: nothing follows it. */
  begin(method: string, status: number, fields: readonly string[], last: boolean): StreamCode | null {
    const length = declaredLength(fields);
    if (length === null) return StreamCode.BAD_HEAD;
    // No body where one was promised: the next answer on the connection would be taken for it.
    if (last && length > 0 && !isBodiless(method, status)) return StreamCode.PROTOCOL;
    this.#left = last || status === 101 ? -1 : length;
    return null;
  }

  /** False where these are more than was promised: they would be read as the next answer on the connection. */
  take(bytes: number): boolean {
    if (this.#left < 0) return true;
    this.#left -= bytes;
    return this.#left >= 0;
  }

  get isShort(): boolean {
    return this.#left > 0;
  }
}

/** RFC 9112 §6.3: Content-Length here speaks of a body that is not sent. */
function isBodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 304 || status === 204;
}
