/**
 * One request at the client: from its OPEN through a slot to the backend, and its answer back.
 *
 *   waiting for a slot ──▶ at the backend ──head──▶ answering ──▶ over
 *
 * The slot is given back when the backend's exchange has really ended, or at a 101 or an event stream's head.
 */
import {
  endToEnd,
  fitsHead,
  isEventStream,
  lowerName,
  MAX_INFORMATIONAL_HEADS,
  MAX_STATUS,
  MergeBuffer,
  StreamCode,
  StreamEnd,
  trailerFields,
} from '@sallyport/protocol';
import type { Leg, OpenHead, StreamContext, StreamHandler } from '@sallyport/protocol';
import type { BackendCall, BackendHandler, BackendTransport } from './backend/transport.ts';

/** What an exchange needs of its session; one object for all of them. */
export interface ExchangeHost extends StreamContext {
  readonly backend: BackendTransport;
  /** Sent as Host instead of the visitor's; null: the visitor's. */
  readonly hostField: string | null;
  /** True when one more long stream is within the limit, and then counts it. */
  takeLongStream(): boolean;
  longStreamOver(): void;
  /** The slot of `leg` is free again. */
  slotFree(leg: Leg): void;
  backendAnswered(): void;
  /** The final head's status; from the later of dispatch and last byte of the request to it. */
  backendTook(status: number, durationMs: number): void;
  backendFailed(code: StreamCode, isStarted: boolean, error: Error): void;
}

const BODILESS = new Set([204, 304]);

export class Exchange implements StreamHandler, BackendHandler {
  readonly #host: ExchangeHost;
  readonly #leg: Leg;
  readonly #open: OpenHead;
  readonly #stream: StreamEnd;
  readonly #hasBody: boolean;
  readonly #openedMs: number;
  #slotMs = 0;
  #dispatchedMs = 0;
  /** When the last byte of the request body came; 0 while it has not. */
  #uploadedMs = 0;
  #call: BackendCall | null = null;
  /** Body that came before the slot. Its limit is W0: nothing more is granted yet. */
  readonly #early = new MergeBuffer();
  /** The trailers of a body that ended before the slot. */
  #endedEarly: readonly string[] | null = null;
  #isCancelled = false;
  #headSent = false;
  #noBody = false;
  #isLong = false;
  #isUpgraded = false;
  #answerEnded = false;
  #informational = 0;
  #slotDone: (() => void) | null = null;

  constructor(host: ExchangeHost, leg: Leg, open: OpenHead, last: boolean) {
    this.#host = host;
    this.#leg = leg;
    this.#open = open;
    this.#hasBody = !last;
    this.#openedMs = host.clock.nowMs();
    this.#stream = new StreamEnd(host, this);
    this.#stream.attach(leg);
    this.#stream.setRoundTrip(open.rttUs);
  }

  /** Runs with a slot; resolves when the slot is free again. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#slotDone = resolve;
      if (this.#isCancelled) this.#giveSlotBack();
      else this.#dispatch();
    });
  }

  #dispatch(): void {
    const { strings } = this.#open;
    const { clock, backend } = this.#host;
    this.#slotMs = clock.nowMs();
    const request = {
      method: strings[0]!,
      target: strings[1]!,
      fields: this.#fields(),
      hasBody: this.#hasBody,
      isRetry: this.#open.attempt > 1,
    };
    try {
      // Until it returns, a failure may already be told: the call is then of no use.
      this.#call = backend.start(request, this);
    } catch (error) {
      // A library's own idea of what may be sent; whatever it is, one request's fault must not be the process's.
      return this.onFailure(StreamCode.BAD_HEAD, false, error as Error);
    }
    this.#dispatchedMs = clock.nowMs();
    if (this.#early.length > 0) this.#call.write(this.#early.take());
    if (this.#endedEarly !== null) this.#endUpload(this.#endedEarly);
  }

  #fields(): readonly string[] {
    const { hostField } = this.#host;
    const fields = endToEnd(this.#open.strings.slice(2), this.#open.upgrade);
    if (hostField === null) return fields;
    return fields.map((text, i) => (i % 2 === 1 && lowerName(fields[i - 1]!) === 'host' ? hostField : text));
  }

  // ---- from the visitor's side

  onHead(): void {
    // Heads come to openers only; the link refuses them here.
  }

  onData(chunk: Buffer): void {
    if (this.#call === null) this.#early.add(chunk);
    else this.#call.write(chunk);
  }

  onEnd(trailers: readonly string[]): void {
    const kept = trailerFields(trailers);
    if (this.#call === null) this.#endedEarly = kept;
    else this.#endUpload(kept);
  }

  onCut(): void {
    this.#isCancelled = true;
    this.#call?.cancel();
    if (this.#answerEnded) this.#finish();
  }

  onWritable(): void {
    this.#call?.resume();
  }

  onCredit(): void {
    // Only an entry keeps a body that it may have to send again.
  }

  #endUpload(trailers: readonly string[]): void {
    this.#uploadedMs = this.#host.clock.nowMs();
    this.#call!.end(trailers);
    if (this.#answerEnded) this.#finish();
  }

  // ---- from the backend

  onBodyTaken(bytes: number): void {
    this.#stream.consumed(bytes);
  }

  onInformational(status: number, reason: string, fields: readonly string[]): void {
    this.#informational += 1;
    // More than a stream may carry: a backend that never comes to its answer.
    if (this.#informational > MAX_INFORMATIONAL_HEADS) return this.#refuseHead('too many informational heads');
    // One too large for a frame is the backend's excess and nobody's loss.
    if (fitsHead(fields, 0)) this.#sendHead(status, reason, fields, false);
  }

  onAnswer(status: number, reason: string, fields: readonly string[]): void {
    this.#host.backendAnswered();
    if (status > MAX_STATUS) return this.#refuseHead('a status that HTTP does not have');
    if (!fitsHead(fields, 1)) return this.#refuseHead('a head beyond what a frame carries');
    const body = describeBody(fields);
    this.#isUpgraded = status === 101;
    this.#isLong = this.#isUpgraded || body.isEventStream;
    if (this.#isLong && !this.#host.takeLongStream()) {
      this.#isLong = false;
      return this.#refuse(StreamCode.LONG_STREAMS);
    }
    // Whatever lengths it names: behind a 101 come bytes of another protocol.
    const isBodiless = this.#open.strings[0] === 'HEAD' || BODILESS.has(status) || body.isEmpty;
    this.#noBody = !this.#isUpgraded && isBodiless;
    this.#host.backendTook(status, this.#sendHead(status, reason, fields, this.#noBody));
    this.#headSent = true;
    if (this.#isLong) this.#giveSlotBack();
  }

  onAnswerData(chunk: Buffer): boolean {
    return this.#noBody || this.#stream.write(chunk);
  }

  onAnswerEnd(trailers: readonly string[]): void {
    if (!this.#noBody) this.#stream.end(trailerFields(trailers));
    this.#answerEnded = true;
    // An upgraded connection is there until both its ways have ended.
    if (!this.#isUpgraded || this.#uploadedMs > 0) this.#finish();
  }

  onFailure(code: StreamCode, isStarted: boolean, error: Error): void {
    if (!this.#isCancelled) {
      this.#host.backendFailed(code, isStarted, error);
      if (this.#answerEnded) this.#stream.reset(code);
      else if (this.#headSent) this.#stream.abort(code);
      else this.#stream.reset(code, !isStarted);
    }
    this.#finish();
  }

  #refuseHead(text: string): void {
    this.#host.backendFailed(StreamCode.BAD_HEAD, true, new Error(text));
    this.#refuse(StreamCode.BAD_HEAD);
  }

  /** The backend's answer cannot go on. */
  #refuse(code: StreamCode): void {
    this.#stream.reset(code);
    this.#isCancelled = true;
    this.#call?.cancel();
  }

  /** Answers with the milliseconds charged to the backend. */
  #sendHead(status: number, reason: string, fields: readonly string[], last: boolean): number {
    const now = this.#host.clock.nowMs();
    const strings = [reason, ...endToEnd(fields, status === 101)];
    // A head that comes before the upload's end: the visitor was still sending, the backend did not keep us waiting.
    const isUploading = this.#hasBody && this.#uploadedMs === 0 && status !== 101;
    const uploadedMs = isUploading ? now : Math.max(this.#uploadedMs, this.#dispatchedMs);
    const sentMs = this.#host.clock.nowMs();
    this.#leg.head(
      {
        status,
        strings,
        rttUs: this.#leg.link.smoothedRttUs,
        serverUs: 0,
        queueUs: 0,
        clientUs: (sentMs - this.#openedMs) * 1_000,
        slotUs: (this.#slotMs - this.#openedMs) * 1_000,
        uploadUs: (uploadedMs - this.#dispatchedMs) * 1_000,
        backendUs: (now - uploadedMs) * 1_000,
      },
      last,
    );
    return now - uploadedMs;
  }

  #finish(): void {
    if (this.#isLong) this.#host.longStreamOver();
    this.#isLong = false;
    this.#giveSlotBack();
  }

  #giveSlotBack(): void {
    if (this.#slotDone === null) return;
    this.#slotDone();
    this.#slotDone = null;
    this.#host.slotFree(this.#leg);
  }
}

/** What the head says of its body, in one look. */
function describeBody(fields: readonly string[]): { isEventStream: boolean; isEmpty: boolean } {
  const body = { isEventStream: false, isEmpty: false };
  for (let i = 0; i < fields.length; i += 2) {
    const lower = lowerName(fields[i]!);
    if (lower === 'content-length') body.isEmpty = fields[i + 1] === '0';
    else if (lower === 'content-type') body.isEventStream = isEventStream(fields[i + 1]!);
  }
  return body;
}
