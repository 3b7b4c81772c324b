import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ArmSecond, SecondReport } from '../report/model.ts';
import { BoundedSeconds } from './bounded-seconds.ts';

const second = (atS: number, arm: Partial<ArmSecond> = {}): SecondReport => ({
  atS,
  lengthS: 1,
  arms: { tunnel: { ok: 10, failed: 0, p50: 1, p99: 2, max: 3, ...arm } },
});

function collect(count: number, limit: number): BoundedSeconds {
  const seconds = new BoundedSeconds(limit);
  for (let atS = 0; atS < count; atS++) seconds.add(second(atS));
  return seconds;
}

describe('the seconds of a step', () => {
  test('are kept as they are while there are few', () => {
    assert.deepEqual(collect(3, 4).all(), [second(0), second(1), second(2)]);
  });

  test('are never more than the limit, all of one length, and lose no answer', () => {
    for (const count of [4, 5, 8, 100, 1001]) {
      const all = collect(count, 4).all();
      assert.ok(all.length <= 4, `${all.length} of ${count}`);
      assert.equal(
        all.reduce((sum, { lengthS }) => sum + lengthS, 0),
        count,
      );
      assert.equal(
        all.reduce((sum, { arms }) => sum + (arms.tunnel?.ok ?? 0), 0),
        10 * count,
      );
      assert.equal(new Set(all.slice(0, -1).map(({ lengthS }) => lengthS)).size, 1);
      assert.ok(all.every(({ atS }, index) => atS === index * (all[0]?.lengthS ?? 0)));
    }
  });

  test('that become one have the worse tail, and a median between', () => {
    const seconds = new BoundedSeconds(2);
    seconds.add(second(0, { ok: 30, p50: 1, p99: 90, max: 99 }));
    seconds.add(second(1, { ok: 8, failed: 2, p50: 5, p99: 6, max: 7 }));
    assert.deepEqual(seconds.all()[0]?.arms.tunnel, { ok: 38, failed: 2, p50: 2, p99: 90, max: 99 });
  });
});
