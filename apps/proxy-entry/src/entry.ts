/** The entry's core: takes visitors' exchanges in, knows the servers, counts. No ports of its own. */
import { performance } from 'node:perf_hooks';
import { randomBytes } from 'node:crypto';
import { fitsHead, StreamCode } from '@sallyport/protocol';
import type { Clock, StreamContext, WindowBudget } from '@sallyport/protocol';
import { HOPS } from '@sallyport/telemetry';
import type { Histogram, SloCounts, Telemetry } from '@sallyport/telemetry';
import { exchangeRecord, linkRecord, refusedRecord, VISITOR_GONE } from './access-records.ts';
import { admit, wordsOf } from './admission.ts';
import type { Words } from './admission.ts';
import { Exchange } from './exchange.ts';
import type { Dialled } from './links/ask-server.ts';
import { Passages } from './links/passages.ts';
import { problemOfStream, Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { problemOfRefusal } from './refusal.ts';
import { RetryBudget } from './retry.ts';
import type { Servers } from './servers.ts';
import { EntrySettings } from './settings.ts';
import type { EntrySettingsOptions } from './settings.ts';
import { outcomeOf } from './slo-outcome.ts';
import { traceIdOf } from './tracing/trace-parent.ts';
import type { Tracer } from './tracing/tracer.ts';
import type { OwnAnswer, Peer, Refusal } from './visitor/transport.ts';
import type { VisitorExchange, VisitorHandler, VisitorRequest } from './visitor/transport.ts';
import { WebSockets } from './websocket/web-sockets.ts';

export interface EntryOptions extends EntrySettingsOptions {
  readonly deployment: string;
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly servers: Servers;
  readonly telemetry: Telemetry;
  readonly slo: SloCounts;
  /** Null: there are no traces. */
  readonly tracer: Tracer | null;
}

export class Entry implements StreamContext, VisitorHandler {
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly servers: Servers;
  settings: EntrySettings;
  readonly retryBudget: RetryBudget;
  readonly webSockets = new WebSockets();
  readonly passages: Passages;
  exchanges = 0;
  isDraining = false;
  /** Our name in Via. */
  readonly #pseudonym: string;
  readonly #slo: SloCounts;
  readonly #telemetry: Telemetry;
  readonly #tracer: Tracer | null;
  readonly #exchangeSeconds: Histogram;
  readonly #processId = randomBytes(8).toString('hex');
  #requests = 0;
  #wakeQuiet: (() => void) | null = null;

  constructor(options: EntryOptions) {
    const { config, linkServers } = options;
    this.#pseudonym = `sallyport-${options.deployment}`;
    this.#slo = options.slo;
    this.#telemetry = options.telemetry;
    this.#tracer = options.tracer;
    this.#exchangeSeconds = options.telemetry.histogram('sallyport_exchange_seconds', {
      help: 'Time from the request to the last byte of its answer.',
    });
    this.clock = options.clock;
    this.budget = options.budget;
    this.maxWindowBytes = options.maxWindowBytes;
    this.servers = options.servers;
    this.settings = new EntrySettings(options, this.#pseudonym);
    this.retryBudget = new RetryBudget(config.retryBudgetPercent);
    this.passages = new Passages({
      pseudonym: this.#pseudonym,
      limitHit: (limit) => this.limitHit(limit),
      answerOf: (problem, dialled) => this.#linkRefused(problem, dialled),
      onAnswered: (status, dialled) => this.#linkAnswered(status, dialled, this.#newRequestId(), null, 0),
    });
    this.passages.configure(linkServers, config.tls.maxLinks);
  }

  /** From now on this is in force. A request under way is judged by what was when it came, and answered by what is. */
  configure(options: EntrySettingsOptions): void {
    const { config, linkServers } = options;
    this.settings = new EntrySettings(options, this.#pseudonym);
    this.retryBudget.configure(config.retryBudgetPercent);
    this.passages.configure(linkServers, config.tls.maxLinks);
  }

  /** It is about to stop: not ready for more, and WebSockets and links that pass are told. */
  beginDrain(): void {
    this.isDraining = true;
    this.webSockets.drain();
    this.passages.drain();
  }

  /** Resolves when no exchange runs, nor a link passes. The caller sets the limit. */
  async quiet(): Promise<void> {
    if (this.exchanges > 0) await new Promise<void>((resolve) => (this.#wakeQuiet = resolve));
    await this.passages.quiet();
  }

  // ---- from the visitor transport

  onRequest(visitor: VisitorExchange): void {
    const { request } = visitor;
    const { config, edge, accessLog, passes } = this.settings;
    const said = wordsOf(request.fields);
    const requestId = said.requestId ?? this.#newRequestId();
    const origin = passes.origin(request.peer.remoteAddress, request.fields);
    const remote = origin.address;
    const admission = admit(config, config, request, said, edge, origin.believed?.scheme);
    if (admission.kind === 'link') return this.passages.take(visitor, remote);
    this.exchanges += 1;
    this.retryBudget.request();
    const { traceParent } = said;
    const trace = this.#tracer === null ? null : this.#tracer.begin(traceParent, this.#mayAskForTrace(request, said));
    const traceId = trace?.traceId ?? (accessLog === null ? '' : traceIdOf(traceParent));
    if (admission.kind !== 'admitted') {
      const nowhere = { session: '', host: said.host, requestId, remote, traceId, trace, strings: [] };
      const exchange = new Exchange(this, visitor, nowhere);
      return admission.kind === 'refused' ? exchange.refuse(admission.problem) : exchange.answerHere(admission);
    }
    const { host, maxForwards } = admission;
    const { session, target, prefix } = admission.route;
    const strings = [request.method, target];
    const isNew = passes.request(strings, request.fields, {
      origin,
      httpVersion: request.httpVersion,
      scheme: request.peer.scheme,
      host,
      prefix,
      maxForwards,
      requestId,
      trace,
      isUpgrade: request.isUpgrade,
      clientCertificate: request.peer.clientCertificate,
    });
    const exchange = new Exchange(this, visitor, { session, host, requestId, remote, traceId, trace, strings });
    if (!isNew) exchange.refuse(Problems.loop);
    // With our own fields it may be more than a frame carries.
    else if (!fitsHead(strings, 2)) exchange.refuse(Problems.headTooLarge);
    else if (this.servers.isSynced) exchange.start();
    else void this.servers.whenSynced(config.sessionSyncTimeoutMs).then(() => exchange.start());
  }

  onRefused(refusal: Refusal, peer: Peer): OwnAnswer {
    return this.#answerOf(problemOfRefusal(refusal), peer);
  }

  get passingLinks(): number {
    return this.passages.size;
  }

  get maxPassingLinks(): number {
    return this.passages.limit;
  }

  /** By the flag of its traceparent. Whether what the peer says of the way is believed is another matter. */
  #mayAskForTrace({ peer }: VisitorRequest, { traceParent }: Words): boolean {
    return traceParent !== null && this.settings.passes.trusts(peer.remoteAddress);
  }

  /** To what never became an exchange; counted and logged. */
  #answerOf(problem: Problem, peer: Peer): OwnAnswer {
    const requestId = this.#newRequestId();
    const answer = this.settings.ownAnswers.ofProblem(problem, { requestId, hopsUs: NO_HOPS, scheme: peer.scheme });
    this.#telemetry.countRequest(problem.status, 0);
    this.#countRefused(problem);
    const { remoteAddress } = peer;
    this.settings.accessLog?.record(refusedRecord(problem, requestId, remoteAddress, answer.body.length, NO_HOPS));
    return answer;
  }

  #linkRefused(problem: Problem, dialled: Dialled): OwnAnswer {
    const requestId = this.#newRequestId();
    const { scheme } = dialled.request.peer;
    const answer = this.settings.ownAnswers.ofProblem(problem, { requestId, hopsUs: NO_HOPS, scheme });
    this.#linkAnswered(problem.status, dialled, requestId, problem, answer.body.length);
    this.#countRefused(problem);
    return answer;
  }

  /** Who dials a server through us is told so; a link that opens is one line, its life is told by the server. */
  #linkAnswered(status: number, dialled: Dialled, requestId: string, problem: Problem | null, bytesOut: number): void {
    const { request, remote } = dialled;
    const seconds = (performance.now() - request.arrivedMs) / 1_000;
    this.#telemetry.countRequest(status, seconds);
    this.settings.accessLog?.record(linkRecord({ status, request, remote, requestId, problem, bytesOut, seconds }));
  }

  /** Unique, not secret: a random name of this process and a count cost a tenth of a UUID. */
  #newRequestId(): string {
    this.#requests += 1;
    return `${this.#processId}-${this.#requests.toString(36)}`;
  }

  limitHit(limit: string): void {
    this.#telemetry.limitHit(limit);
  }

  // ---- from exchanges

  /** What a stream came to. A session that one server does not know may be one that another holds. */
  problemOf(code: number, session: string): Problem {
    const isElsewhere = code === StreamCode.NO_SESSION && this.servers.isKnown(session);
    return isElsewhere ? Problems.noClient : problemOfStream(code);
  }

  observeHops(hopsUs: Float64Array): void {
    this.#telemetry.observeHops(hopsUs);
  }

  /**
   * Its spans tell of no more than what has been: once the head has gone out, which is held until the end of the turn and
   * may be taken back until then.
   */
  traced(exchange: Exchange): void {
    process.nextTick(() => {
      if (exchange.problem === null) this.#tracer?.finished(exchange, true);
    });
  }

  finished(exchange: Exchange, isComplete: boolean): void {
    this.exchanges -= 1;
    const { status, times, problem } = exchange;
    const seconds = (performance.now() - exchange.visitor.request.arrivedMs) / 1_000;
    this.#telemetry.countRequest(status === 0 ? VISITOR_GONE : status, times.headUs / 1e6);
    this.#exchangeSeconds.observe(seconds);
    const outcome = outcomeOf(status, problem, exchange.attempt > 0);
    if (outcome !== 'no-event') this.#slo.count(outcome === 'good', times.headUs / 1e6);
    if (problem !== null) this.#countRefused(problem);
    this.settings.accessLog?.record(exchangeRecord(exchange, seconds, isComplete));
    this.#tracer?.finished(exchange, isComplete);
    if (this.exchanges === 0) this.#wakeQuiet?.();
  }

  #countRefused(problem: Problem): void {
    const { code, limit } = problem;
    this.#telemetry.refused(code);
    if (limit !== undefined) this.limitHit(limit);
  }
}

/** Of what never became an exchange. */
const NO_HOPS = new Float64Array(HOPS.length);
