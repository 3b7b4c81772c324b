import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Acks } from './acks.ts';
import { check } from './testing/check.ts';

const KIB = 1024;
const FLOOR_BYTES = 256 * KIB;

describe('acks', () => {
  it('allow 256 KiB unacknowledged before anything is known', () => {
    const acks = new Acks();
    acks.sent(FLOOR_BYTES - 1_000);
    assert.ok(acks.allows(999));
    assert.ok(!acks.allows(1_000));
  });

  it('want a PING with every 64 KiB, and one at a time', () => {
    const acks = new Acks();
    acks.sent(64 * KIB - 1);
    assert.ok(!acks.wantsPing());
    acks.sent(1);
    assert.ok(acks.wantsPing());
    const serial = acks.ping(1);
    acks.sent(200 * KIB);
    assert.ok(!acks.wantsPing());
    assert.ok(acks.pong(serial, 64 * KIB, 2));
    assert.ok(acks.wantsPing());
  });

  it('count as acknowledged what the PONG says was received', () => {
    const acks = new Acks();
    acks.sent(1_000);
    const serial = acks.ping(10);
    acks.sent(500);
    assert.ok(acks.pong(serial, 1_200, 20));
    assert.equal(acks.unackedBytes, 300);
    assert.equal(acks.smoothedRttMs, 10);
  });

  it('take no PONG without its PING, none twice, and none for bytes never sent', () => {
    const acks = new Acks();
    acks.sent(1_000);
    assert.ok(!acks.pong(1, 0, 1));
    const serial = acks.ping(1);
    assert.ok(!acks.pong(serial + 1, 0, 2));
    assert.ok(!acks.pong(serial, 1_001, 2));
    assert.ok(acks.pong(serial, 1_000, 2));
    assert.ok(!acks.pong(serial, 1_000, 3));
    const next = acks.ping(4);
    assert.ok(!acks.pong(next, 999, 5));
  });

  it('smooth the round trip by an eighth', () => {
    const acks = new Acks();
    acks.pong(acks.ping(0), 0, 80);
    acks.pong(acks.ping(100), 0, 260);
    assert.equal(acks.smoothedRttMs, 90);
  });

  it('raise the limit to twice bandwidth × round trip on a long fast line, and lower it when the line slows', () => {
    const acks = new Acks();
    let now = 1;
    let received = 0;
    const carry = (bytes: number, rttMs: number): void => {
      acks.sent(bytes);
      const serial = acks.ping(now);
      now += rttMs;
      received += bytes;
      assert.ok(acks.pong(serial, received % 2 ** 32, now));
    };
    carry(1, 100);
    carry(1_000 * KIB, 100);
    assert.equal(acks.limitBytes, 2_000 * KIB);
    for (let i = 0; i < 10; i += 1) carry(10 * KIB, 100);
    assert.equal(acks.limitBytes, FLOOR_BYTES);
  });

  it('forget the shortest round trip after 10 s', () => {
    const acks = new Acks();
    acks.pong(acks.ping(0), 0, 10);
    acks.sent(1_000 * KIB);
    acks.pong(acks.ping(20), 1_000 * KIB, 120);
    assert.equal(acks.limitBytes, FLOOR_BYTES);
    acks.sent(10_000 * KIB);
    acks.pong(acks.ping(11_000), 11_000 * KIB, 11_100);
    assert.ok(acks.limitBytes > FLOOR_BYTES);
  });

  it('add up over the 2³² at which the count of received bytes turns', (t) => {
    const chunk = fc.integer({ min: 1, max: 900 * KIB * KIB });
    const property = fc.property(fc.array(chunk, { minLength: 5, maxLength: 40 }), (chunks) => {
      const acks = new Acks();
      let total = 0;
      let late = 0;
      for (const bytes of chunks) {
        acks.sent(bytes);
        total += bytes;
        const serial = acks.ping(total);
        late = Math.trunc(bytes / 3);
        assert.ok(acks.pong(serial, (total - late) % 2 ** 32, total + 1));
        assert.equal(acks.unackedBytes, late);
        assert.ok(acks.limitBytes >= FLOOR_BYTES && Number.isFinite(acks.limitBytes));
      }
    });
    check(t, property, 200);
  });
});
