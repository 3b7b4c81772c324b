/** The entry's core: takes visitors' exchanges in, knows the servers, counts. No ports of its own. */
import { performance } from 'node:perf_hooks';
import { randomBytes } from 'node:crypto';
import type { EntryConfig } from '@sallyport/config';
import { fitsHead } from '@sallyport/protocol';
import type { Clock, StreamContext, WindowBudget } from '@sallyport/protocol';
import type { AccessLog, Histogram, Telemetry } from '@sallyport/telemetry';
import { exchangeRecord, refusedRecord, VISITOR_GONE } from './access-records.ts';
import { admit, wordsOf } from './admission.ts';
import { Exchange } from './exchange.ts';
import { HeadPasses } from './fields/head-passes.ts';
import { OwnAnswers } from './own-answers.ts';
import { Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { RetryBudget } from './retry.ts';
import { HOP_NAMES } from './timing.ts';
import type { Servers } from './servers.ts';
import type { EdgePolicy } from './tls/policy.ts';
import { limitOfProblem, problemOfRefusal } from './refusal.ts';
import type { OwnAnswer, Peer, Refusal, VisitorExchange, VisitorHandler } from './visitor/transport.ts';
import { WebSockets } from './websocket/web-sockets.ts';

export interface EntryOptions {
  readonly config: EntryConfig;
  readonly deployment: string;
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly servers: Servers;
  readonly telemetry: Telemetry;
  /** Null: there is no TLS. */
  readonly edge: EdgePolicy | null;
  /** Null: no access log. */
  readonly accessLog: AccessLog | null;
}

export class Entry implements StreamContext, VisitorHandler {
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly servers: Servers;
  readonly passes: HeadPasses;
  readonly ownAnswers: OwnAnswers;
  readonly retryBudget: RetryBudget;
  readonly serverTiming: boolean;
  readonly bodyBytes: number;
  readonly uploadStallTimeoutMs: number;
  readonly webSockets = new WebSockets();
  exchanges = 0;
  isDraining = false;
  readonly #options: EntryOptions;
  readonly #telemetry: Telemetry;
  readonly #exchangeSeconds: Histogram;
  readonly #processId = randomBytes(8).toString('hex');
  #requests = 0;
  #wakeQuiet: (() => void) | null = null;

  constructor(options: EntryOptions) {
    const { config, deployment } = options;
    this.#options = options;
    this.#telemetry = options.telemetry;
    this.#exchangeSeconds = options.telemetry.histogram('sallyport_exchange_seconds', {
      help: 'Time from the request to the last byte of its answer.',
    });
    this.clock = options.clock;
    this.budget = options.budget;
    this.maxWindowBytes = options.maxWindowBytes;
    this.servers = options.servers;
    this.serverTiming = config.serverTiming;
    this.bodyBytes = config.bodyBytes;
    this.uploadStallTimeoutMs = config.uploadStallTimeoutMs;
    this.retryBudget = new RetryBudget(config.retryBudgetPercent);
    const { trustedProxies, tls } = config;
    this.passes = new HeadPasses({
      pseudonym: `sallyport-${deployment}`,
      trustedProxies,
      hstsMaxAgeS: tls.hstsMaxAgeS,
    });
    this.ownAnswers = new OwnAnswers(this.passes, this.serverTiming);
  }

  /** It is about to stop: not ready for more, and WebSockets are told. */
  beginDrain(): void {
    this.isDraining = true;
    this.webSockets.drain();
  }

  /** Resolves when no exchange runs. The caller sets the limit. */
  async quiet(): Promise<void> {
    if (this.exchanges > 0) await new Promise<void>((resolve) => (this.#wakeQuiet = resolve));
  }

  // ---- from the visitor transport

  onRequest(visitor: VisitorExchange): void {
    this.exchanges += 1;
    this.retryBudget.request();
    const { request } = visitor;
    const said = wordsOf(request.fields);
    const requestId = said.requestId ?? this.#newRequestId();
    const origin = this.passes.origin(request.peer.remoteAddress, request.fields);
    const remote = origin.address;
    const { config, edge } = this.#options;
    const admission = admit(config, config, request, said, edge, origin.believed?.scheme);
    if (admission.kind !== 'admitted') {
      const nowhere = { session: '', host: said.host, requestId, remote, strings: [] };
      const exchange = new Exchange(this, visitor, nowhere);
      return admission.kind === 'refused' ? exchange.refuse(admission.problem) : exchange.answerHere(admission);
    }
    const { host, maxForwards } = admission;
    const { session, target, prefix } = admission.route;
    const strings = [request.method, target];
    const isNew = this.passes.request(strings, request.fields, {
      origin,
      httpVersion: request.httpVersion,
      scheme: request.peer.scheme,
      host,
      prefix,
      maxForwards,
      requestId,
      isUpgrade: request.isUpgrade,
      clientCertificate: request.peer.clientCertificate,
    });
    const exchange = new Exchange(this, visitor, { session, host, requestId, remote, strings });
    if (!isNew) exchange.refuse(Problems.loop);
    // With our own fields it may be more than a frame carries.
    else if (!fitsHead(strings, 2)) exchange.refuse(Problems.headTooLarge);
    else if (this.servers.isSynced) exchange.start();
    else void this.servers.whenSynced(this.#options.config.sessionSyncTimeoutMs).then(() => exchange.start());
  }

  onRefused(refusal: Refusal, peer: Peer): OwnAnswer {
    const problem = problemOfRefusal(refusal);
    const requestId = this.#newRequestId();
    const answer = this.ownAnswers.ofProblem(problem, { requestId, hopsUs: NO_HOPS, scheme: peer.scheme });
    this.#telemetry.countRequest(problem.status, 0);
    this.#countRefused(problem);
    const { remoteAddress } = peer;
    this.#options.accessLog?.record(refusedRecord(problem, requestId, remoteAddress, answer.body.length, NO_HOPS));
    return answer;
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

  observeHops(hopsUs: Float64Array): void {
    this.#telemetry.observeHops(hopsUs);
  }

  finished(exchange: Exchange, isComplete: boolean): void {
    this.exchanges -= 1;
    const { status, times, problem } = exchange;
    const seconds = (performance.now() - exchange.visitor.request.arrivedMs) / 1_000;
    this.#telemetry.countRequest(status === 0 ? VISITOR_GONE : status, times.headUs / 1e6);
    this.#exchangeSeconds.observe(seconds);
    if (problem !== null) this.#countRefused(problem);
    this.#options.accessLog?.record(exchangeRecord(exchange, seconds, isComplete));
    if (this.exchanges === 0) this.#wakeQuiet?.();
  }

  #countRefused(problem: Problem): void {
    this.#telemetry.refused(problem.code);
    const limit = limitOfProblem(problem);
    if (limit !== undefined) this.limitHit(limit);
  }
}

/** Of what never became an exchange. */
const NO_HOPS = new Float64Array(HOP_NAMES.length);
