import { type Change, addCredential, revokeCredentials } from './changes.ts';
import { CredentialIndex } from './credential-index.ts';
import { type Result, done } from './errors.ts';
import { newPepper, pepperFrom } from './secrets.ts';
import type { CredentialRecord, CredentialRequest, CredentialStore, Issued, Verdict } from './types.ts';

/** Credentials that end with the process: for a stack that makes its own, and for tests. `now`: wall clock in milliseconds. */
export class MemoryCredentials implements CredentialStore {
  readonly #now: () => number;
  readonly #pepper = pepperFrom(newPepper());
  #records: readonly CredentialRecord[] = [];
  #index = new CredentialIndex([], this.#pepper);

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  add(request: CredentialRequest): Result<Issued> {
    return this.#apply(addCredential(request));
  }

  /** By id, or all of a principal by its name; gives the ids that were good until now. */
  revoke(target: string): Result<readonly string[]> {
    return this.#apply(revokeCredentials(target));
  }

  verify(id: string, secret: string): Verdict {
    return this.#index.verify(id, secret, this.#now());
  }

  isActive(id: string): boolean {
    return this.#index.isActive(id, this.#now());
  }

  namesSession(sessionId: string): boolean {
    return this.#index.namesSession(sessionId, this.#now());
  }

  #apply<T>(change: Change<T>): Result<T> {
    const changed = change(this.#records, { pepper: this.#pepper, nowMs: this.#now() });
    if (!changed.ok) return changed;
    this.#records = changed.value.records;
    this.#index = new CredentialIndex(this.#records, this.#pepper);
    return done(changed.value.value);
  }
}
