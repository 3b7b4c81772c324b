/** A server that links are asked for at, and the order in which those of an entry are asked. */
import { hash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { LinkAddress } from '@sallyport/protocol';

/** Whoever comes makes us ask: what asking costs in reading files is paid once in this time, and news of them wait for it. */
const TRUST_MS = 1_000;
/** For so long a server that did not answer is asked behind all others. */
const SUSPECT_MS = 30_000;

export class AskedServer {
  readonly address: LinkAddress;
  readonly #nowMs: () => number;
  #silentMs = Number.NEGATIVE_INFINITY;
  #ca: string | undefined;
  #context: SecureContext | null = null;
  #readMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: monotonic. */
  constructor(address: LinkAddress, nowMs: () => number) {
    this.address = address;
    this.#nowMs = nowMs;
  }

  /** It did not answer in time. */
  silent(): void {
    this.#silentMs = this.#nowMs();
  }

  answered(): void {
    this.#silentMs = Number.NEGATIVE_INFINITY;
  }

  get isSuspect(): boolean {
    return this.#nowMs() - this.#silentMs < SUSPECT_MS;
  }

  /**
   * Who is believed to be it, as the files of `link` had it a second ago at most; made anew where they changed. The
   * certificate of our own links is not shown: it says who we are, not who dialled us. Throws where there never was a file
   * that could be read.
   */
  trust(): SecureContext {
    const nowMs = this.#nowMs();
    if (this.#context !== null && nowMs - this.#readMs < TRUST_MS) return this.#context;
    this.#readMs = nowMs;
    try {
      const { ca } = this.address.tls();
      if (this.#context === null || ca !== this.#ca)
        this.#context = createSecureContext(ca === undefined ? {} : { ca });
      this.#ca = ca;
    } catch (error) {
      // Half written, or gone for a moment: what was believed is.
      if (this.#context === null) throw error;
    }
    return this.#context;
  }
}

/**
 * All of them: for one credential always in the same order, at every entry, so that a link that is dialled anew comes to
 * where its session is known (rendezvous hashing). Those that were silent of late are the last.
 *
 * @param authorization as the dialler says it; the order is by its id alone.
 */
export function inOrder(servers: readonly AskedServer[], authorization: string): AskedServer[] {
  const id = authorization.split('.', 1)[0]!;
  const ranked = servers.map((server) => ({ server, rank: hash('sha256', `${id} ${server.address.url}`) }));
  ranked.sort((a, b) => Number(a.server.isSuspect) - Number(b.server.isSuspect) || (a.rank < b.rank ? -1 : 1));
  return ranked.map(({ server }) => server);
}
