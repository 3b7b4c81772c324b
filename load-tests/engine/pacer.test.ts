import assert from 'node:assert/strict';
import { test } from 'node:test';
import { monotonicMs } from './clock.ts';
import { Pacer } from './pacer.ts';

/** A pacer whose next alarm can be awaited. */
async function start(): Promise<{ pacer: Pacer; alarm: () => Promise<number>; alarms: number[] }> {
  const alarms: number[] = [];
  let waiting: ((atMs: number) => void) | null = null;
  const pacer = new Pacer(() => {
    alarms.push(monotonicMs());
    waiting?.(alarms.at(-1) ?? 0);
    waiting = null;
  });
  await pacer.ready();
  const alarm = (): Promise<number> =>
    new Promise((resolve) => {
      waiting = resolve;
    });
  return { pacer, alarm, alarms };
}

test('the pacer wakes at the time asked for and never before it', async () => {
  const { pacer, alarm } = await start();
  try {
    for (const delayMs of [0.3, 1.7, 0, 5.2, 0.1, 20]) {
      const due = monotonicMs() + delayMs;
      const woken = alarm();
      pacer.wakeAt(due);
      const at = await woken;
      assert.ok(at >= due, `${due - at} ms early`);
    }
  } finally {
    await pacer.stop();
  }
});

test('a new time replaces one that has not come', async () => {
  const { pacer, alarm, alarms } = await start();
  try {
    const woken = alarm();
    pacer.wakeAt(monotonicMs() + 60_000);
    const due = monotonicMs() + 2;
    pacer.wakeAt(due);
    assert.ok((await woken) >= due);
    assert.equal(alarms.length, 1);
  } finally {
    await pacer.stop();
  }
});

test('a stopped pacer ends although it sleeps', async () => {
  const { pacer, alarms } = await start();
  pacer.wakeAt(monotonicMs() + 60_000);
  await pacer.stop();
  assert.equal(alarms.length, 0);
});
