import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReceiveWindow, WindowBudget } from './credit.ts';
import { check } from './testing/check.ts';
import { INITIAL_WINDOW_BYTES as W0, MAX_WINDOW_BYTES } from './wire.ts';

const MIB = 1024 * 1024;
const FAR_MS = 100;

/** Takes all there is, at once, `times` times, with grants `everyMs` apart. */
function drain(window: ReceiveWindow, times: number, everyMs: number): number[] {
  const granted: number[] = [];
  let now = 0;
  let outstanding = W0;
  for (let i = 0; i < times; i += 1) {
    now += everyMs;
    const grant = window.consume(outstanding, now, FAR_MS);
    granted.push(grant);
    outstanding = grant;
  }
  return granted;
}

describe('a receive window', () => {
  it('grants when half of it is consumed, and then all that was consumed', () => {
    const window = new ReceiveWindow(new WindowBudget(0), MAX_WINDOW_BYTES, 0);
    assert.equal(window.consume(W0 / 2 - 1, 1_000, 1), 0);
    assert.equal(window.consume(1, 1_000, 1), W0 / 2);
    assert.equal(window.consume(W0, 2_000, 1), W0);
  });

  it('doubles when a grant is due within two round trips of the one before it', () => {
    const window = new ReceiveWindow(new WindowBudget(64 * MIB), MAX_WINDOW_BYTES, 0);
    assert.deepEqual(drain(window, 3, 2 * FAR_MS - 1), [2 * W0, 4 * W0, 8 * W0]);
  });

  it('stays as it is when the sender was not waiting for it', () => {
    const window = new ReceiveWindow(new WindowBudget(64 * MIB), MAX_WINDOW_BYTES, 0);
    assert.deepEqual(drain(window, 3, 2 * FAR_MS), [W0, W0, W0]);
  });

  it('takes a round trip under 2 ms for 2 ms', () => {
    const window = new ReceiveWindow(new WindowBudget(64 * MIB), MAX_WINDOW_BYTES, 0);
    assert.equal(window.consume(W0, 3.9, 0), 2 * W0);
    assert.equal(window.consume(2 * W0, 7.9, 0), 2 * W0);
  });

  it('never grows beyond 8 MiB, nor beyond its own limit', () => {
    const wide = new ReceiveWindow(new WindowBudget(64 * MIB), 100 * MIB, 0);
    drain(wide, 20, 1);
    assert.equal(wide.windowBytes, MAX_WINDOW_BYTES);
    const narrow = new ReceiveWindow(new WindowBudget(64 * MIB), 40_000, 0);
    drain(narrow, 20, 1);
    assert.equal(narrow.windowBytes, 40_000);
    const fixed = new ReceiveWindow(new WindowBudget(64 * MIB), 0, 0);
    drain(fixed, 20, 1);
    assert.equal(fixed.windowBytes, W0);
  });

  it('grants on within its size when the budget has no more, and counts the refusal', () => {
    const budget = new WindowBudget(W0);
    const window = new ReceiveWindow(budget, MAX_WINDOW_BYTES, 0);
    assert.deepEqual(drain(window, 4, 1), [2 * W0, 2 * W0, 2 * W0, 2 * W0]);
    assert.equal(budget.refusals, 3);
    assert.equal(budget.usedBytes, W0);
  });

  it('gives its growth back once, however often it is closed', () => {
    const budget = new WindowBudget(64 * MIB);
    const window = new ReceiveWindow(budget, MAX_WINDOW_BYTES, 0);
    const other = new ReceiveWindow(budget, MAX_WINDOW_BYTES, 0);
    drain(window, 4, 1);
    drain(other, 2, 1);
    window.close();
    window.close();
    assert.equal(budget.usedBytes, other.windowBytes - W0);
    other.close();
    assert.equal(budget.usedBytes, 0);
  });

  it('keeps granted − consumed = window, and the budget in its limit, whatever is done to it', (t) => {
    const step = fc.record({
      which: fc.nat(3),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      waitMs: fc.nat(300),
      close: fc.nat(30).map((dice) => dice === 0),
    });
    const steps = fc.array(step, { maxLength: 200 });
    const property = fc.property(fc.nat(2 * MIB), steps, fc.nat(FAR_MS), (limitBytes, list, roundTripMs) => {
      const budget = new WindowBudget(limitBytes);
      let now = 0;
      const make = () => ({ window: new ReceiveWindow(budget, MAX_WINDOW_BYTES, now), outstanding: W0, held: 0 });
      const streams = Array.from({ length: 4 }, make);
      for (const { which, part, waitMs, close } of list) {
        now += waitMs;
        const stream = streams[which]!;
        if (close) {
          stream.window.close();
          streams[which] = make();
          continue;
        }
        const arrived = Math.ceil(part * stream.outstanding);
        stream.outstanding -= arrived;
        stream.held += arrived;
        const consumed = Math.ceil(part * stream.held);
        stream.held -= consumed;
        const grant = stream.window.consume(consumed, now, roundTripMs);
        stream.outstanding += grant;
        assert.ok(grant === 0 || grant >= 1);
        const { windowBytes } = stream.window;
        const ungranted = windowBytes - stream.outstanding - stream.held;
        assert.ok(ungranted >= 0 && ungranted * 2 < windowBytes, `${ungranted} of ${windowBytes} not granted`);
        assert.ok(budget.usedBytes >= 0 && budget.usedBytes <= limitBytes);
        const grown = streams.reduce((sum, each) => sum + each.window.windowBytes - W0, 0);
        assert.equal(budget.usedBytes, grown);
      }
      for (const { window } of streams) window.close();
      assert.equal(budget.usedBytes, 0);
    });
    check(t, property);
  });
});
