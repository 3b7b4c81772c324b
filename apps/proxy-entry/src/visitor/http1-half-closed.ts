/**
 * A visitor that ended its side behind a whole request, before it has all of the answer. That may be all that it has to
 * say, and it wants the answer (RFC 9112 §9.6: "nor does it imply that the client is no longer interested"; BusyBox
 * wget and `printf | nc` do so); or it was closed and nobody reads any more. Both look alike until something is sent
 * to it: to a closed one the kernel answers with a reset, which writes of nothing find. Before an answer a
 * `100 Continue` is sent, which every HTTP/1.1 client skips (RFC 9110 §15.2); within one, its bytes. Where none flow, as
 * in a quiet stream of events, nothing can be sent, and who ends its side has left.
 */
import type { Socket } from 'node:net';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
/** When a reset is looked for: soon on short ways, then after twice as long again, since a way may be long. */
const FIRST_LOOK_MS = 10;
const LAST_LOOK_MS = 2_560;
/** At this look, 70 ms behind the end, an answer of which nothing has flowed since then is a quiet one. */
const QUIET_LOOK_MS = 40;
const NOTHING = Buffer.alloc(0);

export class HalfClosed {
  readonly #socket: Socket;
  readonly #onGone: () => void;
  #hasAsked = false;
  #timer: NodeJS.Timeout | null = null;

  /** `onGone`: nobody can be there. One that is found by a reset has its socket closed. */
  constructor(socket: Socket, onGone: () => void) {
    this.#socket = socket;
    this.#onGone = onGone;
  }

  /** Begins to look; `isAnswered`: the head of the answer is out. */
  watch(isAnswered: boolean): void {
    if (!isAnswered && !this.#hasAsked) {
      this.#hasAsked = true;
      this.#socket.write(CONTINUE, 'latin1');
    }
    this.#look(FIRST_LOOK_MS, isAnswered ? this.#socket.bytesWritten : -1);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #look(afterMs: number, writtenBytes: number): void {
    this.stop();
    if (afterMs > LAST_LOOK_MS) return;
    this.#timer = setTimeout(() => {
      const { bytesWritten, writableLength } = this.#socket;
      if (afterMs === QUIET_LOOK_MS && writableLength === 0 && bytesWritten === writtenBytes) return this.#onGone();
      this.#socket.write(NOTHING);
      this.#look(2 * afterMs, writtenBytes);
    }, afterMs);
  }
}
