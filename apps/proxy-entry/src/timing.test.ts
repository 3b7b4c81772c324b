import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HopTimes } from '@sallyport/protocol';
import fc from 'fast-check';
import { PLAIN, u32Value } from '../../../packages/protocol/src/testing/arbitraries.ts';
import { check } from '../../../packages/protocol/src/testing/check.ts';
import { HOPS } from '@sallyport/telemetry';
import { attribute, chargeOwn, serverTiming } from './timing.ts';

const DAY_US = 24 * 3_600 * 1e6;
const NONE: HopTimes = { serverUs: 0, queueUs: 0, clientUs: 0, slotUs: 0, uploadUs: 0, backendUs: 0 };

const anyTimes: fc.Arbitrary<HopTimes> = fc.record(
  {
    serverUs: u32Value,
    queueUs: u32Value,
    clientUs: u32Value,
    slotUs: u32Value,
    uploadUs: u32Value,
    backendUs: u32Value,
  },
  PLAIN,
);
const anySpanUs = fc.double({ min: 0, max: DAY_US, noNaN: true });

function hopsOf(totalUs: number, streamUs: number, times: Partial<HopTimes>): number[] {
  const hops = new Float64Array(HOPS.length);
  attribute(hops, totalUs, streamUs, { ...NONE, ...times });
  return [...hops];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}

describe('the time of a request', () => {
  it('is divided among the hops by what each process measured of itself', () => {
    const times = { serverUs: 700, queueUs: 50, clientUs: 500, slotUs: 20, uploadUs: 0, backendUs: 400 };
    assert.deepEqual(hopsOf(1_000, 900, times), [100, 200, 50, 150, 20, 80, 400]);
  });

  it('spent waiting for the visitor’s own upload is the entry’s', () => {
    const times = { serverUs: 800, queueUs: 0, clientUs: 700, slotUs: 0, uploadUs: 500, backendUs: 150 };
    assert.deepEqual(hopsOf(1_000, 900, times), [600, 100, 0, 100, 0, 50, 150]);
  });

  it('that a process overstates is taken from its neighbour', () => {
    assert.deepEqual(hopsOf(1_000, 900, { serverUs: 905, clientUs: 900, backendUs: 890 }), [100, 0, 0, 0, 0, 10, 890]);
    assert.deepEqual(hopsOf(1_000, 900, { serverUs: 900, clientUs: 900, backendUs: 903 }), [100, 0, 0, 0, 0, 0, 900]);
    assert.deepEqual(hopsOf(1_000, 1_001.4, { serverUs: 1_002 }), [0, 0, 0, 1_000, 0, 0, 0]);
  });

  it('is all accounted for: seven hops, none negative, that sum to the total, whatever a peer claims', (t) => {
    check(
      t,
      fc.property(anySpanUs, anySpanUs, anyTimes, (totalUs, streamUs, times) => {
        const hops = hopsOf(totalUs, streamUs, times);
        assert.ok(
          hops.every((each) => Number.isInteger(each) && each >= 0),
          hops.join(' '),
        );
        assert.equal(sum(hops), Math.round(totalUs));
      }),
      2_000,
    );
  });

  it('is measured right beyond an hour, which is what a slow upload takes', () => {
    const totalUs = 4e9;
    const times = { serverUs: 3.9e9, clientUs: 3.9e9, uploadUs: 3.8e9, backendUs: 0.1e9 };
    assert.deepEqual(hopsOf(totalUs, 3.95e9, times), [3.85e9, 0.05e9, 0, 0, 0, 0, 0.1e9]);
  });
});

describe('Server-Timing', () => {
  it('has the seven hops and their total, in milliseconds with three decimals', () => {
    const hops = Float64Array.of(100, 2_000, 0, 1_234_567, 7, 89, 3_600_000_000);
    assert.equal(
      serverTiming(hops),
      'entry;dur=0.100, uplink;dur=2.000, queue;dur=0.000, link;dur=1234.567, slot;dur=0.007, client;dur=0.089, ' +
        'backend;dur=3600000.000, total;dur=3601236.763',
    );
  });

  it('writes every length of number, the round ones too', () => {
    const hops = Float64Array.of(9_999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 10_000_000_000);
    const durations = serverTiming(hops).match(/[\d.]+/g);
    assert.deepEqual(durations?.slice(0, 7), [
      '9.999',
      '10.000',
      '99.999',
      '100.000',
      '999.999',
      '1000.000',
      '10000000.000',
    ]);
  });

  it('says of any request seven durations that sum to the last, to the microsecond', (t) => {
    check(
      t,
      fc.property(anySpanUs, anySpanUs, anyTimes, (totalUs, streamUs, times) => {
        const hops = new Float64Array(HOPS.length);
        attribute(hops, totalUs, streamUs, times);
        const entries = serverTiming(hops)
          .split(', ')
          .map((each) => /^([a-z]+);dur=(\d+)\.(\d{3})$/.exec(each)!);
        assert.deepEqual(
          entries.map((each) => each[1]),
          [...HOPS, 'total'],
        );
        const us = entries.map((each) => Number(each[2]) * 1_000 + Number(each[3]));
        assert.equal(sum(us.slice(0, -1)), us.at(-1));
        assert.equal(us.at(-1), Math.round(totalUs));
      }),
    );
  });
});

function charged(totalUs: number, streamUs: number, hop: string): number[] {
  const hopsUs = new Float64Array(HOPS.length).fill(7);
  chargeOwn(hopsUs, totalUs, streamUs, hop);
  return [...hopsUs];
}

describe('the hops of an answer of our own', () => {
  it('charge the time since OPEN to the hop at fault, and what was before to the entry', () => {
    assert.deepEqual(charged(1_000, 300, 'backend'), [700, 0, 0, 0, 0, 0, 300]);
    assert.deepEqual(charged(1_000.4, 300.4, 'link'), [700, 0, 0, 300, 0, 0, 0]);
  });

  it('charge all of it to the entry where it is at fault, or nobody in the tunnel is', () => {
    for (const hop of ['entry', 'visitor']) assert.deepEqual(charged(1_000, 300, hop), [1_000, 0, 0, 0, 0, 0, 0]);
  });

  it('sum to the total, whatever the clock says', () => {
    assert.deepEqual(charged(100, 300, 'queue'), [0, 0, 100, 0, 0, 0, 0]);
  });
});
