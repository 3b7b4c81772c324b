import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { layOut } from './layout.ts';
import type { Stretch } from './layout.ts';

const NONE = { serverUs: 0, queueUs: 0, clientUs: 0, slotUs: 0, uploadUs: 0, backendUs: 0 };
const us = fc.nat(2_000_000);
const anyHops = fc.record({ serverUs: us, queueUs: us, clientUs: us, slotUs: us, uploadUs: us, backendUs: us });

describe('the layout of a trace', () => {
  it('puts what was measured elsewhere in the middle, in its order', () => {
    const hops = {
      serverUs: 80_000,
      queueUs: 20_000,
      clientUs: 50_000,
      slotUs: 4_000,
      uploadUs: 6_000,
      backendUs: 30_000,
    };
    assert.deepEqual(layOut([1_000, 1_100], hops), {
      server: [1_010, 1_090],
      queue: [1_010, 1_030],
      link: [1_030, 1_090],
      client: [1_035, 1_085],
      slot: [1_035, 1_039],
      backend: [1_044, 1_080],
    });
  });

  it('keeps the length of each where it fits, and each within the one around it whatever was measured', (t) => {
    check(
      t,
      fc.property(fc.nat(1_000_000), us, anyHops, (startMs, uplinkUs, hops) => {
        const uplink: Stretch = [startMs, startMs + uplinkUs / 1_000];
        const { server, queue, link, client, slot, backend } = layOut(uplink, hops);
        const within: [Stretch, Stretch][] = [
          [server, uplink],
          [queue, server],
          [link, server],
          [client, link],
          [slot, client],
          [backend, client],
        ];
        for (const [inner, outer] of within) {
          assert(
            inner[0] >= outer[0] && inner[0] <= inner[1] && inner[1] <= outer[1],
            JSON.stringify({ inner, outer }),
          );
        }
        assert(queue[1] <= link[0] && slot[1] <= backend[0], 'in their order');
      }),
    );
  });

  it('gives an answer without times no length but the way', () => {
    const { server, backend } = layOut([5, 9], NONE);
    assert.deepEqual(
      [server, backend],
      [
        [7, 7],
        [7, 7],
      ],
    );
  });
});
