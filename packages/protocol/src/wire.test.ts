import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { check } from './testing/check.ts';
import { rawFrame } from './testing/frames.ts';
import {
  HEADER_BYTES,
  Kind,
  LAST,
  MAX_DATA_BYTES,
  MAX_HEAD_PAYLOAD_BYTES,
  payloadLengthFits,
  readU16,
  readU24,
  readU32,
  rewriteId,
  writeHeader,
  writeU16,
  writeU32,
} from './wire.ts';

const anyU32 = fc.nat(0xffff_ffff);

describe('wire', () => {
  it('writes the header that PROTOCOL.md draws, at any offset', (t) => {
    const kinds = fc.constantFrom(...Object.values(Kind), Kind.OPEN | LAST, Kind.HEAD | LAST);
    const property = fc.property(fc.nat(300), kinds, anyU32, fc.nat(50), (length, kind, id, at) => {
      const target = Buffer.alloc(at + HEADER_BYTES);
      writeHeader(target, at, length, kind, id);
      assert.deepEqual(target.subarray(at), rawFrame(kind, id, Buffer.alloc(length)).subarray(0, HEADER_BYTES));
      assert.equal(readU24(target, at), length);
      assert.equal(readU32(target, at + 4), id);
    });
    check(t, property);
  });

  it('carries a length over 64 KiB in its three bytes', () => {
    const target = Buffer.alloc(HEADER_BYTES);
    writeHeader(target, 0, MAX_HEAD_PAYLOAD_BYTES, Kind.OPEN, 1);
    assert.equal(target.readUIntBE(0, 3), MAX_HEAD_PAYLOAD_BYTES);
  });

  it('reads back every u16 and u32, and as Node does', (t) => {
    const property = fc.property(anyU32, fc.nat(0xffff), (large, small) => {
      const bytes = Buffer.alloc(6);
      writeU32(bytes, 0, large);
      writeU16(bytes, 4, small);
      assert.equal(readU32(bytes, 0), large);
      assert.equal(bytes.readUInt32BE(0), large);
      assert.equal(readU16(bytes, 4), small);
      assert.equal(bytes.readUInt16BE(4), small);
    });
    check(t, property);
  });

  it('rewrites an id and nothing else', (t) => {
    const property = fc.property(fc.uint8Array({ minLength: 20, maxLength: 40 }), anyU32, (bytes, id) => {
      const frame = Buffer.from(bytes);
      rewriteId(frame, 3, id);
      assert.equal(frame.readUInt32BE(7), id);
      frame.set(bytes.subarray(7, 11), 7);
      assert.deepEqual(frame, Buffer.from(bytes));
    });
    check(t, property);
  });

  it('knows the kinds there are, and the least and the most bytes of each', () => {
    const limits: [number, number, number][] = [
      [Kind.HELLO, 22, 2_048],
      [Kind.PING, 4, 4],
      [Kind.PONG, 8, 8],
      [Kind.SLOTS, 12, 12],
      [Kind.SESSIONS, 3, 65_536],
      [Kind.GOAWAY, 6, 6],
      [Kind.CANARY, 5, 5],
      [Kind.OPEN, 9, MAX_HEAD_PAYLOAD_BYTES],
      [Kind.HEAD, 32, MAX_HEAD_PAYLOAD_BYTES],
      [Kind.DATA, 1, MAX_DATA_BYTES],
      [Kind.END, 0, MAX_HEAD_PAYLOAD_BYTES],
      [Kind.ABORT, 2, 2],
      [Kind.RESET, 3, 3],
      [Kind.CREDIT, 4, 4],
    ];
    for (const [kind, least, most] of limits) {
      assert.ok(payloadLengthFits(kind, least) && payloadLengthFits(kind, most), `kind ${kind}`);
      assert.ok(!payloadLengthFits(kind, least - 1) && !payloadLengthFits(kind, most + 1), `kind ${kind}`);
    }
    const known = new Set(limits.map(([kind]) => kind));
    for (let kind = 0; kind < 128; kind += 1) {
      if (known.has(kind)) continue;
      assert.ok(!payloadLengthFits(kind, 4), `kind ${kind}`);
    }
  });
});
