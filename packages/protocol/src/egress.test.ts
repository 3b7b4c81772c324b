import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HANDED_LIMIT_BYTES } from './egress.ts';
import type { Leg } from './leg.ts';
import { answerPings, openHead, Recorder, readyBench } from './testing/bench.ts';
import type { Bench } from './testing/bench.ts';
import { check } from './testing/check.ts';
import { rawFrame, rawHead, u32 } from './testing/frames.ts';
import { Kind, MAX_DATA_BYTES, MAX_WINDOW_BYTES } from './wire.ts';

const FRAME_BYTES = MAX_DATA_BYTES + 8;
const CHUNK = Buffer.alloc(MAX_DATA_BYTES, 0x61);
const MIB = 1024 * 1024;

function openLeg({ link }: Bench, session = 's', last = false): Leg {
  const leg = link.openLeg(session, new Recorder());
  leg.open(openHead({ session }), last);
  return leg;
}

/** A departed leg that may send 8 MiB. */
function richLeg(bench: Bench, session = 's'): Leg {
  const leg = openLeg(bench, session);
  bench.clock.settle();
  bench.tape.give(rawFrame(Kind.CREDIT, leg.id, u32(MAX_WINDOW_BYTES - leg.sendCredit)));
  return leg;
}

/** Queues `bytes` of DATA. */
function send(leg: Leg, bytes: number): void {
  for (let at = 0; at < bytes; at += MAX_DATA_BYTES) leg.data(CHUNK, 0, Math.min(MAX_DATA_BYTES, bytes - at));
}

describe('egress', () => {
  it('hands all frames of a turn over in one call', () => {
    const bench = readyBench('server');
    const before = bench.tape.sends.length;
    for (let i = 0; i < 40; i += 1) {
      const leg = openLeg(bench, `s${i % 3}`);
      leg.data(Buffer.from('small'), 0, 5);
      leg.data(CHUNK, 0, 2_000);
      leg.end([]);
    }
    assert.equal(bench.tape.sends.length, before);
    bench.clock.settle();
    assert.equal(bench.tape.sends.length, before + 1);
    assert.equal(bench.tape.frames().length, 160);
    bench.clock.settle();
    assert.equal(bench.tape.sends.length, before + 1);
  });

  it('keeps large frames in the same call and in order with small ones', () => {
    const bench = readyBench('server');
    const leg = richLeg(bench);
    bench.tape.frames();
    const before = bench.tape.sends.length;
    send(leg, 1);
    send(leg, MAX_DATA_BYTES);
    send(leg, 2);
    bench.clock.settle();
    assert.equal(bench.tape.sends.length, before + 1);
    const sizes = bench.tape.frames().map((frame) => frame.payload.length);
    assert.deepEqual(sizes, [1, MAX_DATA_BYTES, 2]);
  });

  it('leaves at most 128 KiB, and the frame that reaches it, in the hands of the transport', () => {
    const bench = readyBench('server');
    const leg = richLeg(bench);
    bench.tape.confirm();
    send(leg, 2 * MIB);
    let turns = 0;
    while (bench.link.egress.queuedBytes > 0) {
      answerPings(bench);
      assert.ok(bench.tape.handedBytes < HANDED_LIMIT_BYTES + FRAME_BYTES, `${bench.tape.handedBytes} handed`);
      const before = bench.tape.sentBytes;
      bench.clock.settle();
      assert.equal(bench.tape.sentBytes, before, 'more was handed over before any of it had left');
      bench.tape.confirm();
      turns += 1;
      assert.ok(turns < 100);
    }
    assert.ok(turns >= 15);
  });

  it('holds the same line when frames are small or pass through', () => {
    const bench = readyBench('server');
    const leg = richLeg(bench);
    bench.tape.confirm();
    for (let i = 0; i < 3_000; i += 1) {
      const frame = rawFrame(Kind.DATA, 99, CHUNK.subarray(0, 1 + (i % 3_000)));
      leg.forward(Kind.DATA, false, frame, 0, frame.length);
    }
    bench.clock.settle();
    assert.ok(bench.tape.handedBytes < HANDED_LIMIT_BYTES + 2 * 4_096);
    assert.ok(bench.link.egress.queuedBytes > 3 * MIB);
  });

  it('sends no more than 256 KiB that no PONG has acknowledged', () => {
    const bench = readyBench('server');
    const leg = richLeg(bench);
    const start = bench.tape.sentBytes;
    send(leg, 2 * MIB);
    for (let i = 0; i < 50; i += 1) {
      bench.clock.settle();
      bench.tape.confirm();
    }
    assert.ok(bench.tape.sentBytes - start < 256 * 1024 + FRAME_BYTES);
    answerPings(bench);
    bench.tape.confirm();
    bench.clock.settle();
    assert.ok(bench.tape.sentBytes - start > 256 * 1024 + FRAME_BYTES, 'a PONG opens the way');
  });

  it('sends what overtakes before all DATA that waits', () => {
    const bench = readyBench('server');
    const leg = richLeg(bench);
    const other = openLeg(bench);
    bench.clock.settle();
    bench.tape.give(rawHead(leg.id, 200));
    bench.tape.confirm();
    send(leg, MIB);
    bench.clock.settle();
    bench.tape.frames();
    bench.link.sendSlots({ leases: 0, returned: 0, waiting: 3 });
    leg.grant(1);
    other.reset(1, false);
    bench.link.goAway(12);
    bench.tape.give(rawFrame(Kind.PING, 0, u32(5)));
    bench.clock.settle();
    bench.tape.confirm();
    bench.clock.settle();
    const kinds = answerPings(bench).map((frame) => frame.kind);
    assert.deepEqual(kinds.slice(0, 5), [Kind.CREDIT, Kind.SLOTS, Kind.RESET, Kind.GOAWAY, Kind.PONG]);
    assert.ok(kinds.length > 5 && kinds.slice(5).every((kind) => kind === Kind.DATA));
  });

  it('drops what a reset stream has waiting, and counts back to 0', () => {
    const bench = readyBench('server');
    const leg = richLeg(bench);
    bench.tape.confirm();
    send(leg, MIB);
    bench.clock.settle();
    assert.ok(bench.link.egress.queuedBytes > MIB / 2);
    leg.reset(1, false);
    assert.ok(bench.link.egress.queuedBytes <= 11);
    bench.tape.confirm();
    bench.clock.settle();
    assert.equal(bench.link.egress.queuedBytes, 0);
    assert.equal(answerPings(bench).at(-1)?.kind, Kind.RESET);
  });

  it('gives ids in the order in which OPENs leave, whatever order the queue chose', (t) => {
    const step = fc.record({
      session: fc.nat(3),
      bodyBytes: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 16_384 })),
      headBytes: fc.constantFrom(5, 5_000),
      cut: fc.constantFrom('no', 'no', 'reset', 'abort'),
      turn: fc.boolean(),
    });
    const property = fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const bench = readyBench('server');
      send(richLeg(bench, 'busy'), MIB);
      for (const { session, bodyBytes, headBytes, cut, turn } of steps) {
        const leg = bench.link.openLeg(`s${session}`, new Recorder());
        leg.open(openHead({ strings: ['GET', `/${'x'.repeat(headBytes)}`] }), false);
        if (bodyBytes > 0) send(leg, bodyBytes);
        if (cut === 'reset') leg.reset(1, false);
        else if (cut === 'abort') leg.abort(1);
        if (turn) bench.clock.turn();
      }
      const frames = [];
      while (bench.link.egress.queuedBytes > 0) {
        frames.push(...answerPings(bench));
        bench.tape.confirm();
      }
      let highest = 0;
      for (const { kind, id } of frames) {
        if (kind === Kind.OPEN) assert.equal(id, (highest += 1));
        else assert.ok(id >= 1 && id <= highest, `kind ${kind} of ${id} before its OPEN`);
      }
    });
    check(t, property, 60);
  });

  it('sends nothing, and keeps nothing, once the link is closed', () => {
    const bench = readyBench('server');
    const leg = richLeg(bench);
    bench.tape.confirm();
    send(leg, MIB);
    bench.clock.settle();
    // Over already, and its two frames still wait.
    openLeg(bench).abort(1);
    bench.link.close(4000, 'over');
    const { sentBytes } = bench.tape;
    bench.tape.confirm();
    bench.clock.settle();
    assert.equal(bench.tape.sentBytes, sentBytes);
    assert.equal(bench.link.egress.queuedBytes, 0);
  });
});
