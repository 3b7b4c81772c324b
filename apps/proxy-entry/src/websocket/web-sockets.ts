/**
 * WebSockets through the entry, which may have to say goodbye while they are open:
 *
 *   open ──drain──▶ finishing the frame ──Close 1012──▶ closing: the visitor answers, the backend ends
 */
import { FrameBorders } from './frame-borders.ts';

/** Where a backend's bytes go. */
export interface ByteSink {
  /** False: wait for the sink to have room. */
  write(chunk: Buffer): boolean;
}

/** How long a visitor has to answer our Close, and its backend to end then; in a drain only. */
const CLOSE_TIMEOUT_MS = 5_000;
/** RFC 6455 §7.4.2, IANA's registry of close codes: Service Restart. */
const SERVICE_RESTART = 1012;
const REASON = 'service restart';
const CLOSE_FRAME = closeFrame(SERVICE_RESTART, REASON);

const State = { OPEN: 0, FINISHING: 1, CLOSING: 2 } as const;
type State = (typeof State)[keyof typeof State];

/** All that are open; as many as there are exchanges at most. */
export class WebSockets {
  readonly #open = new Set<VisitorWebSocket>();
  #isDraining = false;

  /** One that was just switched to, its 101 being out. `onLate`: it was closed and has not ended in time. */
  add(visitor: ByteSink, onLate: () => void): VisitorWebSocket {
    const webSocket = new VisitorWebSocket(visitor, onLate);
    this.#open.add(webSocket);
    if (this.#isDraining) webSocket.drain();
    return webSocket;
  }

  /** It has ended, however. */
  remove(webSocket: VisitorWebSocket): void {
    this.#open.delete(webSocket);
    webSocket.stop();
  }

  /** Each is closed with 1012 between two frames of its backend; new ones at once. */
  drain(): void {
    this.#isDraining = true;
    for (const webSocket of this.#open) webSocket.drain();
  }
}

/** The backend's direction of one: its bytes go on to the visitor, until a Close of ours has. */
export class VisitorWebSocket implements ByteSink {
  readonly #visitor: ByteSink;
  readonly #onLate: () => void;
  readonly #borders = new FrameBorders();
  #state: State = State.OPEN;
  #timer: NodeJS.Timeout | null = null;

  constructor(visitor: ByteSink, onLate: () => void) {
    this.#visitor = visitor;
    this.#onLate = onLate;
  }

  write(chunk: Buffer): boolean {
    if (this.#state === State.OPEN) {
      this.#borders.pass(chunk);
      return this.#visitor.write(chunk);
    }
    if (this.#state === State.CLOSING) return true;
    const bytes = this.#borders.finishFrame(chunk);
    const hasRoom = this.#visitor.write(chunk.subarray(0, bytes));
    this.#closeBetween();
    return hasRoom;
  }

  /** The frame that has begun is finished; the caller's drain bounds that. */
  drain(): void {
    if (this.#state !== State.OPEN) return;
    this.#state = State.FINISHING;
    this.#closeBetween();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #closeBetween(): void {
    if (!this.#borders.isBetween) return;
    this.#state = State.CLOSING;
    // Behind the backend's own there is none.
    if (!this.#borders.hasClose) this.#visitor.write(CLOSE_FRAME);
    this.#timer = setTimeout(this.#onLate, CLOSE_TIMEOUT_MS);
  }
}

/** RFC 6455 §5.5.1: final, not masked, of less than 126 bytes. */
function closeFrame(code: number, reason: string): Buffer {
  const frame = Buffer.from(`\x88\x00\x00\x00${reason}`, 'latin1');
  frame[1] = frame.length - 2;
  frame.writeUInt16BE(code, 2);
  return frame;
}
