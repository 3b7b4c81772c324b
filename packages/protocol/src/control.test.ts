import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeHello, decodeSessions, decodeSlots, encodeHello, encodeSessions, encodeSlots } from './control.ts';
import { PLAIN, session, u32Value } from './testing/arbitraries.ts';
import { helloOf } from './testing/bench.ts';
import { check } from './testing/check.ts';
import { Role } from './wire.ts';

const byte = fc.nat(255);
const anyHello = fc.record(
  {
    minVersion: byte,
    maxVersion: byte,
    role: byte,
    capabilities: u32Value,
    windowBytes: u32Value,
    heartbeatMs: u32Value,
    leases: u32Value,
    instance: session,
    session,
    deployment: session,
  },
  PLAIN,
);
const anyState = fc.record(
  {
    session,
    principal: session,
    epoch: u32Value,
    links: fc.nat(0xffff),
    free: u32Value,
    waiting: u32Value,
  },
  PLAIN,
);
const anyUpdate = fc.record(
  {
    reset: fc.boolean(),
    complete: fc.boolean(),
    sessions: fc.array(anyState, { maxLength: 20 }),
  },
  PLAIN,
);

describe('link frames', () => {
  it('carry HELLO there and back, and ignore bytes behind the fields they know', (t) => {
    const property = fc.property(anyHello, fc.uint8Array({ maxLength: 50 }), (hello, tail) => {
      const bytes = Buffer.concat([encodeHello(hello), tail]);
      assert.deepEqual(decodeHello(bytes, 0, bytes.length), hello);
    });
    check(t, property);
  });

  it('know a HELLO whose names are cut', () => {
    const bytes = encodeHello(helloOf(Role.CLIENT, { instance: 'abc', session: 'def', deployment: 'ghi' }));
    for (let length = 19; length < bytes.length; length += 1) assert.equal(decodeHello(bytes, 0, length), null);
  });

  it('carry SLOTS there and back', (t) => {
    const property = fc.property(u32Value, u32Value, u32Value, (leases, returned, waiting) => {
      assert.deepEqual(decodeSlots(encodeSlots({ leases, returned, waiting }), 0), { leases, returned, waiting });
    });
    check(t, property);
  });

  it('carry SESSIONS there and back, and refuse one that does not fill its frame', (t) => {
    const property = fc.property(anyUpdate, (update) => {
      const bytes = encodeSessions(update);
      assert.deepEqual(decodeSessions(bytes, 0, bytes.length), update);
      assert.equal(decodeSessions(bytes, 0, bytes.length - 1), null);
      assert.equal(decodeSessions(Buffer.concat([bytes, Buffer.alloc(1)]), 0, bytes.length + 1), null);
    });
    check(t, property);
  });

  it('refuse SESSIONS with a flag that does not exist', () => {
    const bytes = encodeSessions({ reset: false, complete: true, sessions: [] });
    bytes[0] = 4;
    assert.equal(decodeSessions(bytes, 0, bytes.length), null);
  });

  it('never throw, whatever the bytes', (t) => {
    const property = fc.property(fc.uint8Array({ minLength: 22, maxLength: 300 }), (bytes) => {
      const source = Buffer.from(bytes);
      decodeHello(source, 0, source.length);
      decodeSessions(source, 0, source.length);
    });
    check(t, property, 2_000);
  });
});
