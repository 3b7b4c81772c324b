/** The certificates of a folder: pairs NAME.crt (or .pem) and NAME.key, and which of them answers for a name. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprintOf, judgeReplacement, stillHolds } from '@sallyport/config';
import type { Finding, Unfit } from '@sallyport/config';
import { withoutDot, withoutLabel } from './names.ts';
import { readPair } from './pair.ts';
import type { Pair, PairFiles } from './pair.ts';

/** Pairs of one folder; the rest is passed over, with a line in the log. */
const MAX_PAIRS = 10_000;
const CERTIFICATE_ENDINGS = ['.crt', '.pem'] as const;
const KEY_ENDING = '.key';

export interface FolderEvents {
  /**
   * A pair that cannot be used: the one that it had, where `isInForce`, stays in force. Said once for each state of its
   * files.
   */
  onBroken(stem: string, why: string, isInForce: boolean): void;
}

/** Of the state that its files are in. */
interface Seen extends Finding {
  /** Null: no state of it could be used yet. */
  readonly pair: Pair | null;
}

type Judged = { readonly ok: true; readonly pair: Pair } | { readonly ok: false; readonly wrong: Unfit };

export class CertificateFolder {
  readonly #path: string;
  readonly #events: FolderEvents;
  readonly #nowMs: () => number;
  #seen: ReadonlyMap<string, Seen> = new Map();
  #exact: ReadonlyMap<string, Pair> = new Map();
  #wildcards: ReadonlyMap<string, Pair> = new Map();
  #isListed = true;

  /** `nowMs`: wall clock. */
  constructor(path: string, events: FolderEvents, nowMs: () => number) {
    this.#path = path;
    this.#events = events;
    this.#nowMs = nowMs;
  }

  /** In the order of their names. */
  get pairs(): readonly Pair[] {
    return [...this.#seen.values()].flatMap(({ pair }) => (pair === null ? [] : [pair]));
  }

  /** Whether all of it could be used as it was read last. */
  get isWhole(): boolean {
    return this.#isListed && this.#seen.values().every(({ wrong }) => wrong === null);
  }

  byStem(stem: string): Pair | null {
    return this.#seen.get(stem)?.pair ?? null;
  }

  /** The pair for a name: one that has it exactly, else one with a wildcard for it; null where there is none. */
  byName(name: string): Pair | null {
    const bare = withoutDot(name.toLowerCase());
    return this.#exact.get(bare) ?? this.#wildcards.get(withoutLabel(bare)) ?? null;
  }

  /** Reads what has changed. True: other pairs are in force than before. Never rejects. */
  async read(): Promise<boolean> {
    const files = await this.#list();
    if (files === null) return false;
    const before = this.#seen;
    const seen = new Map<string, Seen>();
    for (const each of files) seen.set(each.stem, await this.#readOne(each, before.get(each.stem)));
    this.#seen = seen;
    const isChanged =
      seen.size !== before.size || [...seen].some(([stem, { pair }]) => before.get(stem)?.pair !== pair);
    if (isChanged) this.#index();
    return isChanged;
  }

  /**
   * What is wrong with pairs as their files are now; nothing is taken over. One after the other, and only those whose
   * files have changed are read. Rejects with Node's own error where the folder cannot be read.
   */
  async inspect(): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const files of pairsIn(this.#path, await readdir(this.#path), new Map())) {
      const wrong = await this.#wrongWith(files);
      if (wrong !== null) problems.push(`certificate ${files.stem}: ${wrong}`);
    }
    return problems;
  }

  async #wrongWith(files: PairFiles): Promise<string | null> {
    const seen = this.#seen.get(files.stem);
    if (seen !== undefined && stillHolds(seen, await fingerprintOfPair(files), this.#nowMs()))
      return seen.wrong?.why ?? null;
    const result = await this.#readPair(files, seen?.pair ?? null);
    return result.ok ? null : result.wrong.why;
  }

  async #readOne(files: PairFiles, before: Seen | undefined): Promise<Seen> {
    const fingerprint = await fingerprintOfPair(files);
    if (before !== undefined && stillHolds(before, fingerprint, this.#nowMs())) return before;
    const pair = before?.pair ?? null;
    const result = await this.#readPair(files, pair);
    if (result.ok) return { fingerprint, pair: result.pair, wrong: null };
    this.#events.onBroken(files.stem, result.wrong.why, pair !== null);
    return { fingerprint, pair, wrong: result.wrong };
  }

  async #readPair(files: PairFiles, inForce: Pair | null): Promise<Judged> {
    const result = await readPair(files);
    if (!result.ok) return { ok: false, wrong: { why: result.why, againAtMs: Infinity } };
    const wrong = inForce === null ? null : judgeReplacement(result.pair, inForce, this.#nowMs());
    return wrong === null ? result : { ok: false, wrong };
  }

  /** Null: the folder cannot be read now, and what is in force stays. */
  async #list(): Promise<PairFiles[] | null> {
    try {
      const files = pairsIn(this.#path, await readdir(this.#path), this.#seen);
      this.#isListed = true;
      if (files.length > MAX_PAIRS) this.#events.onBroken(this.#path, `more than ${MAX_PAIRS} pairs`, true);
      return files.slice(0, MAX_PAIRS);
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if (this.#isListed) this.#events.onBroken(this.#path, `the folder cannot be read (${code})`, this.#seen.size > 0);
      this.#isListed = false;
      return null;
    }
  }

  #index(): void {
    const exact = new Map<string, Pair>();
    const wildcards = new Map<string, Pair>();
    // Of two for one name the one that is good for longer: a new one beside the old is meant to take over.
    const pairs = this.pairs.toSorted((one, other) => one.notAfterMs - other.notAfterMs);
    for (const pair of pairs) {
      for (const name of pair.names.exact) exact.set(name, pair);
      for (const name of pair.names.wildcards) wildcards.set(name, pair);
    }
    this.#exact = exact;
    this.#wildcards = wildcards;
  }
}

/**
 * From the names of the files of a folder. A certificate without its key is a pair that is broken; so is one of the
 * `known` whose key alone is there: that is how a certificate looks while it is being replaced.
 */
export function pairsIn(folder: string, names: readonly string[], known: ReadonlyMap<string, unknown>): PairFiles[] {
  const pairs = new Map<string, PairFiles>();
  for (const name of names.toSorted()) {
    const stem = stemOf(name, CERTIFICATE_ENDINGS);
    // Of NAME.crt and NAME.pem the first is taken.
    if (stem !== null && !pairs.has(stem)) pairs.set(stem, filesOf(folder, stem, name));
  }
  for (const name of names) {
    const stem = stemOf(name, [KEY_ENDING]);
    if (stem !== null && known.has(stem) && !pairs.has(stem)) pairs.set(stem, filesOf(folder, stem, `${stem}.crt`));
  }
  return [...pairs.values()];
}

/** Null: not such a file. A name that begins with a dot is somebody's draft. */
function stemOf(name: string, endings: readonly string[]): string | null {
  const ending = endings.find((each) => name.endsWith(each));
  if (ending === undefined || name.startsWith('.')) return null;
  return name.slice(0, -ending.length);
}

function filesOf(folder: string, stem: string, certificate: string): PairFiles {
  return { stem, certificateFile: join(folder, certificate), keyFile: join(folder, stem + KEY_ENDING) };
}

function fingerprintOfPair({ certificateFile, keyFile }: PairFiles): Promise<string> {
  return fingerprintOf([certificateFile, keyFile]);
}
