/** A client link in memory whose OPENs become exchanges, with a fake backend behind them and a relay in front. */
import assert from 'node:assert/strict';
import { Link, memoryTransportPair, readHead, readOpen, readTrailers, Role, WindowBudget } from '@sallyport/protocol';
import type { Leg, ResponseHead, StreamCode } from '@sallyport/protocol';
import {
  HELLO_TIMEOUT_MS,
  helloOf,
  LIFE,
  openHead,
  Recorder,
  RecordingHandler,
} from '../../../../packages/protocol/src/testing/bench.ts';
import { VirtualClock } from '../../../../packages/protocol/src/testing/virtual-clock.ts';
import { Exchange } from '../exchange.ts';
import type { ExchangeHost } from '../exchange.ts';
import { FakeBackend } from './fake-backend.ts';

/** One request as the relay sees it. */
export class Asked extends Recorder {
  readonly heads: ResponseHead[] = [];
  readonly leg: Leg;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, link: Link) {
    super();
    this.#clock = clock;
    this.leg = link.openLeg('s', this);
  }

  get head(): ResponseHead {
    const head = this.heads.at(-1);
    assert.ok(head !== undefined, 'no head came');
    return head;
  }

  trailers: readonly string[] = [];

  override onEnd(_leg?: Leg, frame?: Buffer, start = 0, end = 0): void {
    super.onEnd();
    const trailers = frame === undefined ? [] : readTrailers(frame, start, end);
    assert.ok(trailers !== null && trailers !== 'bad-head');
    this.trailers = trailers;
  }

  override onHead(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    super.onHead(leg, frame, start, end, last);
    const head = readHead(frame, start, end);
    assert.ok(head !== null && head !== 'bad-head');
    this.heads.push(head);
  }

  send(text: string): void {
    this.leg.data(Buffer.from(text), 0, Buffer.byteLength(text));
    this.#clock.settle();
  }

  end(...trailers: string[]): void {
    this.leg.end(trailers);
    this.#clock.settle();
  }

  cancel(code: StreamCode = 1): void {
    this.leg.reset(code, false);
    this.#clock.settle();
  }
}

export class ExchangeBench implements ExchangeHost {
  readonly clock = new VirtualClock();
  readonly budget = new WindowBudget(64 * 1024 * 1024);
  readonly maxWindowBytes = 8 * 1024 * 1024;
  readonly backend = new FakeBackend();
  hostField: string | null = null;
  maxLongStreams = 10;
  longStreams = 0;
  slotsFreed = 0;
  answers = 0;
  readonly failures: string[] = [];
  /** What the backend was told to have taken, of each final head. */
  readonly backendMs: number[] = [];
  /** Where exchanges wait for their slot while this is true; `giveSlots` lets them run. */
  isBusy = false;
  readonly #server: Link;
  readonly #waiting: Exchange[] = [];
  readonly #transport;

  constructor() {
    const { clock } = this;
    const [theirs, ours] = memoryTransportPair(clock);
    this.#transport = theirs;
    const common = { clock, life: LIFE, helloTimeoutMs: HELLO_TIMEOUT_MS };
    const handler = new RecordingHandler();
    handler.onOpen = (leg, frame, start, end, last) => this.#onOpen(leg, frame, start, end, last);
    const client = { hello: helloOf(Role.CLIENT), peerRole: Role.SERVER, handler };
    const server = { hello: helloOf(Role.SERVER), peerRole: Role.CLIENT, handler: new RecordingHandler() };
    this.#server = new Link({ transport: theirs, ...common, ...server });
    // The link belongs to its transport from here on.
    void new Link({ transport: ours, ...common, ...client });
    clock.settle();
  }

  ask(changes: Parameters<typeof openHead>[0] = {}, last = true): Asked {
    const asked = new Asked(this.clock, this.#server);
    asked.leg.open(openHead(changes), last);
    this.clock.settle();
    return asked;
  }

  giveSlots(): void {
    this.isBusy = false;
    for (const exchange of this.#waiting.splice(0)) void exchange.run();
    this.clock.settle();
  }

  loseLink(): void {
    this.#transport.destroy();
    this.clock.settle();
  }

  // ---- for exchanges

  takeLongStream(): boolean {
    if (this.longStreams >= this.maxLongStreams) return false;
    this.longStreams += 1;
    return true;
  }

  longStreamOver(): void {
    this.longStreams -= 1;
  }

  slotFree(): void {
    this.slotsFreed += 1;
  }

  backendAnswered(): void {
    this.answers += 1;
  }

  backendTook(_status: number, durationMs: number): void {
    this.backendMs.push(durationMs);
  }

  backendFailed(code: StreamCode, isStarted: boolean): void {
    this.failures.push(`${code}${isStarted ? '' : ' not-started'}`);
  }

  #onOpen(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    const open = readOpen(frame, start, end);
    assert.ok(open !== null && open !== 'bad-head');
    const exchange = new Exchange(this, leg, open, last);
    if (this.isBusy) this.#waiting.push(exchange);
    else void exchange.run();
  }
}
