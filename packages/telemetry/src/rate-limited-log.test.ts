import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Clock } from './clock.ts';
import { rateLimitedLog } from './rate-limited-log.ts';

class FakeClock implements Clock {
  nowMs = 0;
  #timers = new Set<{ dueMs: number; run: () => void }>();

  after(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.nowMs = next.dueMs;
      this.#timers.delete(next);
      next.run();
    }
    this.nowMs = endMs;
  }

  get pending(): number {
    return this.#timers.size;
  }

  #next(endMs: number) {
    return [...this.#timers].filter((timer) => timer.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
  }
}

test('the first hit is written at once, the rest of the minute as one line when it ends', () => {
  const clock = new FakeClock();
  const lines: unknown[] = [];
  const log = rateLimitedLog((key, hits) => lines.push([clock.nowMs, key, hits]), { clock });
  for (let i = 0; i < 10_000; i++) log.hit('queue');
  clock.advance(59_999);
  assert.deepEqual(lines, [[0, 'queue', 1]]);
  clock.advance(1);
  assert.deepEqual(lines[1], [60_000, 'queue', 9999]);
});

test('a key that has been quiet for an interval is forgotten, timer and all', () => {
  const clock = new FakeClock();
  const log = rateLimitedLog(() => undefined, { clock });
  log.hit('queue');
  clock.advance(60_000);
  assert.equal(clock.pending, 0);
});

test('closing writes what was held back and leaves no timer', () => {
  const clock = new FakeClock();
  const lines: unknown[] = [];
  const log = rateLimitedLog((key, hits) => lines.push([key, hits]), { clock });
  for (const key of ['a', 'a', 'b']) log.hit(key);
  log.close();
  assert.deepEqual(lines, [
    ['a', 1],
    ['b', 1],
    ['a', 1],
  ]);
  assert.equal(clock.pending, 0);
});

test('keys beyond the limit share one', () => {
  const keys = new Set<string>();
  const log = rateLimitedLog((key) => keys.add(key), { clock: new FakeClock() });
  for (let i = 0; i < 1000; i++) log.hit(`limit ${i}`);
  assert.equal(keys.size, 129);
  assert.ok(keys.has('other'));
});

test('every hit is in exactly one line, and lines of a key are an interval apart, for any sequence', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b'), waitMs: fc.integer({ min: 0, max: 90_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new FakeClock();
      const lines: { key: string; hits: number; atMs: number }[] = [];
      const log = rateLimitedLog((key, hits) => lines.push({ key, hits, atMs: clock.nowMs }), { clock });
      for (const { key, waitMs } of steps) {
        log.hit(key);
        clock.advance(waitMs);
      }
      clock.advance(60_000);
      log.close();
      for (const key of ['a', 'b']) {
        const own = lines.filter((line) => line.key === key);
        const hits = own.reduce((sum, line) => sum + line.hits, 0);
        assert.equal(hits, steps.filter((step) => step.key === key).length);
        own.slice(1).forEach((line, i) => assert.ok(line.atMs - own[i]!.atMs >= 60_000));
      }
    }),
  );
});
