import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FairQueue, FrameQueue } from './fair-queue.ts';
import { check } from './testing/check.ts';
import { rawData, rawFrame } from './testing/frames.ts';
import { HEADER_BYTES, Kind } from './wire.ts';

const QUANTUM_BYTES = 16_384;

/** DATA whose bytes count up from `from`, so that a lost, doubled or foreign byte shows. */
function counted(from: number, bytes: number): Buffer {
  return rawFrame(Kind.DATA, 7, Buffer.from(Array.from({ length: bytes }, (_, i) => (from + i) % 251)));
}

function pushData(queue: FairQueue, stream: FrameQueue, frame: Buffer): void {
  // As in a received message: the frame is somewhere inside.
  const message = Buffer.concat([Buffer.from('before'), frame, Buffer.from('behind')]);
  queue.pushData(stream, message, 6, 6 + frame.length);
}

/** Pops until `bytes` have come, and says how many were whose. */
function popBytes(queue: FairQueue, bytes: number, keyOf: (stream: FrameQueue) => string): Map<string, number> {
  const taken = new Map<string, number>();
  let total = 0;
  while (total < bytes) {
    const frame = queue.pop()!;
    const key = keyOf(queue.popped!);
    taken.set(key, (taken.get(key) ?? 0) + frame.length);
    total += frame.length;
  }
  return taken;
}

describe('the fair queue', () => {
  it('is empty to begin with', () => {
    const queue = new FairQueue();
    assert.equal(queue.pop(), undefined);
    assert.equal(queue.bytes, 0);
  });

  it('keeps the order of one stream, whatever waits beside it, and every byte of it', (t) => {
    const push = fc.record({
      stream: fc.nat(5),
      small: fc.boolean(),
      bytes: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 6_000 })),
      pops: fc.nat(2),
    });
    const property = fc.property(fc.array(push, { maxLength: 150 }), (pushes) => {
      const queue = new FairQueue();
      const streams = Array.from({ length: 6 }, (_, i) => new FrameQueue(`s${i % 3}`));
      const sent = streams.map(() => 0);
      const got = streams.map(() => 0);
      const popOne = (): boolean => {
        const frame = queue.pop();
        if (frame === undefined) return false;
        const at = streams.indexOf(queue.popped!);
        assert.equal(frame.readUIntBE(0, 3), frame.length - HEADER_BYTES);
        assert.deepEqual(frame, counted(got[at]!, frame.length - HEADER_BYTES));
        got[at]! += frame.length - HEADER_BYTES;
        return true;
      };
      for (const { stream, small, bytes, pops } of pushes) {
        const frame = counted(sent[stream]!, bytes);
        if (small) pushData(queue, streams[stream]!, frame);
        else queue.push(streams[stream]!, frame);
        sent[stream]! += bytes;
        for (let i = 0; i < pops; i += 1) popOne();
      }
      while (popOne());
      assert.deepEqual(got, sent);
      assert.equal(queue.bytes, 0);
      for (const each of streams) assert.equal(each.queuedBytes, 0);
    });
    check(t, property, 300);
  });

  it('gives sessions their bytes in turn, however many streams each has, within one quantum and a frame', (t) => {
    const size = fc.integer({ min: 100, max: 16_384 });
    const property = fc.property(fc.tuple(size, size, size), fc.integer({ min: 1, max: 40 }), (sizes, many) => {
      const queue = new FairQueue();
      const total = 300_000;
      sizes.forEach((bytes, session) => {
        const streams = session === 0 ? many : 1;
        const frame = rawData(1, bytes);
        for (let i = 0; i < streams; i += 1) {
          const stream = new FrameQueue(`s${session}`);
          for (let sent = 0; sent < total / streams + frame.length; sent += frame.length) queue.push(stream, frame);
        }
      });
      const taken = [...popBytes(queue, total, (stream) => stream.session).values()];
      const most = QUANTUM_BYTES + Math.max(...sizes) + HEADER_BYTES;
      assert.ok(Math.max(...taken) - Math.min(...taken) <= most, `${taken.join(', ')}: beyond ${most}`);
    });
    check(t, property, 50);
  });

  it('gives the streams of a session their bytes in turn, within one quantum and a frame', (t) => {
    const sizes = fc.array(fc.integer({ min: 100, max: 16_384 }), { minLength: 2, maxLength: 6 });
    const property = fc.property(sizes, (list) => {
      const queue = new FairQueue();
      const streams = list.map(() => new FrameQueue('s'));
      const each = 100_000;
      list.forEach((bytes, i) => {
        for (let sent = 0; sent < 2 * each; sent += bytes + HEADER_BYTES) queue.push(streams[i]!, rawData(1, bytes));
      });
      const taken = [...popBytes(queue, each * list.length, (stream) => `${streams.indexOf(stream)}`).values()];
      const most = QUANTUM_BYTES + Math.max(...list) + HEADER_BYTES;
      assert.ok(Math.max(...taken) - Math.min(...taken) <= most, `${taken.join(', ')}: beyond ${most}`);
    });
    check(t, property, 50);
  });

  it('lets one small stream pass behind at most a quantum of each large one', () => {
    const queue = new FairQueue();
    const large = Array.from({ length: 4 }, () => new FrameQueue('large'));
    for (const stream of large) for (let i = 0; i < 20; i += 1) queue.push(stream, rawData(1, 16_384));
    popBytes(queue, 100_000, (stream) => stream.session);
    const small = new FrameQueue('small');
    queue.push(small, rawData(1, 10));
    let before = 0;
    while (queue.pop() && queue.popped !== small) before += 16_384 + HEADER_BYTES;
    assert.ok(before <= 3 * QUANTUM_BYTES, `${before} bytes went first`);
  });

  it('merges small DATA that wait behind each other: 1-byte frames cost 1 byte', () => {
    const queue = new FairQueue();
    const stream = new FrameQueue('s');
    for (let i = 0; i < 10_000; i += 1) pushData(queue, stream, counted(i, 1));
    assert.ok(stream.frames.length <= 3);
    assert.equal(queue.bytes, 10_000 + stream.frames.length * HEADER_BYTES);
    assert.equal(stream.queuedBytes, queue.bytes);
    let at = 0;
    for (let frame = queue.pop(); frame !== undefined; frame = queue.pop()) {
      assert.ok(frame.length <= 4_096);
      assert.deepEqual(frame, counted(at, frame.length - HEADER_BYTES));
      at += frame.length - HEADER_BYTES;
    }
    assert.equal(at, 10_000);
    assert.equal(queue.bytes, 0);
  });

  it('never merges DATA over another frame between', () => {
    const queue = new FairQueue();
    const stream = new FrameQueue('s');
    pushData(queue, stream, counted(0, 1));
    queue.push(stream, rawFrame(Kind.END, 7));
    pushData(queue, stream, counted(1, 1));
    assert.deepEqual([queue.pop(), queue.pop(), queue.pop()], [counted(0, 1), rawFrame(Kind.END, 7), counted(1, 1)]);
  });

  it('forgets all of a dropped stream, and nothing of the others', (t) => {
    const push = fc.record({ stream: fc.nat(3), bytes: fc.integer({ min: 1, max: 5_000 }), small: fc.boolean() });
    const property = fc.property(fc.array(push, { maxLength: 60 }), fc.nat(3), fc.nat(5), (pushes, victim, pops) => {
      const queue = new FairQueue();
      const streams = Array.from({ length: 4 }, (_, i) => new FrameQueue(`s${i % 2}`));
      for (const { stream, bytes, small } of pushes) {
        if (small) pushData(queue, streams[stream]!, counted(0, bytes));
        else queue.push(streams[stream]!, counted(0, bytes));
      }
      for (let i = 0; i < pops; i += 1) queue.pop();
      const dropped = streams[victim]!;
      const before = queue.bytes - dropped.queuedBytes;
      queue.drop(dropped);
      queue.drop(dropped);
      assert.equal(queue.bytes, before);
      assert.equal(dropped.queuedBytes, 0);
      assert.ok(!queue.streams().includes(dropped));
      for (const each of queue.streams()) assert.ok(each.frames.length > 0);
      while (queue.pop()) assert.notEqual(queue.popped, dropped);
      assert.equal(queue.bytes, 0);
      assert.deepEqual(queue.streams(), []);
    });
    check(t, property, 300);
  });
});
