/** Has certificates made for the names of this entry, and renewed in time; never by two entries at once. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '@sallyport/config';
import type { EntryConfig } from '@sallyport/config';
import type { Counter, Logger, Telemetry } from '@sallyport/telemetry';
import type { Challenges } from '../tls/policy.ts';
import { mustBeFolder, TlsError } from '../tls/tls-error.ts';
import { accountKey } from './account-key.ts';
import { Attempts } from './attempts.ts';
import { HttpChallenges } from './http-challenges.ts';
import { tryLock } from './lock.ts';
import type { Lock } from './lock.ts';
import { NamedPairs } from './named-pairs.ts';
import { order } from './order.ts';
import { backoffMs } from './renewal.ts';

/** How long until the next look where nothing is due, and where another entry has the lock. */
const LOOK_MS = 3_600_000;
const LOCKED_LOOK_MS = 30_000;
const SOONEST_MS = 1_000;
const MS_PER_S = 1_000;

type TlsConfig = EntryConfig['tls'];

export interface AcmeDependencies {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly telemetry: Pick<Telemetry, 'counter' | 'gauge'>;
  /** Wall clock. */
  readonly nowMs: () => number;
  readonly random: () => number;
}

interface Material {
  readonly folder: string;
  readonly accountKey: string;
  readonly ca: string | undefined;
}

export class Acme {
  readonly #config: TlsConfig['acme'];
  readonly #material: Material;
  readonly #deps: AcmeDependencies;
  readonly #challenges: HttpChallenges;
  readonly #attempts: Attempts;
  readonly #pairs: NamedPairs;
  readonly #issued: Counter;
  readonly #failures: Counter;
  readonly #stopping = new AbortController();
  #lastFailureMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #lock: Lock | null = null;

  private constructor(config: TlsConfig['acme'], material: Material, deps: AcmeDependencies) {
    this.#config = config;
    this.#material = material;
    this.#deps = deps;
    const { telemetry } = deps;
    this.#challenges = new HttpChallenges(join(stateFolder(material.folder), 'challenges'));
    this.#attempts = new Attempts(stateFolder(material.folder));
    this.#pairs = new NamedPairs(material.folder, config);
    this.#issued = telemetry.counter('sallyport_acme_issued_total', 'Certificates had from the authority.');
    this.#failures = telemetry.counter('sallyport_acme_failures_total', 'Orders for certificates that failed.');
    telemetry.gauge(
      'sallyport_acme_last_failure_timestamp_seconds',
      {},
      () => this.#lastFailureMs / MS_PER_S,
      'When an order for a certificate failed last, in seconds since 1970; 0: never.',
    );
  }

  /** Null: not configured. Rejects with a TlsError. */
  static async open({ certificates: folder, acme }: TlsConfig, deps: AcmeDependencies): Promise<Acme | null> {
    if (folder === undefined || acme.names.length === 0) return null;
    await mustBeFolder(folder);
    try {
      await mkdir(join(stateFolder(folder), 'challenges'), { recursive: true });
      const ca = await authoritiesOf(acme.caFile);
      const key = await accountKey(acme.accountKeyFile ?? join(stateFolder(folder), 'account.key'));
      return new Acme(acme, { folder, accountKey: key, ca }, deps);
    } catch (error) {
      if (error instanceof TlsError) throw error;
      const { path = folder, code = 'unknown' } = error as NodeJS.ErrnoException;
      throw new TlsError('SP_ACME', `${path} cannot be used (${code})`, 'correct it, or who may read and write it');
    }
  }

  /** For the plain port. */
  get challenges(): Challenges {
    return this.#challenges;
  }

  /** Once visitors, and so the authority, are let in. */
  start(): void {
    this.#schedule(0);
  }

  /** What is under way is given up; the order is left to the authority, which forgets it. */
  async close(): Promise<void> {
    this.#stopping.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    // The next entry need not wait until it is stale.
    await this.#lock?.release();
  }

  #schedule(waitMs: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#look(), waitMs).unref();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    let waitMs = LOOK_MS * (1 - this.#deps.random() / 2);
    try {
      const isDone = (await this.#dueNames()).length === 0 || (await this.#underLock());
      waitMs = isDone ? await this.#untilNext(waitMs) : LOCKED_LOOK_MS;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#deps.logger.warn({ reason: code ?? message }, 'ACME: the folder of certificates cannot be written');
    }
    this.#schedule(waitMs);
  }

  /** Until the first name that failed may be tried again, but no longer than `waitMs`. */
  async #untilNext(waitMs: number): Promise<number> {
    const failed = await Promise.all(this.#config.names.map((name) => this.#attempts.read(name)));
    const nowMs = this.#deps.nowMs();
    const waits = failed.filter(({ failures }) => failures > 0).map(({ retryAtMs }) => retryAtMs - nowMs);
    return Math.max(SOONEST_MS, Math.min(waitMs, ...waits));
  }

  #dueNames(): Promise<string[]> {
    return this.#pairs.due(this.#attempts, this.#deps.nowMs);
  }

  /** False: another entry has the lock. */
  async #underLock(): Promise<boolean> {
    const lock = await tryLock(join(stateFolder(this.#material.folder), 'lock'), this.#deps.nowMs());
    if (lock === null) return false;
    this.#lock = lock;
    try {
      // Of orders that somebody did not live to finish.
      await this.#challenges.clear();
      // Looked at again: whoever had the lock until now may have done it.
      for (const name of await this.#dueNames()) {
        if (this.#stopping.signal.aborted) break;
        await this.#have(name, lock);
      }
    } finally {
      this.#lock = null;
      await lock.release();
    }
    return true;
  }

  async #have(name: string, lock: Lock): Promise<void> {
    const { accountKey: key, ca } = this.#material;
    const { signal } = this.#stopping;
    const challenges = this.#challenges;
    const result = await order(name, { config: this.#config, accountKey: key, ca, challenges, signal });
    if (signal.aborted) return;
    if (!result.ok) return this.#failed(name, result.why, result.retryAfterMs);
    // Who was stopped for long must not mix its files with those of the entry that went on.
    if (!(await lock.isHeld())) return this.#failed(name, 'another entry has taken over', 0);
    try {
      await this.#pairs.write(name, result);
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      return this.#failed(name, `it was had, and cannot be written (${code})`, 0);
    }
    const pair = await this.#pairs.lasting(name, this.#deps.nowMs());
    if (pair === null) return this.#failed(name, 'what the directory gave cannot be used, or is due again at once', 0);
    await this.#attempts.succeeded(name);
    this.#issued.inc();
    this.#deps.logger.info({ name, expires: isoTime(pair.notAfterMs) }, 'ACME: certificate issued');
  }

  async #failed(name: string, reason: string, retryAfterMs: number): Promise<void> {
    const { nowMs, random, logger } = this.#deps;
    this.#lastFailureMs = nowMs();
    this.#failures.inc();
    const failures = (await this.#attempts.read(name)).failures + 1;
    const retryAtMs = Math.round(nowMs() + Math.max(retryAfterMs, backoffMs(failures, random())));
    logger.warn({ name, reason, failures, nextAttempt: isoTime(retryAtMs) }, 'ACME: no certificate');
    await this.#attempts.failed(name, { failures, retryAtMs });
  }
}

/** PEM. Rejects with a TlsError. */
async function authoritiesOf(caFile: string | undefined): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  const read = await readRegularFile(caFile);
  if (read.ok) return read.text;
  throw new TlsError('SP_ACME', `entry.tls.acme.caFile: ${read.why}`, 'correct it, or who may read it');
}

/** Of all entries that share the folder: account, lock, answers to challenges, failures. */
function stateFolder(folder: string): string {
  return join(folder, '.acme');
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
