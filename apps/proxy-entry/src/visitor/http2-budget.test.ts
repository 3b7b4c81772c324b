import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Allowance, Overhead } from './http2-budget.ts';

describe('an allowance', () => {
  it('lets so much be taken at once, and so much again each second', () => {
    const allowance = new Allowance(10, 5, 0);
    assert.ok(allowance.take(10, 0));
    assert.ok(!allowance.take(1, 0));
    assert.ok(allowance.take(4, 1_000));
    assert.ok(!allowance.take(1, 1_000));
  });

  it('never holds more than its burst, however long nothing is taken or however much is given', () => {
    const allowance = new Allowance(10, 5, 0);
    allowance.give(1_000);
    assert.ok(allowance.take(10, 3_600_000));
    assert.ok(!allowance.take(1, 3_600_000));
  });

  it('is given back by useful work', () => {
    const allowance = new Allowance(2, 0, 0);
    for (let i = 0; i < 100; i += 1) {
      assert.ok(allowance.take(1, 0));
      allowance.give(1);
    }
  });
});

function overhead(burst = 1_000): Overhead {
  return new Overhead(new Allowance(burst, 0, 0));
}

describe('the bytes of a connection that carry nothing', () => {
  it('are those that no head, body or answer accounts for', () => {
    const counted = overhead();
    counted.head(200);
    counted.body(16_384);
    assert.ok(counted.isTolerable(200 + 9 + 16_384 + 9, 0));
    assert.ok(counted.isTolerable(200 + 9 + 16_384 + 9 + 1_000, 0));
    assert.ok(!counted.isTolerable(200 + 9 + 16_384 + 9 + 1_001, 0));
  });

  it('are not the window updates that an answer calls for, two for each of its frames, large or small', () => {
    const counted = overhead(100);
    let received = 0;
    for (const size of [16_384, 1, 100]) {
      for (let i = 0; i < 1_000; i += 1) {
        counted.answer(size);
        received += 2 * 13;
      }
      assert.ok(counted.isTolerable(received, 0), `${size}`);
    }
  });

  it('are not what comes of an upload that we stopped, up to what may be on its way at once', () => {
    const counted = overhead();
    for (let i = 0; i < 100; i += 1) counted.stopped(65_536);
    assert.ok(counted.isTolerable(500_000, 0));
    assert.ok(counted.isTolerable(1_048_576 + 1_000, 0));
    assert.ok(!counted.isTolerable(1_048_576 + 1_001, 0));
  });

  it('cannot be saved up by asking much', () => {
    const counted = overhead();
    for (let i = 0; i < 1_000; i += 1) counted.head(1_000);
    assert.ok(counted.isTolerable(100_000, 0));
    assert.ok(counted.isTolerable(101_000, 0));
    assert.ok(!counted.isTolerable(101_001, 0));
  });
});
