import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { frame, Opcode } from '../testing/websocket-frames.ts';
import { FrameBorders } from './frame-borders.ts';

/** Around every border of the three ways to say a length. */
const SIZES = [0, 1, 2, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 70_000];
const frames = fc.array(
  fc.record({
    opcode: fc.constantFrom(Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG),
    isFinal: fc.boolean(),
    isMasked: fc.boolean(),
    size: fc.oneof(fc.nat(300), fc.constantFrom(...SIZES)),
  }),
  { minLength: 1, maxLength: 12 },
);
/** How long each piece is, over and over. */
const tears = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 100_000 })), {
  minLength: 1,
  maxLength: 20,
});

function* torn(bytes: Buffer, lengths: readonly number[]): Generator<{ piece: Buffer; end: number }> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const end = Math.min(bytes.length, at + lengths[turn % lengths.length]!);
    yield { piece: bytes.subarray(at, end), end };
    at = end;
  }
}

function bordersOf(pieces: readonly Buffer[]): Set<number> {
  const ends = new Set([0]);
  let at = 0;
  for (const { length } of pieces) ends.add((at += length));
  return ends;
}

describe('the borders of WebSocket frames', () => {
  it('are where the frames end, in any tear', () => {
    const check = fc.property(frames, tears, (drawn, lengths) => {
      const written = drawn.map((each) => frame(each.opcode, Buffer.alloc(each.size, 0x88), each));
      const ends = bordersOf(written);
      const borders = new FrameBorders();
      for (const { piece, end } of torn(Buffer.concat(written), lengths)) {
        borders.pass(piece);
        assert.equal(borders.isBetween, ends.has(end), `at ${end}`);
      }
      assert.equal(borders.hasClose, false);
    });
    fc.assert(check);
  });

  it('are found from the middle of any frame: what is finished is that frame and no more', () => {
    const check = fc.property(frames, tears, fc.nat(), (drawn, lengths, draw) => {
      const written = drawn.map((each) => frame(each.opcode, Buffer.alloc(each.size), each));
      const bytes = Buffer.concat(written);
      const from = draw % (bytes.length + 1);
      const next = [...bordersOf(written)].find((end) => end >= from);
      const borders = new FrameBorders();
      borders.pass(bytes.subarray(0, from));
      let finished = from;
      for (const { piece } of torn(bytes.subarray(from), lengths)) finished += borders.finishFrame(piece);
      assert.equal(finished, next);
      assert(borders.isBetween);
    });
    fc.assert(check);
  });

  it('of 16 MiB and of more than 4 GiB are counted, not kept', () => {
    const borders = new FrameBorders();
    for (const size of [16 * 1024 * 1024, 5 * 1024 ** 3]) {
      const head = Buffer.alloc(10);
      head[0] = 0x82;
      head[1] = 127;
      head.writeBigUInt64BE(BigInt(size), 2);
      borders.pass(head);
      const piece = Buffer.alloc(1024 * 1024);
      for (let left = size; left > 0; left -= piece.length) {
        assert(!borders.isBetween);
        borders.pass(piece);
      }
      assert(borders.isBetween);
    }
  });

  it('know a Close by its first byte', () => {
    const borders = new FrameBorders();
    borders.pass(frame(Opcode.TEXT, Buffer.from([0x88, 0x88])));
    assert.equal(borders.hasClose, false);
    borders.pass(frame(Opcode.CLOSE, Buffer.from([3, 232])).subarray(0, 1));
    assert.deepEqual([borders.hasClose, borders.isBetween], [true, false]);
  });
});
