/** Says that files may have changed: at once where the system is asked to tell and does, and else by a poll. */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';

/** Several files that change together are read once. */
const SETTLE_MS = 250;

export class FileWatch {
  readonly #onMaybeChanged: () => Promise<void>;
  readonly #watchers: readonly FSWatcher[];
  readonly #poll: NodeJS.Timeout;
  #settling: NodeJS.Timeout | null = null;
  /** Open while it looks. */
  #looking: Promise<void> | null = null;
  #isAskedAgain = false;
  #isClosed = false;

  /**
   * `folders`: what happens in them is told at once. `pollMs`: network file systems tell nothing, and a folder that is
   * replaced takes its watch with it. `onMaybeChanged` must not reject. It may be called when nothing has changed; never
   * while its last promise is open.
   */
  constructor(folders: Iterable<string>, pollMs: number, onMaybeChanged: () => Promise<void>) {
    this.#onMaybeChanged = onMaybeChanged;
    this.#watchers = [...folders].flatMap((folder) => watcherOf(folder, () => this.#soon()));
    this.#poll = setInterval(() => void this.#run(), pollMs).unref();
  }

  /** Now, and once more behind a look that is under way. Resolves when that is done. */
  look(): Promise<void> {
    return this.#run();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    if (this.#settling !== null) clearTimeout(this.#settling);
    for (const each of this.#watchers) each.close();
  }

  #soon(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = null;
      void this.#run();
    }, SETTLE_MS).unref();
  }

  #run(): Promise<void> {
    this.#isAskedAgain = true;
    this.#looking ??= this.#lookUntilQuiet();
    return this.#looking;
  }

  async #lookUntilQuiet(): Promise<void> {
    try {
      while (this.#isAskedAgain && !this.#isClosed) {
        this.#isAskedAgain = false;
        await this.#onMaybeChanged();
      }
    } finally {
      this.#looking = null;
    }
  }
}

/** None where the system cannot watch (no more watches, a file system without): there is the poll. */
function watcherOf(folder: string, onEvent: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}
