/**
 * One request at the entry: admitted and routed already, from here through a server to a backend and back.
 *
 *   trying ──(one retry)──▶ answering ──▶ over        trying ──▶ our own answer ──▶ over
 */
import { performance } from 'node:perf_hooks';
import { STATUS_CODES } from 'node:http';
import { endToEnd, MergeBuffer, StreamCode, StreamEnd } from '@sallyport/protocol';
import type { Leg, Link, OpenHead, ResponseHead, StreamHandler } from '@sallyport/protocol';
import { declaredLength } from './content-length.ts';
import type { Entry } from './entry.ts';
import { problemAnswer, problemOfStream, Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { mayRetry } from './retry.ts';
import { attribute, HOP_NAMES, serverTiming, UPLOAD_TOLERANCE_US } from './timing.ts';
import type { VisitorExchange, VisitorListener } from './visitor/transport.ts';

export interface RoutedRequest {
  readonly session: string;
  readonly requestId: string;
  /** method, target, then name, value, … as they go to the backend. */
  readonly strings: readonly string[];
}

export class Exchange implements StreamHandler, VisitorListener {
  readonly hopsUs = new Float64Array(HOP_NAMES.length);
  status = 0;
  /** From the request to the head of its answer; 0 where none was written. */
  headUs = 0;
  bytesIn = 0;
  bytesOut = 0;
  attempt = 0;
  problem: Problem | null = null;
  readonly visitor: VisitorExchange;
  readonly routed: RoutedRequest;
  readonly #entry: Entry;
  #stream: StreamEnd | null = null;
  #link: Link | null = null;
  #openedMs = 0;
  /** The body so far, for a second try; null once it is not whole any more. Its limit: W0 and one chunk. */
  #kept: MergeBuffer | null = null;
  #bodyEnded = false;
  #trailers: readonly string[] = [];
  #isHeadSent = false;
  #isOver = false;
  /** All of an answer was handed to the visitor's side: what the stream does afterwards does not matter. */
  #isAnswered = false;
  #unconsumed = 0;
  /** What Content-Length still allows; negative where there is none. */
  #bodyLeft = -1;
  #stallTimer: NodeJS.Timeout | null = null;

  constructor(entry: Entry, visitor: VisitorExchange, routed: RoutedRequest) {
    this.#entry = entry;
    this.visitor = visitor;
    this.routed = routed;
    visitor.listener = this;
  }

  start(): void {
    if (this.visitor.request.hasBody) this.#kept = new MergeBuffer();
    // The visitor left while the entry waited for its first list of sessions.
    if (this.#isOver) return;
    this.#try(null);
    if (this.visitor.request.hasBody && !this.#isOver) this.visitor.startBody();
  }

  /** Ends it with an answer of our own. */
  refuse(problem: Problem): void {
    this.problem = problem;
    this.#stopStallTimer();
    if (this.#isHeadSent) return this.visitor.cut();
    const { fields, body } = problemAnswer(problem, this.routed.requestId);
    this.#answerOurselves(problem, fields, body);
  }

  /** `/session/<id>` without its slash. */
  redirect(location: string): void {
    this.#answerOurselves(REDIRECT, ['Location', location, 'Content-Length', '0'], null);
  }

  // ---- from the stream

  onHead(head: ResponseHead, last: boolean): void {
    const { strings, status } = head;
    const fields = strings.slice(1);
    const isFinal = status >= 200 || status === 101;
    if (!isFinal) return this.visitor.informational(status, strings[0]!, endToEnd(fields, false));
    const length = declaredLength(fields);
    if (length === null || !this.#isAskedFor(status)) return this.#fail(StreamCode.BAD_HEAD);
    // No body where one was promised: the next answer on the connection would be taken for it.
    if (last && length > 0 && !this.#isBodiless(status)) return this.#fail(StreamCode.PROTOCOL);
    const isBodiless = last || status === 101;
    this.#bodyLeft = isBodiless ? -1 : length;
    this.#kept = null;
    this.status = status;
    this.#isHeadSent = true;
    const timing = this.#measure(head);
    const out = this.#entry.forwarding.response(fields, this.routed.requestId, timing, status === 101);
    this.visitor.head(status, strings[0]!, out, last && this.#isUploading);
    if (last) this.#answered([]);
  }

  onData(chunk: Buffer): void {
    this.bytesOut += chunk.length;
    if (this.#bodyLeft >= 0) {
      this.#bodyLeft -= chunk.length;
      // More than was declared would be read as the next answer on this connection.
      if (this.#bodyLeft < 0) return this.#fail(StreamCode.PROTOCOL);
    }
    if (this.visitor.write(chunk)) this.#stream!.consumed(chunk.length);
    else this.#unconsumed += chunk.length;
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#bodyLeft > 0) return this.#fail(StreamCode.PROTOCOL);
    this.#answered(endToEnd(trailers, false));
  }

  onCut(code: number, notStarted: boolean): void {
    // Behind an answer it matters to nobody; after a 101 the visitor may be sending still.
    if (this.#isOver || (this.#isAnswered && this.status !== 101)) return;
    const { method } = this.visitor.request;
    const isKept = this.#kept !== null || !this.visitor.request.hasBody;
    const isWorthIt = !this.#isHeadSent && mayRetry(code, notStarted, method, this.attempt, isKept);
    if (isWorthIt && this.#entry.retryBudget.take()) this.#try(this.#link);
    else this.refuse(problemOfStream(code));
  }

  onWritable(): void {
    this.#stopStallTimer();
    this.visitor.resumeBody();
  }

  onCredit(): void {
    if (this.visitor.request.hasBody) this.#kept = null;
  }

  // ---- from the visitor

  onBody(chunk: Buffer): void {
    // Behind an answer nobody wants the rest; it is read so that the visitor can read. After a 101 there is no such end.
    if (this.#isAnswered && this.status !== 101) return;
    this.bytesIn += chunk.length;
    const limit = this.#entry.bodyBytes;
    if (limit > 0 && this.bytesIn > limit && !this.visitor.request.isUpgrade) return this.#tooLarge();
    this.#kept?.add(chunk);
    if (this.#stream === null || this.#stream.write(chunk)) return;
    this.visitor.pauseBody();
    this.#startStallTimer();
  }

  onBodyEnd(trailers: readonly string[]): void {
    this.#bodyEnded = true;
    this.#trailers = endToEnd(trailers, false);
    this.#stream?.end(this.#trailers);
  }

  onDrained(): void {
    const bytes = this.#unconsumed;
    this.#unconsumed = 0;
    if (bytes > 0) this.#stream?.consumed(bytes);
  }

  onFinished(isComplete: boolean): void {
    this.#stopStallTimer();
    if (!this.#isOver) {
      this.#isOver = true;
      this.#stream?.reset(isComplete ? StreamCode.DONE : StreamCode.CANCELLED);
    }
    this.#entry.finished(this, isComplete);
  }

  // ---- inside

  #answerOurselves(answer: Pick<Problem, 'status' | 'hop' | 'closes'>, fields: string[], body: Buffer | null): void {
    this.status = answer.status;
    this.#isHeadSent = true;
    this.#isAnswered = true;
    this.#kept = null;
    const timing = this.#ownTiming(answer.hop);
    const all = this.#entry.forwarding.response(fields, this.routed.requestId, timing, false);
    this.visitor.head(
      answer.status,
      STATUS_CODES[answer.status] ?? '',
      all,
      answer.closes === true || this.#isUploading,
    );
    if (body !== null && this.visitor.request.method !== 'HEAD') {
      this.bytesOut = body.length;
      this.visitor.write(body);
    }
    this.visitor.end([]);
  }

  /** 101 only to a request that asked for it (RFC 9110 §15.2.2). */
  #isAskedFor(status: number): boolean {
    return status !== 101 || this.visitor.request.isUpgrade;
  }

  /** RFC 9112 §6.3: Content-Length here speaks of a body that is not sent. */
  #isBodiless(status: number): boolean {
    return this.visitor.request.method === 'HEAD' || status === 304 || status === 204;
  }

  get #isUploading(): boolean {
    return this.visitor.request.hasBody && !this.#bodyEnded;
  }

  #try(failed: Link | null): void {
    const link = this.#entry.servers.choose(this.routed.session, failed);
    if (link === null) return this.refuse(Problems.noServer);
    this.attempt += 1;
    this.#link = link;
    this.#openedMs = performance.now();
    const stream = new StreamEnd(this.#entry, this);
    this.#stream = stream;
    const leg: Leg = link.openLeg(this.routed.session, stream);
    stream.attach(leg);
    leg.open(this.#openHead(link), !this.visitor.request.hasBody);
    let isRoom = true;
    if (this.#kept !== null && this.#kept.length > 0) isRoom = stream.write(this.#kept.view());
    if (this.#bodyEnded) stream.end(this.#trailers);
    else if (this.attempt > 1 && isRoom) this.visitor.resumeBody();
  }

  #openHead(link: Link): OpenHead {
    return {
      upgrade: this.visitor.request.isUpgrade,
      attempt: this.attempt,
      rttUs: link.smoothedRttUs,
      session: this.routed.session,
      strings: this.routed.strings,
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

  #tooLarge(): void {
    this.#entry.limitHit('body');
    this.#stream?.reset(StreamCode.CANCELLED);
    this.visitor.pauseBody();
    this.refuse(Problems.bodyTooLarge);
  }

  /** The head is about to be written: the hops are known. */
  #measure(head: ResponseHead): string | null {
    const now = performance.now();
    const totalUs = (now - this.visitor.request.arrivedMs) * 1_000;
    this.headUs = totalUs;
    attribute(this.hopsUs, totalUs, (now - this.#openedMs) * 1_000, head);
    if (this.attempt === 1 && head.uploadUs <= UPLOAD_TOLERANCE_US) this.#entry.observeHops(this.hopsUs);
    return this.#entry.serverTiming ? serverTiming(this.hopsUs) : null;
  }

  /** An answer of our own: the time since OPEN is charged to the hop at fault; hops not reached took none. */
  #ownTiming(hop: Problem['hop']): string | null {
    const now = performance.now();
    const totalUs = Math.round((now - this.visitor.request.arrivedMs) * 1_000);
    const streamUs = this.#openedMs === 0 ? 0 : Math.min(totalUs, Math.round((now - this.#openedMs) * 1_000));
    const atFault = Math.max(0, (HOP_NAMES as readonly string[]).indexOf(hop));
    this.hopsUs.fill(0);
    this.hopsUs[0] = totalUs - streamUs;
    this.hopsUs[atFault] = this.hopsUs[atFault]! + streamUs;
    this.headUs = totalUs;
    return this.#entry.serverTiming ? serverTiming(this.hopsUs) : null;
  }

  #startStallTimer(): void {
    this.#stallTimer ??= setTimeout(() => {
      this.#entry.limitHit('upload-stall');
      this.#fail(StreamCode.UPLOAD_STALLED);
    }, this.#entry.uploadStallTimeoutMs);
  }

  #stopStallTimer(): void {
    if (this.#stallTimer !== null) clearTimeout(this.#stallTimer);
    this.#stallTimer = null;
  }
}

const REDIRECT = { status: 308, hop: 'entry' } as const;
