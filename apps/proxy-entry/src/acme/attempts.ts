/** How often a name failed in a row, and when it may be tried again: in files, so that a restart does not forget it. */
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FOR_ALL, writeWhole } from './files.ts';
import { stemFor } from './renewal.ts';

export interface Failed {
  readonly failures: number;
  /** Wall clock. */
  readonly retryAtMs: number;
}

const NONE: Failed = { failures: 0, retryAtMs: 0 };

export class Attempts {
  readonly #folder: string;
  /** The same, for a folder that cannot be written: an authority counts what it gave. One for each name at most. */
  readonly #known = new Map<string, Failed>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(name: string): Promise<Failed> {
    const known = this.#known.get(name) ?? NONE;
    const written = await this.#written(name);
    return known.retryAtMs > written.retryAtMs ? known : written;
  }

  async failed(name: string, failed: Failed): Promise<void> {
    this.#known.set(name, failed);
    await writeWhole(this.#path(name), `${JSON.stringify(failed)}\n`, FOR_ALL);
  }

  async succeeded(name: string): Promise<void> {
    this.#known.delete(name);
    await unlink(this.#path(name)).catch(() => undefined);
  }

  async #written(name: string): Promise<Failed> {
    try {
      const { failures, retryAtMs } = JSON.parse(await readFile(this.#path(name), 'utf8')) as Partial<Failed>;
      if (!Number.isSafeInteger(failures) || !Number.isFinite(retryAtMs)) return NONE;
      return { failures: failures!, retryAtMs: retryAtMs! };
    } catch {
      return NONE;
    }
  }

  #path(name: string): string {
    return join(this.#folder, `${stemFor(name)}.failed.json`);
  }
}
