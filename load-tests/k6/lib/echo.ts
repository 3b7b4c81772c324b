/** WebSocket messages that come back. Runs in k6 alone. */
import exec from 'k6/execution';
import { WebSocket } from 'k6/websockets';
import { count, countDropped, countError, countStatus } from './figures.ts';
import { KEPT_ALLOWANCE_MS } from './plan.ts';
import type { K6Body, K6Plan, K6Request } from './plan.ts';

const MS_PER_S = 1000;
/** Until the schedule begins, for opening the connections. */
const CONNECT_MS = 1000;
const EMPTY = new ArrayBuffer(0);
const FILLER = 0x78;
/** What the connection was opened with, and so what a message that came back is counted as. */
const SWITCHING_PROTOCOLS = 101;
/** k6's error codes for what ends a message without an echo. */
const RESET_CODE = 1220;
const TIMEOUT_CODE = 1050;

/** Since the start of the test; unlike the date it has fractions. */
const nowMs = (): number => exec.instance.currentTestRunDuration;

type Message = { dueMs: number; sentMs: number };
/** One connection's part of an arm's messages: every `stride`-th from `first` on. */
type Schedule = { startMs: number; endMs: number; intervalMs: number; first: number; stride: number; limit: number };

/**
 * What a virtual user does in a step: it is one connection and sends every n-th message of its arm's schedule, on
 * timers of its own. What has not come back when the timeout is over has failed.
 */
export function makeEcho(plan: K6Plan): () => void {
  const messages = messagesOf(plan.bodies);
  return () => {
    const arm = plan.arms[Number(__ENV['ARM'])];
    const rate = Number(__ENV['RATE']);
    const durationMs = Number(__ENV['DURATION_MS']);
    const first = exec.scenario.iterationInTest;
    const request = arm?.requests[first % arm.requests.length];
    if (request === undefined) return;
    const stride = Math.min(plan.connections, Math.ceil((rate * durationMs) / MS_PER_S));
    const startMs = nowMs() + CONNECT_MS;
    const limit = Math.max(1, Math.floor(plan.maxInFlight / stride));
    const schedule = { startMs, endMs: startMs + durationMs, intervalMs: MS_PER_S / rate, first, stride, limit };
    const message = request.body === null ? EMPTY : (messages[request.body] ?? EMPTY);
    new Connection(request, message, schedule, plan.timeoutMs).sendDue();
  };
}

/** Binary, as the embedded engine sends them. */
function messagesOf(bodies: readonly K6Body[]): ArrayBuffer[] {
  return bodies.map((body) =>
    'file' in body ? open(body.file, 'b') : new Uint8Array(body.fillBytes).fill(FILLER).buffer,
  );
}

class Connection {
  readonly #socket: WebSocket;
  readonly #body: ArrayBuffer;
  readonly #schedule: Schedule;
  readonly #timeoutMs: number;
  /** Due and not come back yet, in order; at most `limit` of the schedule. */
  #waiting: Message[] = [];
  #next: number;
  #isOpen = false;
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(request: K6Request, body: ArrayBuffer, schedule: Schedule, timeoutMs: number) {
    this.#body = body;
    this.#schedule = schedule;
    this.#timeoutMs = timeoutMs;
    this.#next = schedule.first;
    this.#socket = new WebSocket(request.url.replace(/^http/, 'ws'), null, { headers: request.headers });
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('open', () => this.#opened());
    this.#socket.addEventListener('message', () => this.#echoed());
    // A connection that breaks is not made again: the rest of its messages have failed.
    this.#socket.addEventListener('error', () => this.#broken());
    this.#socket.addEventListener('close', () => this.#broken());
  }

  /** Sends all that is due and sets the timer for what is not. */
  sendDue(): void {
    for (; this.#isDue(nowMs()); this.#next += this.#schedule.stride) {
      if (this.#waiting.length >= this.#schedule.limit) {
        countDropped();
        continue;
      }
      this.#waiting.push({ dueMs: this.#dueMs(), sentMs: nowMs() });
      if (this.#isOpen) this.#socket.send(this.#body);
    }
    if (this.#hasMore()) this.#timer = setTimeout(() => this.sendDue(), Math.max(0, this.#dueMs() - nowMs()));
    else if (this.#waiting.length === 0) this.#end(TIMEOUT_CODE);
    else this.#timer = setTimeout(() => this.#end(TIMEOUT_CODE), this.#timeoutMs);
  }

  #dueMs(): number {
    return this.#schedule.startMs + this.#next * this.#schedule.intervalMs;
  }

  #hasMore(): boolean {
    return this.#dueMs() < this.#schedule.endMs;
  }

  #isDue(atMs: number): boolean {
    return this.#hasMore() && this.#dueMs() <= atMs;
  }

  #opened(): void {
    this.#isOpen = true;
    for (let unsent = this.#waiting.length; unsent > 0; unsent--) this.#socket.send(this.#body);
  }

  #echoed(): void {
    const message = this.#waiting.shift();
    if (message === undefined) return;
    const endMs = nowMs();
    const isInStep = endMs <= this.#schedule.endMs + KEPT_ALLOWANCE_MS;
    count(message.sentMs - message.dueMs, endMs - message.sentMs, true, isInStep);
    countStatus(SWITCHING_PROTOCOLS);
    if (this.#waiting.length === 0 && !this.#hasMore()) this.#end(TIMEOUT_CODE);
  }

  #broken(): void {
    if (this.#hasEnded) return;
    for (; this.#hasMore(); this.#next += this.#schedule.stride) {
      this.#waiting.push({ dueMs: this.#dueMs(), sentMs: Math.max(this.#dueMs(), nowMs()) });
    }
    this.#end(RESET_CODE);
  }

  /** Closes; what is still waiting has failed with `code`. */
  #end(code: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { dueMs, sentMs } of this.#waiting) {
      count(Math.max(0, sentMs - dueMs), Math.max(0, nowMs() - sentMs), false, false);
      countError(code, '');
    }
    this.#waiting = [];
    this.#socket.close();
  }
}
