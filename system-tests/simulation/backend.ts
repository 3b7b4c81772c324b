/** The client's end of one request: reads it, answers or fails, and gives its slot back when it has really ended. */
import { INITIAL_WINDOW_BYTES, StreamCode, StreamEnd } from '@sallyport/protocol';
import type { Leg, OpenHead, ResponseHead, StreamContext, StreamHandler } from '@sallyport/protocol';
import type { RequestPlan } from './plan.ts';
import { Sink } from './sink.ts';
import { Source } from './source.ts';
import type { Exchange, Stage } from './stage.ts';
import { expect } from './violation.ts';

export interface BackendOptions {
  readonly stage: Stage;
  readonly exchange: Exchange;
  readonly context: StreamContext;
  readonly leg: Leg;
  readonly open: OpenHead;
  readonly last: boolean;
  readonly slotBack: () => void;
}

export class Backend implements StreamHandler {
  readonly sink: Sink;
  readonly stream: StreamEnd;
  readonly context: StreamContext;
  source: Source | null = null;
  readonly #options: BackendOptions;
  #isAnswering = false;
  #hasSlot = true;
  #isCut = false;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.context = options.context;
    const { stage, exchange, leg, open, last } = options;
    const { plan } = exchange;
    expect(last === (plan.upload === null), () => `request ${plan.key}: LAST lost or invented`);
    this.stream = new StreamEnd(options.context, this);
    this.stream.attach(leg);
    this.stream.setRoundTrip(open.rttUs);
    const reading = { clock: stage.clock, stream: this.stream, onConsumed: () => this.#mayAnswer() };
    this.sink = new Sink({ ...reading, key: plan.key, direction: 'upload', plan: plan.upload });
  }

  start(): void {
    const { stage, exchange } = this.#options;
    if (exchange.plan.failure?.notStarted !== true) exchange.isStarted = true;
    stage.clock.after(exchange.plan.thinkMs, () => this.#mayAnswer());
  }

  onHead(): void {
    expect(false, () => 'a head came to an acceptor');
  }

  onData(chunk: Buffer): void {
    expect(!this.#isCut, () => `request ${this.#plan.key}: DATA behind its cut`);
    this.sink.receive(chunk);
  }

  onEnd(trailers: readonly string[]): void {
    expect(!this.#isCut, () => `request ${this.#plan.key}: END behind its cut`);
    this.sink.end(trailers);
    this.#mayAnswer();
  }

  onCut(code: number): void {
    const { stage } = this.#options;
    const { key, upload, cleanupMs } = this.#plan;
    expect(!this.#isCut, () => `request ${key}: cut twice at the backend`);
    this.#isCut = true;
    this.source?.stop();
    if (code === StreamCode.UPLOAD_STALLED) {
      const { receivedBytes } = this.sink;
      const what = () => `request ${key}: ABORT at byte ${receivedBytes}, the upload was cut at ${upload?.cutAtByte}`;
      expect(receivedBytes === upload?.cutAtByte, what);
    }
    if (cleanupMs === 0) this.#giveSlotBack();
    else stage.clock.after(cleanupMs, () => this.#giveSlotBack());
  }

  onWritable(): void {
    this.source?.writable();
  }

  onCredit(): void {
    // Clients have nothing to send again.
  }

  get #plan(): RequestPlan {
    return this.#options.exchange.plan;
  }

  /** Enough was read, and thought over. */
  #mayAnswer(): void {
    const { stage } = this.#options;
    const { plan } = this.#options.exchange;
    const { answerAtByte, thinkMs, upload } = plan;
    const isRead = this.sink.hasEnded && this.sink.consumedBytes === upload?.bytes;
    const hasEnough = upload === null || isRead || (answerAtByte !== null && this.sink.consumedBytes >= answerAtByte);
    if (this.#isAnswering || this.#isCut || !hasEnough || !this.#hasSlot) return;
    this.#isAnswering = true;
    stage.clock.after(thinkMs, () => this.#answer());
  }

  #answer(): void {
    if (this.#isCut) return;
    const { stage, leg } = this.#options;
    const { key, failure, download, informationalHeads } = this.#plan;
    if (failure !== null) {
      this.stream.reset(failure.code, failure.notStarted);
      this.#isCut = true;
      return this.#giveSlotBack();
    }
    for (let i = 0; i < informationalHeads; i += 1) leg.head(headOf(key, 103), false);
    leg.head(headOf(key, 200), download === null);
    if (download === null) return this.#giveSlotBack();
    this.source = new Source({
      clock: stage.clock,
      random: stage.random,
      stream: this.stream,
      key,
      direction: 'download',
      plan: download,
      cutCode: StreamCode.BACKEND_RESET,
      onWrite: () => this.#checkHeld(),
      onDone: (isWhole) => {
        if (!isWhole) this.#isCut = this.stream.isOver;
        this.#giveSlotBack();
      },
    });
    this.source.pump();
  }

  #giveSlotBack(): void {
    if (!this.#hasSlot) return;
    this.#hasSlot = false;
    this.#options.slotBack();
  }

  #checkHeld(): void {
    const { stage, exchange } = this.#options;
    const { sink, context } = exchange.visitor;
    stage.checkHeld(this.source, sink, context, `the download of request ${exchange.plan.key}`);
    expect(this.stream.leg!.sendCredit >= 0, () => `request ${exchange.plan.key}: more was sent than granted`);
    expect(
      this.stream.leg!.sendCredit <= INITIAL_WINDOW_BYTES + stage.plan.maxWindowBytes,
      () => 'credit from nowhere',
    );
  }
}

const TIMES = { rttUs: 0, serverUs: 0, queueUs: 0, clientUs: 0, slotUs: 0, uploadUs: 0, backendUs: 0 };

function headOf(key: number, status: number): ResponseHead {
  return { ...TIMES, status, strings: ['Fine', 'x-key', `${key}`] };
}
