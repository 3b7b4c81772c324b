import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AnswerClock, BodyClock } from './clocks.ts';

const RATE = 100;
const GRACE_MS = 2_000;

function started(): BodyClock {
  const clock = new BodyClock();
  clock.start(0, GRACE_MS);
  return clock;
}

describe('the clock of a body', () => {
  it('gives a grace in which nothing need come', () => {
    const clock = started();
    assert.equal(clock.isLate(2_000, RATE, GRACE_MS), false);
    assert.equal(clock.isLate(2_001, RATE, GRACE_MS), true);
  });

  it('lets a body go on that comes at its minimum rate, however long', () => {
    const clock = started();
    for (let s = 1; s < 1_000; s += 1) {
      clock.took(RATE);
      assert.equal(clock.isLate(1_000 * s, RATE, GRACE_MS), false, `${s}`);
    }
  });

  it('ends one that comes slower, once the grace is used up', () => {
    const clock = started();
    let s = 1;
    for (clock.took(RATE / 2); !clock.isLate(1_000 * s, RATE, GRACE_MS); clock.took(RATE / 2)) s += 1;
    assert.equal(s, 5);
  });

  it('lets nobody save up more than the grace', () => {
    const clock = started();
    clock.took(1_000_000);
    assert.equal(clock.isLate(1_000, RATE, GRACE_MS), false);
    assert.equal(clock.isLate(3_000, RATE, GRACE_MS), false);
    assert.equal(clock.isLate(3_001, RATE, GRACE_MS), true);
  });

  it('charges nothing for what is skipped, and begins anew with each body', () => {
    const clock = started();
    clock.skip(60_000);
    assert.equal(clock.isLate(61_000, RATE, GRACE_MS), false);
    assert.equal(clock.isLate(63_000, RATE, GRACE_MS), true);
    clock.start(63_000, GRACE_MS);
    assert.equal(clock.isLate(65_000, RATE, GRACE_MS), false);
  });
});

describe('the clock of an answer', () => {
  const LIMIT_MS = 1_000;

  it('is late where bytes wait and none of them goes', () => {
    const clock = new AnswerClock();
    assert.equal(clock.isLate(0, { writableLength: 0, bytesWritten: 10 }, 0, LIMIT_MS), false);
    assert.equal(clock.isLate(1_000, { writableLength: 90, bytesWritten: 100 }, 90, LIMIT_MS), false);
    assert.equal(clock.isLate(1_001, { writableLength: 90, bytesWritten: 100 }, 90, LIMIT_MS), true);
  });

  it('is not late where none wait, however long', () => {
    const clock = new AnswerClock();
    for (const nowMs of [0, 10_000, 20_000]) {
      assert.equal(clock.isLate(nowMs, { writableLength: 0, bytesWritten: 10 }, 0, LIMIT_MS), false);
    }
  });

  it('is not late at its first look, however late that is', () => {
    const waiting = { writableLength: 100, bytesWritten: 100 };
    const clock = new AnswerClock();
    assert.equal(clock.isLate(100_000, waiting, 100, LIMIT_MS), false);
    assert.equal(clock.isLate(101_000, waiting, 100, LIMIT_MS), false);
    assert.equal(clock.isLate(101_001, waiting, 100, LIMIT_MS), true);
  });

  it('is not late while any go: whole writes, or a part of a large one', () => {
    const clock = new AnswerClock();
    clock.isLate(0, { writableLength: 100, bytesWritten: 100 }, 100, LIMIT_MS);
    assert.equal(clock.isLate(2_000, { writableLength: 90, bytesWritten: 100 }, 100, LIMIT_MS), false);
    assert.equal(clock.isLate(4_000, { writableLength: 90, bytesWritten: 100 }, 50, LIMIT_MS), false);
  });

  it('is late although more and more bytes wait', () => {
    const clock = new AnswerClock();
    clock.isLate(0, { writableLength: 100, bytesWritten: 100 }, 100, LIMIT_MS);
    assert.equal(clock.isLate(2_000, { writableLength: 200, bytesWritten: 200 }, 100, LIMIT_MS), true);
  });
});
