import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readyBench } from '../../../../packages/protocol/src/testing/bench.ts';
import type { Bench } from '../../../../packages/protocol/src/testing/bench.ts';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { ownerOf } from '../testing/relay-bench.ts';
import { ClientLink } from './client-link.ts';

const HALF_LIFE_MS = 10_000;
const U32 = 2 ** 32;

function newClientLink(leases: number, egressBytes = 1_000_000): Bench & { client: ClientLink } {
  const bench = readyBench('server');
  const client = new ClientLink(bench.link, ownerOf('p'), { clock: bench.clock, egressBytes });
  client.leases = leases;
  return { ...bench, client };
}

describe('the leases of a client link', () => {
  it('are free until an OPEN takes them, and again when the client says so', () => {
    const { client } = newClientLink(2);
    client.opened();
    client.opened();
    assert.equal(client.free, 0);
    assert.ok(client.takeSlots(2, 1));
    assert.equal(client.free, 1);
    assert.ok(client.takeSlots(2, 2));
    assert.equal(client.free, 2);
  });

  it('are not made out of a message that is lost, repeated, or says more than was given', () => {
    const { client } = newClientLink(2);
    client.opened();
    client.opened();
    assert.ok(client.takeSlots(2, 2));
    assert.ok(client.takeSlots(2, 2));
    assert.equal(client.free, 2);
    assert.ok(!client.takeSlots(2, 3));
    assert.ok(!client.takeSlots(2, 1), 'a count that runs backwards');
    assert.equal(client.free, 2);
  });

  it('are counted over the end of 32 bits', () => {
    const { client } = newClientLink(1);
    client.busy = 5;
    assert.ok(!client.takeSlots(1, U32 - 1));
    client.busy = U32 - 1;
    assert.ok(client.takeSlots(1, U32 - 1));
    client.opened();
    client.opened();
    assert.ok(client.takeSlots(1, 1));
    assert.equal(client.busy, 0);
  });

  it('may become fewer than are in use: then none is free until enough came back', () => {
    const { client } = newClientLink(3);
    for (let i = 0; i < 3; i += 1) client.opened();
    assert.ok(client.takeSlots(1, 1));
    assert.equal(client.free, 0);
    assert.ok(client.takeSlots(1, 3));
    assert.equal(client.free, 1);
  });

  it('are taken back where the OPEN never left', () => {
    const { client } = newClientLink(1);
    client.opened();
    client.unopened();
    assert.equal(client.free, 1);
    assert.ok(!client.takeSlots(1, 1), 'the client has never seen it');
  });

  it('are always those granted less those in use, whatever comes in which order', (t) => {
    const step = fc.oneof(fc.constant('open' as const), fc.nat(3), fc.record({ leases: fc.nat(4) }));
    check(
      t,
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const { client } = newClientLink(2);
        let returned = 0;
        let busy = 0;
        for (const each of steps) {
          if (each === 'open' && client.free > 0) {
            client.opened();
            busy += 1;
          } else if (typeof each === 'number') {
            assert.equal(client.takeSlots(client.leases, returned + each), each <= busy);
            if (each > busy) continue;
            returned += each;
            busy -= each;
          } else if (each !== 'open') {
            assert.ok(client.takeSlots(each.leases, returned));
          }
          assert.equal(client.busy, busy);
          assert.equal(client.free, Math.max(0, client.leases - busy));
        }
      }),
      200,
    );
  });

  it('are not given while the link goes away, or has too much to send already', () => {
    const { client, link } = newClientLink(2, 100);
    link.egress.reserve(null, 0x12, 1, 101);
    assert.equal(client.free, 0);
    link.egress.flush();
    assert.equal(client.free, 2);
    link.goAway(12);
    assert.equal(client.free, 0);
  });
});

describe('the score of a client link', () => {
  it('is 0 until it has answered, and then its backend’s time, smoothed', () => {
    const { client, clock } = newClientLink(1);
    assert.equal(client.score(clock.nowMs()), 0);
    client.answered(200, 8_000, clock.nowMs());
    assert.equal(client.score(clock.nowMs()), 8_000);
    client.answered(404, 16_000, clock.nowMs());
    assert.equal(client.score(clock.nowMs()), 9_000);
  });

  it('halves every ten seconds without an answer, so that who was slow is tried again', () => {
    const { client, clock } = newClientLink(1);
    client.answered(200, 8_000, clock.nowMs());
    assert.equal(client.score(clock.nowMs() + HALF_LIFE_MS), 4_000);
    assert.equal(client.score(clock.nowMs() + 3 * HALF_LIFE_MS), 1_000);
  });

  it('takes no notice of errors and informational heads: a backend that fails fast is not a fast backend', () => {
    const { client, clock } = newClientLink(1);
    client.answered(200, 8_000, clock.nowMs());
    for (const status of [500, 503, 599, 103, 101]) client.answered(status, 1, clock.nowMs());
    assert.equal(client.score(clock.nowMs()), 8_000);
  });
});

describe('a client that cannot connect to its backend', () => {
  it('is ejected for half a second, then twice as long each time, up to half a minute', () => {
    const { client, clock } = newClientLink(1);
    for (const ejectedMs of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      client.connectFailed();
      assert.ok(client.isEjected(clock.nowMs() + ejectedMs - 1), `${ejectedMs}`);
      clock.jump(ejectedMs);
      assert.ok(!client.isEjected(clock.nowMs()), `${ejectedMs}`);
    }
  });

  it('is not ejected for longer by requests that were under way when it was', () => {
    const { client, clock } = newClientLink(1);
    for (let i = 0; i < 9; i += 1) client.connectFailed();
    assert.ok(!client.isEjected(clock.nowMs() + 500));
  });

  it('is back with its first answer, of any status, and begins anew', () => {
    const { client, clock } = newClientLink(1);
    client.connectFailed();
    client.answered(503, 1, clock.nowMs());
    assert.ok(!client.isEjected(clock.nowMs()));
    client.connectFailed();
    assert.ok(!client.isEjected(clock.nowMs() + 500));
  });
});
