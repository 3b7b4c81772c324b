import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode } from './codes.ts';
import { answerPings, block, open, readyBench, responseHead } from './testing/bench.ts';
import type { Bench } from './testing/bench.ts';
import { rawData, rawFrame, rawOpen, u32 } from './testing/frames.ts';
import { Kind, MAX_DATA_BYTES } from './wire.ts';

/** Credit said since the last look, by stream. */
function said(bench: Bench): [number, number][] {
  return answerPings(bench)
    .filter((frame) => frame.kind === Kind.CREDIT)
    .map((frame) => [frame.id, frame.payload.readUInt32BE(0)]);
}

function opened(count: number): Bench {
  const bench = readyBench('client');
  bench.tape.give(...Array.from({ length: count }, (_, i) => rawOpen(i + 1)));
  return bench;
}

describe('grants', () => {
  it('of one turn go out as one CREDIT a stream', () => {
    const bench = opened(2);
    const [first, second] = bench.handler.opened.map(({ leg }) => leg);
    for (let i = 0; i < 1_000; i += 1) first!.grant(3);
    second!.grant(7);
    assert.deepEqual(said(bench), [
      [1, 3_000],
      [2, 7],
    ]);
    assert.deepEqual(said(bench), []);
    first!.grant(5);
    assert.deepEqual(said(bench), [[1, 5]]);
  });

  it('count from when they are said: DATA that could not know of them is a violation', () => {
    const bench = opened(1);
    bench.tape.give(rawData(1, MAX_DATA_BYTES));
    const { leg } = bench.handler.opened[0]!;
    leg.grant(100);
    assert.equal(leg.receiveCredit, 0);
    bench.clock.settle();
    assert.equal(leg.receiveCredit, 100);
    bench.tape.give(rawData(1, 100));
    assert.ok(!bench.link.isClosed);
  });

  it('are not said of a stream that has ended or is over meanwhile', () => {
    const bench = opened(2);
    const [ended, reset] = bench.handler.opened.map(({ leg }) => leg);
    ended!.grant(10);
    reset!.grant(10);
    bench.tape.give(rawFrame(Kind.END, 1));
    reset!.reset(StreamCode.CANCELLED, false);
    ended!.grant(10);
    reset!.grant(10);
    assert.deepEqual(said(bench), []);
  });

  it('wait for room like all that overtakes, and are then said before DATA', () => {
    const bench = opened(1);
    const { leg } = bench.handler.opened[0]!;
    bench.tape.give(rawFrame(Kind.CREDIT, 1, u32(1_000_000)));
    leg.head(responseHead(), false);
    for (let i = 0; i < 30; i += 1) leg.data(Buffer.alloc(MAX_DATA_BYTES), 0, MAX_DATA_BYTES);
    bench.clock.settle();
    bench.tape.frames();
    leg.grant(1);
    leg.grant(2);
    bench.clock.settle();
    assert.deepEqual(said(bench), []);
    bench.tape.confirm();
    const frames = answerPings(bench);
    assert.equal(frames[0]?.kind, Kind.CREDIT);
    assert.equal(frames[0].payload.readUInt32BE(0), 3);
    assert.ok(frames.slice(1).every((frame) => frame.kind === Kind.DATA));
  });

  it('of a stream whose OPEN waits are said behind it, all that was granted, and none of one that was taken back', () => {
    const bench = readyBench('server');
    block(bench);
    const { leg } = open(bench);
    const { leg: gone } = open(bench);
    leg.grant(3);
    gone.grant(3);
    leg.grant(4);
    gone.reset(StreamCode.CANCELLED, false);
    const told: string[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      bench.tape.confirm();
      for (const { kind, id, payload } of answerPings(bench)) {
        if (kind === Kind.OPEN) told.push(`OPEN ${id}`);
        if (kind === Kind.CREDIT) told.push(`CREDIT ${id} ${payload.readUInt32BE(0)}`);
      }
    }
    assert.deepEqual(told, ['OPEN 1', 'OPEN 2', 'CREDIT 2 7']);
    assert.equal(leg.receiveCredit, MAX_DATA_BYTES + 7);
  });
});
