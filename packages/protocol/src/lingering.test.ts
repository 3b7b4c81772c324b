import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode } from './codes.ts';
import type { Link } from './link.ts';
import { answerPings, block, open, readyBench, responseHead } from './testing/bench.ts';
import { rawData, rawFrame, rawOpen, u16, u32 } from './testing/frames.ts';
import { Kind } from './wire.ts';

/** Stream 2 has been answered whole, behind a full line. */
function answered() {
  const bench = readyBench('client');
  bench.tape.give(rawOpen(1, 's', true), rawOpen(2, 's', true), rawFrame(Kind.CREDIT, 1, u32(1_000_000)));
  const [first, second] = bench.handler.opened;
  first!.leg.head(responseHead(), false);
  for (let i = 0; i < 30; i += 1) first!.leg.data(Buffer.alloc(16_384), 0, 16_384);
  bench.clock.settle();
  second!.leg.head(responseHead(), false);
  second!.leg.data(Buffer.alloc(16_384), 0, 16_384);
  second!.leg.end([]);
  assert.ok(second!.leg.isOver);
  return { bench, leg: second!.leg, owner: second!.owner };
}

function idsOf(link: Link): number[] {
  return link.legs.all().map(({ id }) => id);
}

describe('a stream that is over while its last frames wait', () => {
  it('stays with its link until they have left: whoever waits for an empty link loses nothing', () => {
    const { bench, leg, owner } = answered();
    assert.ok(bench.link.legs.get(2));
    let last = 0;
    while (bench.link.egress.queuedBytes > 0) {
      assert.equal(bench.link.legs.get(2) !== undefined, leg.queuedBytes > 0);
      for (const frame of answerPings(bench)) if (frame.id === 2) last = frame.kind;
      bench.tape.confirm();
    }
    assert.equal(last, Kind.END);
    assert.deepEqual(idsOf(bench.link), [1]);
    assert.deepEqual(owner.told, []);
  });

  it('is dropped by a RESET, and its owner, who is done, hears nothing', () => {
    const { bench, leg, owner } = answered();
    assert.ok(leg.queuedBytes > 0);
    bench.tape.give(rawFrame(Kind.CREDIT, 2, u32(10)), rawData(2, 1));
    assert.ok(!bench.link.isClosed, 'what comes late for it is dropped');
    bench.tape.give(rawFrame(Kind.RESET, 2, u16(StreamCode.CANCELLED), Buffer.from([0])));
    assert.equal(leg.queuedBytes, 0);
    assert.deepEqual(idsOf(bench.link), [1]);
    assert.deepEqual(owner.told, []);
  });

  it('goes with its link, and its owner, who is done, hears nothing', () => {
    const { bench, owner } = answered();
    bench.tape.handler!.onClosed(1006, '');
    assert.equal(bench.link.legs.size, 0);
    assert.deepEqual(owner.told, []);
  });

  it('is counted also when it was aborted before its OPEN could leave', () => {
    const bench = readyBench('server');
    block(bench);
    open(bench).leg.abort(StreamCode.CANCELLED);
    const kinds: number[] = [];
    while (bench.link.egress.queuedBytes > 0) {
      for (const frame of answerPings(bench)) if (frame.id === 2) kinds.push(frame.kind);
      bench.tape.confirm();
    }
    assert.deepEqual(kinds, [Kind.OPEN, Kind.ABORT]);
    assert.deepEqual(idsOf(bench.link), [1]);
  });
});
