import { timingSafeEqual } from 'node:crypto';
import { HASH_BYTES, type Pepper, SECRET_MAX_CHARS, hashSecret } from './secrets.ts';
import type { CredentialRecord, Verdict } from './types.ts';

const REFUSED: Verdict = Object.freeze({ ok: false });
// Compared with when an id is unknown. No hash that anybody can make equals it, but for one chance in 2^256.
const NO_HASH = Buffer.alloc(HASH_BYTES);

interface Indexed {
  readonly hash: Buffer;
  readonly revokedAtMs: number;
  readonly verdict: Verdict;
}

/** A list of credentials made ready to be asked. Never changes; a new list makes a new index. */
export class CredentialIndex {
  readonly #pepper: Pepper;
  readonly #byId = new Map<string, Indexed>();
  /** Sessions that client credentials name exactly, with the time until which one of them is good. */
  readonly #named = new Map<string, number>();

  constructor(records: readonly CredentialRecord[], pepper: Pepper) {
    this.#pepper = pepper;
    for (const { id, principal, role, sessions, hash, revokedAt } of records) {
      const revokedAtMs = revokedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(revokedAt);
      const verdict = Object.freeze({ ok: true, principal, role, sessions: Object.freeze([...sessions]) } as const);
      this.#byId.set(id, { hash: Buffer.from(hash, 'base64url'), revokedAtMs, verdict });
      if (role !== 'client') continue;
      for (const session of sessions) {
        if (!session.includes('*')) this.#named.set(session, Math.max(revokedAtMs, this.#named.get(session) ?? 0));
      }
    }
  }

  /** Hashes and compares whatever comes, in constant time, and decides only then. Secrets over 256 characters are never good. */
  verify(id: string, secret: string, nowMs: number): Verdict {
    const entry = this.#byId.get(id);
    const sized = secret.length <= SECRET_MAX_CHARS;
    const given = hashSecret(this.#pepper, sized ? secret : '');
    const same = timingSafeEqual(given, entry === undefined ? NO_HASH : entry.hash);
    return same && sized && entry !== undefined && nowMs < entry.revokedAtMs ? entry.verdict : REFUSED;
  }

  isActive(id: string, nowMs: number): boolean {
    return nowMs < (this.#byId.get(id)?.revokedAtMs ?? 0);
  }

  namesSession(sessionId: string, nowMs: number): boolean {
    return nowMs < (this.#named.get(sessionId) ?? 0);
  }
}
