import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { Leg } from './leg.ts';
import { LegTable } from './leg-table.ts';
import type { Link } from './link.ts';
import { check } from './testing/check.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;

const LINK = null as unknown as Link;
const MIB = 1024 * 1024;

function legOf(id: number): Leg {
  const leg = new Leg(LINK, 'demo', null, true);
  leg.id = id;
  return leg;
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'old_space')!.space_used_size;
}

describe('the legs of a link', () => {
  it('are found by id for as long as they are in it, whatever comes and goes', (t) => {
    // Ids as links give them, each one step or a leap above the last; which of those there goes is chosen by the number.
    const step = fc.record({ leap: fc.nat({ max: 3_000 }), kind: fc.nat({ max: 2 }), which: fc.nat() });
    check(
      t,
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const table = new LegTable();
        const model = new Map<number, Leg>();
        let id = 0;
        for (const { leap, kind, which } of steps) {
          if (kind > 0) {
            id += 1 + (leap > 2_000 ? leap : 0);
            model.set(id, legOf(id));
            table.add(model.get(id)!);
          } else {
            const gone = [...model.keys()][which % Math.max(1, model.size)] ?? id + 1;
            model.delete(gone);
            table.delete(gone);
            assert.equal(table.get(gone), undefined);
          }
          assert.equal(table.size, model.size);
          for (const [each, leg] of model) assert.equal(table.get(each), leg);
        }
        assert.deepEqual(table.all(), [...model.values()]);
      }),
    );
  });

  it('are garbage once they are over, also on a link that has grown old', () => {
    const table = new LegTable();
    let id = 0;
    const next = () => {
      id += 1;
      table.add(legOf(id));
      if (id > 50) table.delete(id - 50);
    };
    const churn = (count: number) => {
      for (let i = 0; i < count; i += 1) next();
      collect({ type: 'minor' });
    };
    churn(60);
    for (let i = 0; i < 3; i += 1) churn(0);
    const before = oldBytes();
    for (let i = 0; i < 50; i += 1) churn(2_000);
    // With a Map in place of the table it is about 10 MiB.
    assert.ok(oldBytes() - before < 2 * MIB, `${oldBytes() - before} bytes more`);
  });
});
