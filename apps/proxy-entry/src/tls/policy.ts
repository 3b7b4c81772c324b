/** What the edge asks of a request because of TLS: the right connection, the right port, a certificate. Pure. */
import type { EntryConfig } from '@sallyport/config';
import { Problems } from '../problems.ts';
import type { Problem } from '../problems.ts';
import { route } from '../route.ts';
import type { Peer, VisitorRequest } from '../visitor/transport.ts';

/** Of who has certificates made for this entry (RFC 8555 §8.3). */
export interface Challenges {
  /** Null: the token is none of ours. */
  answer(token: string): string | null;
}

type PolicyConfig = Pick<EntryConfig, 'tls' | 'hosts' | 'domain'>;

const CHALLENGE_PATH = '/.well-known/acme-challenge/';
const HTTPS_PORT = 443;

export class EdgePolicy {
  readonly #redirectPort: number;
  readonly #linkPath: string | undefined;
  readonly #challenges: Challenges | null;
  /** They want a certificate whichever way they are reached. Each host that is to want one leads to one (config rules). */
  readonly #sessions: ReadonlySet<string>;

  constructor({ tls, hosts, domain }: PolicyConfig, challenges: Challenges | null) {
    this.#redirectPort = tls.redirectPort;
    this.#linkPath = tls.linkPath;
    this.#challenges = challenges;
    const table = domain === undefined ? { hosts } : { hosts, domain };
    this.#sessions = new Set(
      tls.clientCertificateHosts.flatMap((host) => {
        const found = route(table, host, '/');
        return found.kind === 'session' ? [found.session] : [];
      }),
    );
  }

  /** What a challenge is answered with; null where it is none of ours. */
  challenge(target: string): string | null {
    if (this.#challenges === null || !target.startsWith(CHALLENGE_PATH)) return null;
    return this.#challenges.answer(target.slice(CHALLENGE_PATH.length));
  }

  /**
   * Where a visitor without TLS is sent to; null where it is served. `toldScheme`: what a trusted proxy in front says
   * that the visitor speaks. Challenges are asked for without TLS, those of the backend's own certificates too.
   */
  redirect(peer: Peer, toldScheme: string | null | undefined, host: string, target: string): string | null {
    if (this.#redirectPort === 0 || peer.scheme === 'https' || toldScheme === 'https') return null;
    if (!target.startsWith('/') || target.startsWith(CHALLENGE_PATH)) return null;
    const port = this.#redirectPort === HTTPS_PORT ? '' : `:${this.#redirectPort}`;
    return `https://${host}${port}${target}`;
  }

  /** RFC 9110 §15.5.20: this connection was opened for other hosts. */
  misdirected(peer: Peer, host: string): Problem | null {
    return peer.covers === undefined || peer.covers(host) ? null : Problems.misdirected;
  }

  /**
   * Whether it dials a server through us: over TLS, since it shows its credential, and by HTTP/1.1, which a link is
   * opened by. One that only asks what is there, without an upgrade, is answered by the server as well. On every host.
   */
  isLink({ peer, method, httpVersion, isUpgrade, hasBody }: VisitorRequest, target: string): boolean {
    if (target !== this.#linkPath || peer.scheme !== 'https' || httpVersion !== '1.1') return false;
    return method === 'GET' && (isUpgrade || !hasBody);
  }

  certificate(peer: Peer, session: string): Problem | null {
    return peer.clientCertificate === undefined && this.#sessions.has(session) ? Problems.clientCertificate : null;
  }
}
