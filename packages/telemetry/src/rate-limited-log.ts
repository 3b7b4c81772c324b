import { type Clock, realClock } from './clock.ts';

/** Keys kept apart; the rest share the key `other`. */
const MAX_KEYS = 128;
const DEFAULT_INTERVAL_MS = 60_000;

export type RateLimitedLog = {
  /** Something happened that deserves a line, but not one each time. */
  hit(key: string): void;
  /** Writes what has been held back and ends the timers. */
  close(): void;
};

type Held = { hits: number; cancel: () => void };

/**
 * At most one line per key and interval. The first hit is written at once; those that follow are held back and written
 * as one line when the interval ends, so that every hit is in some line: a burst of 10,000 shows as 1 and then 9,999.
 *
 * @param write called with the key and the hits since the line before.
 */
export function rateLimitedLog(
  write: (key: string, hits: number) => void,
  options: { intervalMs?: number; clock?: Clock } = {},
): RateLimitedLog {
  const { intervalMs = DEFAULT_INTERVAL_MS, clock = realClock } = options;
  const held = new Map<string, Held>();

  const wait = (key: string): (() => void) =>
    clock.after(intervalMs, () => {
      const entry = held.get(key);
      if (!entry) return;
      if (entry.hits === 0) {
        held.delete(key);
        return;
      }
      const { hits } = entry;
      entry.hits = 0;
      entry.cancel = wait(key);
      write(key, hits);
    });

  return {
    hit(wanted) {
      const key = held.has(wanted) || held.size < MAX_KEYS ? wanted : 'other';
      const entry = held.get(key);
      if (entry) {
        entry.hits++;
        return;
      }
      held.set(key, { hits: 0, cancel: wait(key) });
      write(key, 1);
    },
    close() {
      for (const [key, entry] of held) {
        entry.cancel();
        if (entry.hits > 0) write(key, entry.hits);
      }
      held.clear();
    },
  };
}
