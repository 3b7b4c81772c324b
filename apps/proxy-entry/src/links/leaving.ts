/** The server's direction of a link that passes, and a word of ours between two of its frames. Pure. */
import { LEAVING } from '@sallyport/protocol';
import { FrameBorders } from '../websocket/frame-borders.ts';

/** RFC 6455 §5.5.3: a Pong, final, not masked, of less than 126 bytes. */
const NOTICE = Buffer.from(`\x8a${String.fromCodePoint(LEAVING.length)}${LEAVING}`, 'latin1');
const NOTHING: readonly Buffer[] = [];

export class LeavingNotice {
  readonly #borders = new FrameBorders();
  #isDue = false;

  /** What is to be sent now: the notice, or nothing, if it must wait for the end of a frame. */
  leave(): readonly Buffer[] {
    this.#isDue = true;
    return this.#borders.isBetween ? this.#say() : NOTHING;
  }

  /** `chunk` of the server, and where the notice is due the notice behind the frame that it ends. */
  pass(chunk: Buffer): readonly Buffer[] {
    if (!this.#isDue) {
      this.#borders.pass(chunk);
      return [chunk];
    }
    const end = this.#borders.finishFrame(chunk);
    if (!this.#borders.isBetween) return [chunk];
    const [before, behind] = [chunk.subarray(0, end), chunk.subarray(end)];
    this.#borders.pass(behind);
    return [before, ...this.#say(), behind].filter(({ length }) => length > 0);
  }

  #say(): readonly Buffer[] {
    this.#isDue = false;
    // Behind a Close nothing is said any more.
    return this.#borders.hasClose ? NOTHING : [NOTICE];
  }
}
