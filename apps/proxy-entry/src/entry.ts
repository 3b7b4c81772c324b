/** The entry's core: takes visitors' exchanges in, knows the servers, counts. No ports of its own. */
import { performance } from 'node:perf_hooks';
import { randomBytes } from 'node:crypto';
import type { EntryConfig } from '@sallyport/config';
import { fitsHead } from '@sallyport/protocol';
import type { Clock, StreamContext, WindowBudget } from '@sallyport/protocol';
import type { AccessLog, AccessRecord, Histogram, Telemetry } from '@sallyport/telemetry';
import { admit, requestIdOf } from './admission.ts';
import { Exchange } from './exchange.ts';
import { Forwarding, valuesOf } from './forwarding.ts';
import { problemAnswer, Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import { RetryBudget } from './retry.ts';
import type { Servers } from './servers.ts';
import type { AdmissionFailure, VisitorExchange, VisitorHandler } from './visitor/transport.ts';

export interface EntryOptions {
  readonly config: EntryConfig;
  readonly deployment: string;
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly servers: Servers;
  readonly telemetry: Telemetry;
  /** Null: no access log. */
  readonly accessLog: AccessLog | null;
}

const FAILURES: Readonly<Record<AdmissionFailure, Problem>> = {
  'bad-request': Problems.badRequest,
  'head-too-large': Problems.headTooLarge,
  'head-timeout': Problems.headTimeout,
};

export class Entry implements StreamContext, VisitorHandler {
  readonly clock: Clock;
  readonly budget: WindowBudget;
  readonly maxWindowBytes: number;
  readonly servers: Servers;
  readonly forwarding: Forwarding;
  readonly retryBudget: RetryBudget;
  readonly serverTiming: boolean;
  readonly bodyBytes: number;
  readonly uploadStallTimeoutMs: number;
  exchanges = 0;
  isDraining = false;
  readonly #options: EntryOptions;
  readonly #telemetry: Telemetry;
  readonly #exchangeSeconds: Histogram;
  readonly #processId = randomBytes(8).toString('hex');
  #requests = 0;
  #wakeDrain: (() => void) | null = null;

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
    this.forwarding = new Forwarding({
      pseudonym: `sallyport-${deployment}`,
      trustedProxies: config.trustedProxies,
    });
  }

  /** Resolves when every exchange that runs is over. The caller sets the limit. */
  async drain(): Promise<void> {
    this.isDraining = true;
    if (this.exchanges > 0) await new Promise<void>((resolve) => (this.#wakeDrain = resolve));
  }

  // ---- from the visitor transport

  onRequest(visitor: VisitorExchange): void {
    this.exchanges += 1;
    this.retryBudget.request();
    const { request } = visitor;
    const requestId = requestIdOf(request.fields) ?? this.#newRequestId();
    const admission = admit(this.#options.config, this.#options.config, request);
    if (admission.kind !== 'admitted') {
      const exchange = new Exchange(this, visitor, { session: '', requestId, strings: [] });
      if (admission.kind === 'redirect') exchange.redirect(admission.location);
      else exchange.refuse(admission.problem);
      return;
    }
    const { session, target, prefix } = admission.route;
    const strings = [request.method, target];
    const isNew = this.forwarding.request(strings, request.fields, {
      remoteAddress: request.peer.remoteAddress,
      httpVersion: request.httpVersion,
      scheme: request.peer.scheme,
      host: admission.host,
      prefix,
      requestId,
      isUpgrade: request.isUpgrade,
    });
    const exchange = new Exchange(this, visitor, { session, requestId, strings });
    if (!isNew) exchange.refuse(Problems.loop);
    // With our own fields it may be more than a frame carries.
    else if (!fitsHead(strings, 2)) exchange.refuse(Problems.headTooLarge);
    else if (this.servers.isSynced) exchange.start();
    else void this.servers.whenSynced(this.#options.config.sessionSyncTimeoutMs).then(() => exchange.start());
  }

  onRefused(failure: AdmissionFailure): string {
    const problem = FAILURES[failure];
    this.#telemetry.countRequest(problem.status, 0);
    this.#telemetry.refused(problem.code);
    const { fields, body } = problemAnswer(problem, this.#newRequestId());
    let head = `HTTP/1.1 ${problem.status} ${problem.title}\r\nConnection: close\r\n`;
    for (let i = 0; i < fields.length; i += 2) head += `${fields[i]!}: ${fields[i + 1]!}\r\n`;
    return `${head}\r\n${body.toString()}`;
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
    const { status, headUs, problem } = exchange;
    const seconds = (performance.now() - exchange.visitor.request.arrivedMs) / 1_000;
    // A visitor that left before its answer began: 499, as nginx logs it.
    this.#telemetry.countRequest(status === 0 ? VISITOR_GONE : status, headUs / 1e6);
    this.#exchangeSeconds.observe(seconds);
    if (problem !== null) this.#telemetry.refused(problem.code);
    this.#options.accessLog?.record(accessRecord(exchange, seconds, isComplete));
    if (this.exchanges === 0) this.#wakeDrain?.();
  }
}

const VISITOR_GONE = 499;

function accessRecord(exchange: Exchange, seconds: number, isComplete: boolean): AccessRecord {
  const { visitor, routed, problem } = exchange;
  return {
    requestId: routed.requestId,
    arrivedMs: performance.timeOrigin + visitor.request.arrivedMs,
    method: visitor.request.method,
    host: valuesOf(visitor.request.fields, 'host')[0] ?? '',
    target: visitor.request.target,
    status: exchange.status === 0 ? VISITOR_GONE : exchange.status,
    bytesIn: exchange.bytesIn,
    bytesOut: exchange.bytesOut,
    durationMs: seconds * 1_000,
    remote: visitor.request.peer.remoteAddress,
    session: routed.session,
    attempts: exchange.attempt,
    hopsUs: exchange.hopsUs,
    ...(problem === null ? {} : { code: problem.code, cause: problem.title }),
    ...(isComplete || problem !== null ? {} : { cause: 'cut' }),
  };
}
