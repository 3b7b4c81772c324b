/**
 * One request at the entry: admitted and routed already, from here through a server to a backend and back.
 *
 *   trying ──(one retry)──▶ answering ──▶ over        trying ──▶ our own answer ──▶ over
 */
import { StreamCode, StreamEnd, trailerFields } from '@sallyport/protocol';
import type { Leg, Link, OpenHead, ResponseHead, StreamHandler } from '@sallyport/protocol';
import type { AnsweredHere } from './admission.ts';
import { AnswerBody } from './answer-body.ts';
import type { Entry } from './entry.ts';
import { ExchangeTimes } from './exchange-times.ts';
import type { Asked } from './own-answers.ts';
import { problemOfStream, Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { mayRetry } from './retry.ts';
import { serverTiming, UPLOAD_TOLERANCE_US } from './timing.ts';
import { outlastsTrace } from './tracing/trace.ts';
import type { Trace } from './tracing/trace.ts';
import { Upload } from './upload.ts';
import { problemOfRefusal } from './refusal.ts';
import type { OwnAnswer, Refusal, VisitorExchange, VisitorListener } from './visitor/transport.ts';
import { isWebSocket, switchesAsAsked } from './websocket/switching.ts';
import type { VisitorWebSocket } from './websocket/web-sockets.ts';

export interface RoutedRequest {
  readonly session: string;
  /** As it goes to the backend, whatever stands in Host beside an absolute-form target. */
  readonly host: string;
  readonly requestId: string;
  /** The visitor's address, as far as trusted proxies vouch for it. */
  readonly remote: string;
  /** Of the trace that the request belongs to; empty: none is known. */
  readonly traceId: string;
  /** Null: there are no traces. */
  readonly trace: Trace | null;
  /** method, target, then name, value, … as they go to the backend. */
  readonly strings: readonly string[];
}

export class Exchange implements StreamHandler, VisitorListener {
  readonly times: ExchangeTimes;
  status = 0;
  bytesIn = 0;
  bytesOut = 0;
  attempt = 0;
  problem: Problem | null = null;
  readonly visitor: VisitorExchange;
  readonly routed: RoutedRequest;
  readonly #entry: Entry;
  #stream: StreamEnd | null = null;
  #link: Link | null = null;
  /** Null for a request without a body. */
  readonly #upload: Upload | null;
  /** A byte of an answer came: there will be no second try. */
  #hasBegun = false;
  #isHeadSent = false;
  #isOver = false;
  /** All of an answer was handed to the visitor's side: what the stream does afterwards does not matter. */
  #isAnswered = false;
  #unconsumed = 0;
  readonly #answerBody = new AnswerBody();
  #webSocket: VisitorWebSocket | null = null;

  constructor(entry: Entry, visitor: VisitorExchange, routed: RoutedRequest) {
    this.#entry = entry;
    this.visitor = visitor;
    this.routed = routed;
    this.times = new ExchangeTimes(visitor.request.arrivedMs);
    this.#upload = visitor.request.hasBody ? new Upload() : null;
    visitor.listener = this;
  }

  start(): void {
    // The visitor left while the entry waited for its first list of sessions.
    if (this.#isOver || this.#isHeadSent) return;
    this.#try(null);
    if (this.#upload !== null && !this.#isOver) this.visitor.startBody();
  }

  /** Ends it with an answer of our own. */
  refuse(problem: Problem): void {
    this.problem = problem;
    this.#upload?.stopStall();
    this.routed.trace?.failed(problem.code);
    if (this.#isHeadSent && !this.visitor.takeBack()) return this.visitor.cut();
    this.times.answeredOurselves(problem.hop);
    this.#answerOurselves(this.#entry.settings.ownAnswers.ofProblem(problem, this.#asked), problem.closes === true);
  }

  /** Ends it with what admission came to, where that is no problem. */
  answerHere(admission: AnsweredHere): void {
    this.times.answeredOurselves('entry');
    this.#answerOurselves(this.#entry.settings.ownAnswers.ofAdmission(admission, this.#asked), false);
  }

  // ---- from the stream

  onHead(head: ResponseHead, last: boolean): void {
    const { strings, status } = head;
    const fields = strings.slice(1);
    this.#hasBegun = true;
    const isFinal = status >= 200 || status === 101;
    const { passes } = this.#entry.settings;
    if (!isFinal) return this.visitor.informational(status, strings[0]!, passes.informational(fields));
    const fault = this.#answerBody.begin(this.visitor.request.method, status, fields, last);
    if (fault !== null) return this.#fail(fault);
    if (this.#wouldOpen(status)) return this.#fail(StreamCode.NO_UPGRADE);
    if (!this.#isAskedFor(status, fields)) return this.#fail(StreamCode.BAD_HEAD);
    this.#upload?.forget();
    this.status = status;
    this.#isHeadSent = true;
    const timing = this.#measure(head);
    const { scheme } = this.visitor.request.peer;
    const out = passes.answer(fields, status, this.routed.requestId, timing, scheme);
    // With an answer before the end of the upload the connection ends (RFC 9112 §9.3).
    this.visitor.head(status, strings[0]!, out, this.#isUploading);
    if (this.routed.trace?.recording != null && outlastsTrace(status, fields)) this.#entry.traced(this);
    if (last) this.#answered([]);
    else if (status === 101 && isWebSocket(fields)) {
      this.#webSocket = this.#entry.webSockets.add(this.visitor, () => this.#closedLate());
    }
  }

  onData(chunk: Buffer): void {
    this.bytesOut += chunk.length;
    if (!this.#answerBody.take(chunk.length)) return this.#fail(StreamCode.PROTOCOL);
    if ((this.#webSocket ?? this.visitor).write(chunk)) this.#stream!.consumed(chunk.length);
    else this.#unconsumed += chunk.length;
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#answerBody.isShort) return this.#fail(StreamCode.PROTOCOL);
    this.#answered(trailerFields(trailers));
  }

  onCut(code: number, notStarted: boolean): void {
    // Behind an answer it matters to nobody; after a 101 the visitor may be sending still.
    if (this.#isOver || (this.#isAnswered && this.status !== 101)) return;
    const { method } = this.visitor.request;
    const isKept = this.#upload === null || this.#upload.isWhole;
    const isElsewhere = () => this.#entry.servers.isHeldElsewhere(this.routed.session, this.#link);
    const failure = { code, notStarted, method, attempt: this.attempt, isKept, isElsewhere };
    const isWorthIt = !this.#hasBegun && mayRetry(failure);
    const problem = this.#entry.problemOf(code, this.routed.session);
    if (!isWorthIt || !this.#entry.retryBudget.take()) return this.refuse(problem);
    this.routed.trace?.failed(problem.code);
    this.#try(this.#link);
  }

  onWritable(): void {
    this.#upload?.stopStall();
    this.visitor.resumeBody();
  }

  onCredit(): void {
    this.#upload?.forget();
  }

  // ---- from the visitor

  onBody(chunk: Buffer): void {
    // Behind an answer nobody wants the rest; it is read so that the visitor can read. After a 101 there is no such end.
    if (this.#isAnswered && this.status !== 101) return;
    this.bytesIn += chunk.length;
    const limit = this.#entry.settings.config.bodyBytes;
    if (limit > 0 && this.bytesIn > limit && !this.visitor.request.isUpgrade) return this.#tooLarge();
    this.#upload?.keep(chunk);
    if (this.#stream === null || this.#stream.write(chunk)) return;
    this.visitor.pauseBody();
    this.#upload?.startStall(this.#entry.settings.config.uploadStallTimeoutMs, () => this.#uploadStalled());
  }

  onBodyEnd(trailers: readonly string[]): void {
    const kept = trailerFields(trailers);
    this.#upload?.end(kept);
    this.#stream?.end(kept);
  }

  onRefused(refusal: Refusal): void {
    if (this.#isAnswered) return;
    this.#stream?.reset(StreamCode.CANCELLED);
    this.refuse(problemOfRefusal(refusal));
  }

  onDrained(): void {
    const bytes = this.#unconsumed;
    this.#unconsumed = 0;
    if (bytes > 0) this.#stream?.consumed(bytes);
  }

  onFinished(isComplete: boolean): void {
    this.#upload?.stopStall();
    if (this.#webSocket !== null) this.#entry.webSockets.remove(this.#webSocket);
    if (!this.#isOver) {
      this.#isOver = true;
      this.#stream?.reset(isComplete ? StreamCode.DONE : StreamCode.CANCELLED);
    }
    this.#entry.finished(this, isComplete);
  }

  // ---- inside

  get #asked(): Asked {
    return { requestId: this.routed.requestId, hopsUs: this.times.hopsUs, scheme: this.visitor.request.peer.scheme };
  }

  #answerOurselves({ status, reason, fields, body }: OwnAnswer, closes: boolean): void {
    this.status = status;
    this.#isHeadSent = true;
    this.#isAnswered = true;
    this.#upload?.forget();
    this.visitor.head(status, reason, fields, closes || this.#isUploading);
    if (body.length > 0 && this.visitor.request.method !== 'HEAD') {
      this.bytesOut = body.length;
      this.visitor.write(body);
    }
    this.visitor.end([]);
  }

  /** 101 only to a request that asked for it (RFC 9110 §15.2.2), and for that protocol (§7.8). */
  #isAskedFor(status: number, fields: readonly string[]): boolean {
    const { isUpgrade, fields: asked } = this.visitor.request;
    return status !== 101 || (isUpgrade && switchesAsAsked(asked, fields));
  }

  /** RFC 8441 §5: over HTTP/2 any 2xx opens the WebSocket, which the backend did not. */
  #wouldOpen(status: number): boolean {
    const { isUpgrade, httpVersion } = this.visitor.request;
    return isUpgrade && httpVersion === '2' && status < 300 && status !== 101;
  }

  get #isUploading(): boolean {
    return this.#upload !== null && !this.#upload.hasEnded;
  }

  #try(failed: Link | null): void {
    const link = this.#entry.servers.choose(this.routed.session, failed);
    if (link === null) return this.refuse(Problems.noServer);
    this.attempt += 1;
    this.#link = link;
    this.times.opened();
    const stream = new StreamEnd(this.#entry, this);
    this.#stream = stream;
    const leg: Leg = link.openLeg(this.routed.session, stream);
    stream.attach(leg);
    leg.open(this.#openHead(link), this.#upload === null);
    const wantsMore = this.#upload?.replay(stream) === true;
    if (wantsMore && this.attempt > 1) this.visitor.resumeBody();
  }

  #openHead(link: Link): OpenHead {
    const { strings, trace } = this.routed;
    return {
      upgrade: this.visitor.request.isUpgrade,
      attempt: this.attempt,
      rttUs: link.smoothedRttUs,
      session: this.routed.session,
      strings: trace === null ? strings : trace.opened(link, this.times.openedMs, strings),
    };
  }

  #answered(trailers: readonly string[]): void {
    this.#isAnswered = true;
    if (this.#isUploading && this.status !== 101) this.#stream?.reset(StreamCode.DONE);
    this.visitor.end(trailers);
  }

  /** The answer itself is at fault: the far end is told, the visitor sees a cut or an error. */
  #fail(code: StreamCode): void {
    this.#stream?.reset(code);
    this.refuse(problemOfStream(code));
  }

  #closedLate(): void {
    this.#entry.limitHit('websocket-close');
    this.#stream?.reset(StreamCode.DRAINING);
    this.visitor.cut();
  }

  #tooLarge(): void {
    this.#stream?.reset(StreamCode.CANCELLED);
    this.visitor.pauseBody();
    this.refuse(Problems.bodyTooLarge);
  }

  /** The head is about to be written: the hops are known. */
  #measure(head: ResponseHead): string | null {
    const { times } = this;
    times.answered(head);
    this.routed.trace?.answered(head, this.visitor.request.arrivedMs + times.headUs / 1_000);
    if (this.attempt === 1 && head.uploadUs <= UPLOAD_TOLERANCE_US) this.#entry.observeHops(times.hopsUs);
    return this.#entry.settings.config.serverTiming ? serverTiming(times.hopsUs) : null;
  }

  #uploadStalled(): void {
    this.#entry.limitHit('upload-stall');
    this.#fail(StreamCode.UPLOAD_STALLED);
  }
}
