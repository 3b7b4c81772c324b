import { realpath } from 'node:fs/promises';
import { type Change, addCredential, revokeCredentials, rotateCredential } from './changes.ts';
import { CredentialIndex } from './credential-index.ts';
import { type CredentialsError, type Result, done, failed } from './errors.ts';
import { type ImportRequest, type Imported, importCredentials } from './import-lines.ts';
import { acquireLock } from './lock.ts';
import {
  type StoreContent,
  type StorePaths,
  ensurePepper,
  fingerprint,
  fingerprints,
  readStore,
  writeStore,
} from './store-file.ts';
import type {
  CredentialInfo,
  CredentialRecord,
  CredentialRequest,
  CredentialStore,
  Issued,
  Rotated,
  Verdict,
} from './types.ts';

export const DEFAULT_STORE_FILE = 'sallyport-credentials.json';
const CHECK_EVERY_MS = 1000;
/** So that guessing ids costs ten looks at the file a second, not one each. */
const CHECK_UNKNOWN_EVERY_MS = 100;
// A change starts over only after this process stood still for ten seconds in the midst of it.
const ATTEMPTS_MAX = 3;

export interface FileCredentialsOptions {
  /** The store, JSON of mode 0600. */
  readonly path: string;
  /** 32 random bytes of mode 0600; by default beside the store, `.pepper` in place of `.json`. */
  readonly pepperPath?: string;
  /** Begin an empty store where there is none (nothing but the pepper is written until the first change). */
  readonly create?: boolean;
  /** Wall clock in milliseconds. */
  readonly now?: () => number;
  /** Told once of each change of the file that cannot be taken over; the credentials read last stay in force. */
  readonly onReloadError?: (error: CredentialsError) => void;
}

/** Where the pepper of a store is unless told otherwise. */
export function pepperPathOf(store: string): string {
  return `${store.endsWith('.json') ? store.slice(0, -'.json'.length) : store}.pepper`;
}

/**
 * Credentials in a file. Changes are made under a lock upon what the file holds at that time, so that several processes lose
 * nothing; other processes see them within a second of their next question.
 */
export class FileCredentials implements CredentialStore {
  readonly #paths: StorePaths;
  readonly #create: boolean;
  readonly #now: () => number;
  readonly #onReloadError: (error: CredentialsError) => void;
  #index: CredentialIndex;
  #records: readonly CredentialRecord[];
  #seen: string;
  #checkedAtMs: number;

  private constructor(paths: StorePaths, options: FileCredentialsOptions, seen: string, content: StoreContent) {
    this.#paths = paths;
    this.#create = options.create ?? false;
    this.#now = options.now ?? Date.now;
    this.#onReloadError = options.onReloadError ?? (() => undefined);
    this.#records = content.records;
    this.#index = new CredentialIndex(content.records, content.pepper);
    this.#seen = seen;
    this.#checkedAtMs = this.#now();
  }

  static async open(options: FileCredentialsOptions): Promise<Result<FileCredentials>> {
    const paths = { store: options.path, pepper: options.pepperPath ?? pepperPathOf(options.path) };
    // Taken before reading: a change in between is then seen at the next check.
    const seen = fingerprints(paths);
    const content = await readOrBegin(paths, options.create ?? false);
    return content.ok ? done(new FileCredentials(paths, options, seen, content.value)) : content;
  }

  verify(id: string, secret: string): Verdict {
    // An id that is not good may have been made a moment ago, and its client would not ask twice.
    this.#reloadIfChanged(this.#index.isActive(id, this.#now()) ? CHECK_EVERY_MS : CHECK_UNKNOWN_EVERY_MS);
    return this.#index.verify(id, secret, this.#now());
  }

  isActive(id: string): boolean {
    this.#reloadIfChanged();
    return this.#index.isActive(id, this.#now());
  }

  namesSession(sessionId: string): boolean {
    this.#reloadIfChanged();
    return this.#index.namesSession(sessionId, this.#now());
  }

  /** Takes over what its files hold now. Where they cannot be read, what was read last stays in force. */
  look(): Result<void> {
    this.#checkedAtMs = this.#now();
    const seen = fingerprints(this.#paths);
    const content = readStore(this.#paths);
    if (!content.ok) return content;
    this.#take(content.value, seen);
    return done(undefined);
  }

  /** All credentials, revoked ones too, without their hashes, in the order in which they were made. */
  list(): readonly CredentialInfo[] {
    this.#reloadIfChanged();
    return this.#records.map(({ id, principal, role, sessions, createdAt, revokedAt }) => {
      const info = { id, principal, role, sessions, createdAt };
      return revokedAt === undefined ? info : { ...info, revokedAt };
    });
  }

  add(request: CredentialRequest): Promise<Result<Issued>> {
    return this.#change(addCredential(request));
  }

  /** By id, or by the name of a principal with one credential. The old one is good for `overlapMs` more (0 to 90 days). */
  rotate(target: string, overlapMs = 0): Promise<Result<Rotated>> {
    return this.#change(rotateCredential(target, overlapMs));
  }

  /** By id, or all of a principal by its name; gives the ids that were good until now. */
  revoke(target: string): Promise<Result<readonly string[]>> {
    return this.#change(revokeCredentials(target));
  }

  /** Lines `id:secret`, all or none. */
  import(text: string, request: ImportRequest): Promise<Result<Imported>> {
    return this.#change(importCredentials(text, request));
  }

  async #change<T>(change: Change<T>): Promise<Result<T>> {
    const { store } = this.#paths;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      // A store behind a symbolic link is locked and replaced where it is, and the link stays.
      const target = await realpath(store).catch(() => store);
      const lock = await acquireLock(`${target}.lock`);
      if (!lock.ok) return lock;
      try {
        const content = await readOrBegin(this.#paths, this.#create);
        if (!content.ok) return content;
        const { pepper } = content.value;
        const changed = change(content.value.records, { pepper, nowMs: this.#now() });
        if (!changed.ok) return changed;
        const { records, value } = changed.value;
        const written = await writeStore(target, records, lock.value.held);
        if (!written.ok) return written;
        if (written.value) {
          this.#take({ records, pepper }, fingerprints(this.#paths));
          return done(value);
        }
        // The lock was taken over while this process stood still: begin anew upon what the file holds now.
      } finally {
        await lock.value.release();
      }
    }
    return failed('SP_CREDENTIALS_LOCKED', `${store} was never left to us`, 'try again when fewer write to it', {
      file: store,
    });
  }

  #take({ records, pepper }: StoreContent, seen: string): void {
    this.#seen = seen;
    this.#records = records;
    this.#index = new CredentialIndex(records, pepper);
  }

  #reloadIfChanged(everyMs = CHECK_EVERY_MS): void {
    const nowMs = this.#now();
    // Either way, since a wall clock may be set back.
    if (Math.abs(nowMs - this.#checkedAtMs) < everyMs) return;
    this.#checkedAtMs = nowMs;
    const seen = fingerprints(this.#paths);
    if (seen === this.#seen) return;
    this.#seen = seen;
    const content = readStore(this.#paths);
    if (content.ok) this.#take(content.value, seen);
    else this.#onReloadError(content.error);
  }
}

async function readOrBegin(paths: StorePaths, create: boolean): Promise<Result<StoreContent>> {
  if (!create || fingerprint(paths.store) !== undefined) return readStore(paths);
  const pepper = await ensurePepper(paths.pepper);
  return pepper.ok ? done({ records: [], pepper: pepper.value }) : pepper;
}
