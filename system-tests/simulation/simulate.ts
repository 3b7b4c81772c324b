/** Plays schedules, one seed after the other. */
import { World } from './world.ts';

export interface Played {
  readonly schedules: number;
  readonly requests: number;
  readonly failure: { readonly seed: number; readonly error: Error } | null;
}

export interface PlayOptions {
  /** Of the first schedule; the others follow it. */
  readonly seed: number;
  readonly mostSchedules: number;
  readonly forMs: number;
  /** Called now and then, with the schedules so far. */
  readonly onProgress?: (schedules: number) => void;
}

const PROGRESS_EVERY = 1_000;

/** Until one fails, there are enough, or the time is over. */
export async function play({ seed, mostSchedules, forMs, onProgress }: PlayOptions): Promise<Played> {
  const endMs = performance.now() + forMs;
  let schedules = 0;
  let requests = 0;
  while (schedules < mostSchedules && performance.now() < endMs) {
    const own = (seed + schedules) >>> 0;
    schedules += 1;
    try {
      const world = new World(own);
      requests += world.stage.plan.requests.length;
      await world.run();
    } catch (error) {
      return { schedules, requests, failure: { seed: own, error: error as Error } };
    }
    if (schedules % PROGRESS_EVERY === 0) {
      onProgress?.(schedules);
      // A schedule never waits for anything real: let a Ctrl-C in.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { schedules, requests, failure: null };
}
