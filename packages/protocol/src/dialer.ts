/**
 * Keeps one link to one server: dials, dials again after a loss (full jitter, for ever), and replaces a link that goes
 * away while its streams finish. Stops for good only where it is refused, and so are all others of its part.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Clock, Timer } from './clock.ts';
import { CloseCode, closeCodeName, CREDENTIAL_FOR_CLIENT, CREDENTIAL_FOR_ENTRY, CREDENTIAL_REVOKED } from './codes.ts';
import type { LinkAddress, LinkTls } from './link-address.ts';
import type { LinkClosed } from './link-handler.ts';
import type { Link } from './link.ts';
import type { Transport } from './transport.ts';
import { TunnelAgent } from './tunnel.ts';
import { LINK_PATH, SUBPROTOCOL } from './wire.ts';
import { maskGenerator, WS_OPTIONS, WsTransport } from './ws-transport.ts';

export interface DialerOptions {
  readonly address: LinkAddress;
  readonly credential: { readonly id: string; readonly secret: string };
  readonly clock: Clock;
  /** 0 ≤ random() < 1. */
  readonly random: () => number;
  readonly backoff: { readonly minMs: number; readonly maxMs: number };
  readonly makeLink: (transport: Transport) => Link;
  readonly onEvent: (event: DialEvent) => void;
  /** True: a refusal is no end, since what it is about may yet be put right; asked at each. Without it each is. */
  readonly isPatient?: () => boolean;
  /** True: another dialler of the same part has not been refused, so that this one's refusal is not the part's end. */
  readonly hasOthers?: () => boolean;
}

export type DialEvent =
  | { readonly kind: 'up'; readonly isFirst: boolean }
  | { readonly kind: 'lost'; readonly reason: string; readonly retryInMs: number }
  /** Dialling again cannot help, and no other dialler of the part can: a refused credential or session, or no common version. */
  | {
      readonly kind: 'fatal';
      readonly code: 'SP_CREDENTIAL_REFUSED' | 'SP_SESSION_REFUSED' | 'SP_VERSION';
      readonly reason: string;
    };

const HANDSHAKE_TIMEOUT_MS = 10_000;
const LASTED_MS = 5_000;
/** Behind so many the back-off is as long as it gets. */
const MANY_FAILURES = 30;
const REAP_PERIOD_MS = 1_000;
const MAYBE_REFUSED = 'the server may not accept the certificate that it was shown (link.certificateFile)';
/** What the reason of a close says of our credential. */
const CREDENTIAL_FAULTS = new Map([
  [CREDENTIAL_REVOKED, 'it was revoked'],
  [CREDENTIAL_FOR_CLIENT, 'it is for clients, and this is an entry'],
  [CREDENTIAL_FOR_ENTRY, 'it is for entries, and this is a client'],
]);
const NO_CERTIFICATE = 'the server asks for a certificate (link.certificateFile, link.keyFile)';

export class Dialer {
  readonly #options: DialerOptions;
  /** The link in use; others may still be finishing their streams. */
  #link: Link | null = null;
  readonly #finishing = new Set<Link>();
  /** The attempt under way; null once it is a link or has failed. */
  #attempt: WebSocket | null = null;
  /** Runs while links are finishing. */
  #reaper: Timer | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  /** When the link in use became ready; null while none is. */
  #upSinceMs: number | null = null;
  #wasUp = false;
  #isStopped = false;
  #isRefused = false;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** The link that takes new streams; null while there is none. */
  get link(): Link | null {
    return this.#link;
  }

  /** The link in use and those that are finishing. */
  get links(): Link[] {
    return this.#link === null ? [...this.#finishing] : [this.#link, ...this.#finishing];
  }

  /** What was heard last is that dialling again cannot help. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  start(): void {
    let tls: LinkTls;
    try {
      tls = this.#options.address.tls();
    } catch (error) {
      return this.#retry(reasonOf(error as Error, false));
    }
    const webSocket = this.#dial(tls);
    this.#attempt = webSocket;
    let socket: Socket | null = null;
    webSocket.on('upgrade', (response) => (socket = response.socket));
    webSocket.once('open', () => this.#opened(webSocket, socket!));
    webSocket.once('unexpected-response', (request, response: IncomingMessage) => {
      request.destroy();
      this.#answered(webSocket, response.statusCode ?? 0);
    });
    // Every time: ending an attempt that is under way is an error of its own.
    webSocket.on('error', (error) => this.#failed(webSocket, reasonOf(error, tls.cert !== undefined)));
  }

  #dial(tls: LinkTls): WebSocket {
    const { address, credential } = this.#options;
    const { url, isPrivate, proxy } = address;
    const generateMask = maskGenerator(isPrivate);
    const tunnel = { isTls: url.startsWith('wss:'), timeoutMs: HANDSHAKE_TIMEOUT_MS };
    const agent = proxy === null ? null : new TunnelAgent({ ...tunnel, proxy });
    const webSocket = new WebSocket(url.replace(/\/$/, '') + LINK_PATH, SUBPROTOCOL, {
      ...WS_OPTIONS,
      ...tls,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headers: { Authorization: `Bearer ${credential.id}.${credential.secret}` },
      ...(generateMask === undefined ? {} : { generateMask }),
      ...(agent === null ? {} : { agent }),
    });
    // An attempt that is given up must not leave its tunnel being dug.
    if (agent !== null) webSocket.once('close', () => agent.destroy());
    return webSocket;
  }

  /** The link in use is going away: another one is dialled, and this one ends when its streams have. */
  replace(link: Link): void {
    if (link !== this.#link) return;
    this.#link = null;
    this.#finishing.add(link);
    this.#reaper ??= this.#options.clock.every(REAP_PERIOD_MS, this.#reap);
    this.#retry('the link goes away');
  }

  /** A finishing link without streams has finished. */
  readonly #reap = (): void => {
    for (const link of this.#finishing) {
      if (link.legs.size === 0) link.close(CloseCode.REPLACED, 'replaced');
    }
    if (this.#finishing.size > 0) return;
    this.#reaper?.stop();
    this.#reaper = null;
  };

  /** Called by the link's owner when a link that `makeLink` made has closed. */
  closed(link: Link, close: LinkClosed): void {
    this.#finishing.delete(link);
    if (link !== this.#link) return;
    this.#link = null;
    if (close.by === 'peer' && close.code === CloseCode.SESSION_REFUSED) {
      const { id } = this.#options.credential;
      const fault = CREDENTIAL_FAULTS.get(close.reason);
      if (fault !== undefined) {
        return this.#fatal('SP_CREDENTIAL_REFUSED', `the server refused the credential ${id}: ${fault}`);
      }
      const reason = `the session is held by another principal, or credential ${id} does not cover it`;
      return this.#fatal('SP_SESSION_REFUSED', reason);
    }
    if (close.code === CloseCode.VERSION) return this.#fatal('SP_VERSION', close.reason);
    this.#retry(close.reason === '' ? closeCodeName(close.code) : `${closeCodeName(close.code)}: ${close.reason}`);
  }

  /** The peer said HELLO. The back-off starts anew only once the link has lasted: a server that flaps is not hammered. */
  ready(): void {
    this.#upSinceMs = this.#options.clock.nowMs();
    this.#isRefused = false;
    this.#options.onEvent({ kind: 'up', isFirst: !this.#wasUp });
    this.#wasUp = true;
  }

  /** Dials no more; links that are open stay with their owner. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.stop();
    this.#attempt?.terminate();
  }

  #opened(webSocket: WebSocket, socket: Socket): void {
    if (this.#isStopped) return webSocket.terminate();
    this.#attempt = null;
    this.#link = this.#options.makeLink(new WsTransport(webSocket, socket));
  }

  #answered(webSocket: WebSocket, status: number): void {
    if (status === 401) {
      const { id } = this.#options.credential;
      return this.#fatal('SP_CREDENTIAL_REFUSED', `the server refused the credential ${id} (401)`);
    }
    this.#failed(webSocket, `the server answered ${status}`);
  }

  /** An attempt came to nothing. Once its link is up, the link's close says what happened. */
  #failed(webSocket: WebSocket, reason: string): void {
    if (webSocket !== this.#attempt) return;
    this.#attempt = null;
    this.#retry(reason);
  }

  #fatal(code: 'SP_CREDENTIAL_REFUSED' | 'SP_SESSION_REFUSED' | 'SP_VERSION', reason: string): void {
    const { isPatient, hasOthers, onEvent } = this.#options;
    this.#isRefused = true;
    const isNew = isPatient?.() === true;
    if (!isNew && hasOthers?.() !== true) {
      this.stop();
      return onEvent({ kind: 'fatal', code, reason });
    }
    this.#attempt = null;
    // Only what is new may be put right in a moment.
    if (!isNew) this.#failures = MANY_FAILURES;
    this.#again(reason);
  }

  /** It was not refused, but lost or out of reach. */
  #retry(reason: string): void {
    this.#isRefused = false;
    this.#again(reason);
  }

  /** Full jitter: anywhere between at once and the current back-off, so that many clients do not come back together. */
  #again(reason: string): void {
    if (this.#isStopped || this.#timer !== null) return;
    const { clock, random, backoff } = this.#options;
    const hasLasted = this.#upSinceMs !== null && clock.nowMs() - this.#upSinceMs >= LASTED_MS;
    if (hasLasted && !this.#isRefused) this.#failures = 0;
    const retryInMs = random() * Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(this.#failures, MANY_FAILURES));
    this.#failures += 1;
    this.#upSinceMs = null;
    this.#timer = clock.after(retryInMs, () => {
      this.#timer = null;
      this.start();
    });
    this.#options.onEvent({ kind: 'lost', reason, retryInMs });
  }
}

/** OpenSSL's own messages name its source files; its reason alone says as much. */
function reasonOf(error: Error & { code?: string; reason?: string }, hasCertificate: boolean): string {
  if (error.code === 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED') return NO_CERTIFICATE;
  // Node's servers end a connection whose certificate they do not accept without an alert.
  if (hasCertificate && error.code === 'ECONNRESET') return `${error.message}; ${MAYBE_REFUSED}`;
  if (error.reason !== undefined) return `TLS: ${error.reason}`;
  return error.message === '' ? (error.code ?? error.name) : error.message;
}
