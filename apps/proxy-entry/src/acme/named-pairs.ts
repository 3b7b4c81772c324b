/** The pairs of a folder that are had by ACME, one for each name: which are due, and where they are written. */
import { join } from 'node:path';
import { readPair } from '../tls/pair.ts';
import type { Pair } from '../tls/pair.ts';
import type { Attempts } from './attempts.ts';
import { FOR_ALL, OWNER_ONLY, writeWhole } from './files.ts';
import { isDue, stemFor } from './renewal.ts';

export class NamedPairs {
  readonly #folder: string;
  readonly #names: readonly string[];
  readonly #renewBeforeDays: number;

  constructor(
    folder: string,
    { names, renewBeforeDays }: { readonly names: readonly string[]; readonly renewBeforeDays: number },
  ) {
    this.#folder = folder;
    this.#names = names;
    this.#renewBeforeDays = renewBeforeDays;
  }

  /** Those without a pair that lasts, and that may be tried now. */
  async due(attempts: Attempts, nowMs: () => number): Promise<string[]> {
    const due: string[] = [];
    for (const name of this.#names) {
      const { retryAtMs } = await attempts.read(name);
      if (retryAtMs <= nowMs() && (await this.lasting(name, nowMs())) === null) due.push(name);
    }
    return due;
  }

  /** The pair of `name`, where it can be used and need not be renewed yet. */
  async lasting(name: string, nowMs: number): Promise<Pair | null> {
    const read = await readPair({ stem: stemFor(name), ...this.#filesOf(name) });
    const pair = read.ok ? read.pair : null;
    return isDue(pair, name, this.#renewBeforeDays, nowMs) ? null : pair;
  }

  /** Each file whole, the key first. Rejects with Node's own error. */
  async write(
    name: string,
    { key, certificate }: { readonly key: string; readonly certificate: string },
  ): Promise<void> {
    const { keyFile, certificateFile } = this.#filesOf(name);
    await writeWhole(keyFile, key, OWNER_ONLY);
    await writeWhole(certificateFile, certificate, FOR_ALL);
  }

  #filesOf(name: string): { readonly certificateFile: string; readonly keyFile: string } {
    const path = join(this.#folder, stemFor(name));
    return { certificateFile: `${path}.crt`, keyFile: `${path}.key` };
  }
}
