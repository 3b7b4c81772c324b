/** Handshakes with visitors: from a connection that was accepted to a socket on which HTTP is spoken, and its peer. */
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import type { HandshakeFailure } from '../tls/handshake-failures.ts';
import type { Coverage, TlsMaterial } from '../tls/material.ts';
import type { Peer } from './transport.ts';

export interface TlsPortEvents {
  /** The handshake is done; HTTP/2 was agreed upon, or not. */
  onSecure(raw: Socket, socket: TLSSocket, peer: Peer, isHttp2: boolean): void;
  /** Once for each that fails; `raw` is closed, or will be. */
  onFailed(raw: Socket, why: HandshakeFailure): void;
}

const ALPN = ['h2', 'http/1.1'];
/** Ours is by the clock; Node's begins anew with each byte, and would end in the midst of ours. */
const NO_IDLE_LIMIT_MS = 86_400_000;

export class TlsPort {
  readonly #material: TlsMaterial;
  readonly #events: TlsPortEvents;
  readonly #server: Server;
  /** For whom those speak whose handshake is not over. */
  readonly #shaking = new WeakMap<Socket, string>();

  constructor(material: TlsMaterial, events: TlsPortEvents) {
    const { clientCertificates } = material.config;
    this.#material = material;
    this.#events = events;
    this.#server = createServer({
      ...material.baseOptions,
      ALPNProtocols: ALPN,
      handshakeTimeout: NO_IDLE_LIMIT_MS,
      requestCert: clientCertificates !== 'off',
      rejectUnauthorized: clientCertificates === 'required',
      SNICallback: (name, done) => done(null, material.contextOf(name) ?? undefined),
    });
    this.#server.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      const raw = rawOf(socket);
      if (this.#shaking.delete(raw)) events.onFailed(raw, failureOf(error, socket));
    });
    material.onChanged = () => this.#server.setSecureContext(material.baseOptions);
  }

  /** Takes a connection over: `remoteAddress` is whom it speaks for. */
  accept(raw: Socket, remoteAddress: string): void {
    this.#shaking.set(raw, remoteAddress);
    this.#server.emit('connection', raw);
  }

  /** Whatever becomes of this handshake is not told any more. */
  forget(raw: Socket): void {
    this.#shaking.delete(raw);
  }

  #onSecure(socket: TLSSocket): void {
    // Node tells of an attempt to renegotiate, and leaves the connection open.
    socket.on('error', () => socket.destroy()).disableRenegotiation();
    const raw = rawOf(socket);
    const remoteAddress = this.#shaking.get(raw);
    if (remoteAddress === undefined || !this.#shaking.delete(raw)) {
      socket.destroy();
      return;
    }
    const covers = this.#coverageOf(socket);
    const certificate = certificateOf(socket, this.#material.nowMs());
    const isLacking = certificate === null && this.#material.config.clientCertificates === 'required';
    if (covers === null || isLacking) {
      socket.destroy();
      const cause = covers === null ? 'no_certificate' : 'client_certificate';
      this.#events.onFailed(raw, { cause, code: 'RESUMED_TOO_LATE' });
      return;
    }
    // As on the plain port; not before, when who ends its side has left.
    socket.allowHalfOpen = true;
    const peer: Peer = { remoteAddress, scheme: 'https', covers };
    const proven = certificate === null ? peer : { ...peer, clientCertificate: certificate };
    this.#events.onSecure(raw, socket, proven, socket.alpnProtocol === 'h2');
  }

  #coverageOf(socket: TLSSocket): Coverage | null {
    const isNameless = socket.isSessionReused() && socket.getProtocol() === 'TLSv1.2';
    return isNameless ? this.#material.coversAny : this.#material.coverageOf(socket.servername || null);
  }
}

/** What TLS is spoken over. Node has no other name for it, and by its addresses it is not known once it is closed. */
function rawOf(socket: TLSSocket & { readonly _parent?: Socket }): Socket {
  return socket._parent ?? socket;
}

/**
 * Of a visitor who was verified, as a byte sequence (RFC 9440 §2.2, RFC 8941 §3.3.5); null of others. A session that is
 * resumed was verified when it began: its certificate may have expired since.
 */
function certificateOf(socket: TLSSocket, nowMs: number): string | null {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined || certificate.validToDate.getTime() <= nowMs) return null;
  return `:${certificate.raw.toString('base64')}:`;
}

const CAUSES: Readonly<Record<string, HandshakeFailure['cause']>> = {
  ERR_SSL_NO_SHARED_CIPHER: 'no_certificate',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'no_certificate',
  ERR_SSL_HTTP_REQUEST: 'clear_text',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'client_certificate',
  ECONNRESET: 'gone',
  EPIPE: 'gone',
};

function failureOf(error: NodeJS.ErrnoException, socket: TLSSocket): HandshakeFailure {
  const refusal: unknown = socket.authorizationError;
  // Node ends the connection of a visitor that it did not believe, and says no more than that.
  if (typeof refusal === 'string') return { cause: 'client_certificate', code: refusal };
  const code = error.code ?? error.message;
  return { cause: CAUSES[code] ?? 'protocol', code };
}
