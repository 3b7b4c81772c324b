/** Sessions that no server holds any more, remembered for a while. */

/** For so long such a session is one that comes back; a server remembers it as long. */
const MEMORY_MS = 600_000;
/** So many are remembered at least, and twice as many at most: beyond it the half is forgotten that was lost first. */
const MAX_REMEMBERED = 100_000;

/**
 * Two generations, of which the older is forgotten whole. A single Map whose first entries go one by one keeps holes
 * where they were, and each look at its first walks over them: 100,000 sessions lost at once took seconds.
 */
export class LostSessions {
  /** When each was lost. At most MAX_REMEMBERED. */
  #young = new Map<string, number>();
  /** Lost before the first of the young ones. At most MAX_REMEMBERED. */
  #old: ReadonlyMap<string, number> = new Map();
  /** When the first of the young ones was lost. */
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: monotonic. */
  add(session: string, nowMs: number): void {
    if (this.#young.size >= MAX_REMEMBERED || nowMs - this.#sinceMs >= MEMORY_MS) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#sinceMs = nowMs;
    }
    this.#young.set(session, nowMs);
  }

  has(session: string, nowMs: number): boolean {
    const lostMs = this.#young.get(session) ?? this.#old.get(session);
    return lostMs !== undefined && nowMs - lostMs < MEMORY_MS;
  }
}
