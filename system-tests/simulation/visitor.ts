/** The entry's end of one request: asks, reads the answer, and notes how it ended: once. */
import { Phase, StreamCode, StreamEnd } from '@sallyport/protocol';
import type { Link, ResponseHead, StreamContext, StreamHandler } from '@sallyport/protocol';
import type { RequestPlan } from './plan.ts';
import { Sink } from './sink.ts';
import { Source } from './source.ts';
import type { Exchange, Stage } from './stage.ts';
import { expect } from './violation.ts';

/** `gone`: the visitor left, or its upload was cut. `error`: before the final head. `cut`: behind it. */
export type Outcome = 'complete' | 'gone' | 'no-link' | 'error' | 'cut';

export class Visitor implements StreamHandler {
  outcome: Outcome | null = null;
  code = 0;
  source: Source | null = null;
  readonly sink: Sink;
  readonly stream: StreamEnd;
  readonly context: StreamContext;
  readonly #stage: Stage;
  readonly #plan: RequestPlan;
  #heads = 0;
  #hasFinalHead = false;

  constructor(stage: Stage, plan: RequestPlan, context: StreamContext) {
    this.#stage = stage;
    this.#plan = plan;
    this.context = context;
    this.stream = new StreamEnd(context, this);
    const { key, download } = plan;
    const reading = { clock: stage.clock, stream: this.stream, onConsumed: () => {} };
    this.sink = new Sink({ ...reading, key, direction: 'download', plan: download });
  }

  get exchange(): Exchange {
    return this.#stage.exchanges[this.#plan.key]!;
  }

  start(link: Link | null): void {
    if (link === null) return this.#ends('no-link');
    const { key, session, upload, visitorLeavesMs } = this.#plan;
    const { clock, random } = this.#stage;
    const leg = link.openLeg(session, this.stream);
    this.stream.attach(leg);
    const strings = ['POST', `/${key}`, 'x-key', `${key}`];
    leg.open({ upgrade: false, attempt: 1, rttUs: link.smoothedRttUs, session, strings }, upload === null);
    if (visitorLeavesMs !== null) clock.after(visitorLeavesMs, () => this.#leave());
    if (upload === null) return;
    this.source = new Source({
      clock,
      random,
      stream: this.stream,
      key,
      direction: 'upload',
      plan: upload,
      cutCode: StreamCode.UPLOAD_STALLED,
      onWrite: () => this.#checkHeld(),
      onDone: (isWhole) => {
        if (!isWhole && this.outcome === null) this.#ends('gone');
      },
    });
    this.source.pump();
  }

  onHead(head: ResponseHead, last: boolean): void {
    this.#isTold('a head');
    expect(!this.#hasFinalHead, () => `${this.#name}: a head behind the final one`);
    const isFinal = head.status === 200;
    expect(isFinal === (this.#heads === this.#plan.informationalHeads), () => `${this.#name}: heads lost or doubled`);
    expect(head.strings[2] === `${this.#plan.key}`, () => `${this.#name}: the head of request ${head.strings[2]}`);
    this.#heads += 1;
    this.#hasFinalHead = isFinal;
    expect(last === (isFinal && this.#plan.download === null), () => `${this.#name}: LAST lost or invented`);
    if (last) this.#answered();
  }

  onData(chunk: Buffer): void {
    this.#isTold('DATA');
    expect(this.#hasFinalHead, () => `${this.#name}: DATA before the head`);
    this.sink.receive(chunk);
  }

  onEnd(trailers: readonly string[]): void {
    this.#isTold('END');
    expect(this.#hasFinalHead, () => `${this.#name}: END before the head`);
    this.sink.end(trailers);
    this.#answered();
  }

  onCut(code: number, notStarted: boolean): void {
    this.source?.stop();
    if (notStarted) expect(!this.exchange.isStarted, () => `${this.#name}: started, but told that it was not`);
    if (this.outcome === 'gone') return;
    expect(this.#stage.allows(this.#plan, code), () => `${this.#name}: ended with code ${code} for no reason`);
    const { download } = this.#plan;
    if (this.#hasFinalHead && download?.cutAtByte != null && code === StreamCode.BACKEND_RESET) {
      const { receivedBytes } = this.sink;
      const what = () => `${this.#name}: ABORT at byte ${receivedBytes}, the backend was cut at ${download.cutAtByte}`;
      expect(receivedBytes === download.cutAtByte, what);
    }
    this.code = code;
    this.#ends(this.#hasFinalHead ? 'cut' : 'error');
  }

  onWritable(): void {
    this.source?.writable();
  }

  onCredit(): void {
    // This entry keeps nothing to send again.
  }

  get #name(): string {
    return `request ${this.#plan.key}`;
  }

  #isTold(what: string): void {
    // A visitor whose upload was cut is told on while the ABORT still waits for credit.
    const mayHear = this.outcome === null || (this.outcome === 'gone' && !this.stream.isOver);
    expect(mayHear, () => `${this.#name}: ${what} after its end as ${this.outcome}`);
  }

  #answered(): void {
    if (this.outcome === null) this.#ends('complete');
    const { leg } = this.stream;
    this.source?.stop();
    // The answer is whole; what is left of the upload nobody wants.
    if (leg !== null && leg.outPhase !== Phase.ENDED) this.stream.reset(StreamCode.DONE);
  }

  #leave(): void {
    if (this.outcome !== null) return;
    this.#ends('gone');
    this.source?.stop();
    this.stream.reset(StreamCode.CANCELLED);
  }

  #ends(outcome: Outcome): void {
    expect(this.outcome === null, () => `${this.#name}: ended as ${this.outcome}, and again as ${outcome}`);
    this.outcome = outcome;
  }

  #checkHeld(): void {
    const { backend } = this.exchange;
    const sink = backend?.sink ?? null;
    this.#stage.checkHeld(this.source, sink, backend?.context ?? null, `the upload of ${this.#name}`);
  }
}
