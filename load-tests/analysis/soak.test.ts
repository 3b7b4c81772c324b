import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../engine/arrivals.ts';
import { makeSteps } from '../testing/steps.ts';
import { secondsSeries } from './seconds-series.ts';
import { judgeSoak, lowestOf, trendOf } from './soak.ts';
import type { Series, SoakFacts } from './soak.ts';

const SAMPLES = 240;
const HOURS = 2;

/** Two hours of samples of memory in MiB. */
function memory(value: (hour: number, noise: number) => number, seed = 1): Series {
  const random = seededRandom(seed);
  const points = Array.from({ length: SAMPLES }, (_, index) => {
    const at = (HOURS * index) / SAMPLES;
    return { at, value: value(at, 2 * random() - 1) };
  });
  return { name: 'entry memory', unit: 'MiB', matters: { floor: 8, share: 0.05 }, points };
}

/** A heap that fills by 40 MiB and is collected, thirteen times an hour. */
const saw = (hour: number): number => 40 * ((hour * 13) % 1);

describe('a trend', () => {
  test('that rises is seen with its slope', () => {
    const trend = trendOf(memory((hour, noise) => 150 + 30 * hour + 5 * noise));
    assert.equal(trend.verdict, 'rising');
    assert.ok(Math.abs(trend.slopePerHour - 30) < 2, `${trend.slopePerHour}`);
    assert.ok(trend.ci95 !== null && trend.ci95[0] > 25 && trend.ci95[1] < 35);
    assert.ok(trend.first < trend.last);
  });

  test('that is not there is flat, fifty times', () => {
    for (let seed = 1; seed <= 50; seed++) {
      assert.equal(trendOf(memory((_, noise) => 150 + 5 * noise, seed)).verdict, 'flat', `seed ${seed}`);
    }
  });

  test('too small to matter is flat', () => {
    assert.equal(trendOf(memory((hour, noise) => 150 + hour + noise / 10)).verdict, 'flat');
  });

  test('that was the warm-up is flat', () => {
    assert.equal(trendOf(memory((hour, noise) => 150 + 60 * Math.min(1, hour / 0.3) + noise)).verdict, 'flat');
  });

  test('that settles is not called rising', () => {
    const settling = trendOf(memory((hour, noise) => 200 - 80 * Math.exp(-hour / 0.4) + noise));
    assert.notEqual(settling.verdict, 'rising');
  });

  test('under a collector’s saw is seen, and the saw alone is not', () => {
    const leak = memory((hour, noise) => 100 + 20 * hour + saw(hour) + noise);
    assert.equal(trendOf({ ...leak, points: lowestOf(leak.points, 32) }).verdict, 'rising');
    const none = memory((hour, noise) => 100 + saw(hour) + noise);
    assert.equal(trendOf({ ...none, points: lowestOf(none.points, 32) }).verdict, 'flat');
  });

  test('that falls is said to fall', () => {
    assert.equal(trendOf(memory((hour, noise) => 300 - 40 * hour + noise)).verdict, 'falling');
  });

  test('of samples that resemble their neighbours is known only where it is steady, or where nothing moved that matters', () => {
    // One slow swing: no drift, though the first half of it looks like one.
    const swing = (size: number) => trendOf(memory((hour) => 500 + size * Math.sin((2 * Math.PI * hour) / 3)));
    assert.equal(swing(60).verdict, 'unknown');
    assert.equal(swing(2).verdict, 'flat');
    const steady = memory((hour) => 500 + 60 * hour + 4 * Math.sin(3 * hour));
    assert.equal(trendOf(steady).verdict, 'rising');
  });

  test('of few or of wild samples is unknown', () => {
    const few = memory((hour) => 100 + hour);
    assert.equal(trendOf({ ...few, points: few.points.slice(0, 6) }).verdict, 'unknown');
    assert.equal(trendOf({ ...few, points: [] }).verdict, 'unknown');
    const random = seededRandom(4);
    let level = 100;
    const walk = memory(() => (level += 10 * (random() - 0.5)));
    assert.notEqual(trendOf({ ...walk, matters: { floor: 0.5, share: 0 } }).verdict, 'flat');
  });

  test('of a random walk is rarely called rising', () => {
    let rising = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const random = seededRandom(seed);
      let level = 500;
      if (trendOf(memory(() => (level += 3 * (random() - 0.5)), seed)).verdict === 'rising') rising += 1;
    }
    assert.ok(rising <= 5, `${rising} of 100`);
  });
});

const SOUND: SoakFacts = { failures: { failed: 0, offered: 1000 }, verdict: { fault: 'none', sentence: 'No fault.' } };

const found = (series: Series, fault: 'tunnel' | 'backend' | 'generator' | 'inconclusive') =>
  judgeSoak([series], { ...SOUND, verdict: { fault, sentence: `The ${fault}: slow.` } });

describe('a soak', () => {
  const flat = memory((_, noise) => 150 + noise);
  const leaking = { ...memory((hour) => 100 + 50 * hour), name: 'client memory' };

  test('leaks where one figure rises, and says which and by how much', () => {
    const { isLeaking, sentence, trends } = judgeSoak([flat, leaking], SOUND);
    assert.equal(isLeaking, true);
    assert.match(sentence, /client memory rises by 50 MiB an hour \(50 to 50\)/);
    assert.deepEqual(
      trends.map(({ verdict }) => verdict),
      ['flat', 'rising'],
    );
  });

  test('lasts where all are flat', () => {
    const { isLeaking, sentence } = judgeSoak([flat], SOUND);
    assert.equal(isLeaking, false);
    assert.match(sentence, /It lasts/);
  });

  test('is open where nothing could be followed', () => {
    assert.equal(judgeSoak([], SOUND).isLeaking, null);
    const short = { ...flat, points: flat.points.slice(0, 3) };
    assert.equal(judgeSoak([short], SOUND).isLeaking, null);
    assert.match(judgeSoak([flat, short], SOUND).sentence, /too short or too noisy to tell for entry memory/);
  });

  test('does not last where requests fail, however flat the figures are, and the share of failures is one of them', () => {
    // An hour at 100/s; from minute 30 on every request is refused in 0.2 ms.
    const [step] = makeSteps([{ rate: 100, durationS: 3600, tunnel: { failed: 180_000 }, direct: null }]);
    assert.ok(step);
    const seconds = Array.from({ length: 3600 }, (_, atS) => {
      const isUp = atS < 1800;
      const tunnel = { ok: isUp ? 100 : 0, failed: isUp ? 0 : 100, p50: isUp ? 1 : 0.2, p99: isUp ? 2 : 0.3, max: 3 };
      return { atS, lengthS: 1, arms: { tunnel } };
    });
    const series = secondsSeries([{ ...step, seconds }]);
    const failures = { failed: 180_000, offered: 360_000 };
    const { isFailing, isLeaking, sentence } = judgeSoak(series, { ...SOUND, failures });
    assert.equal(isFailing, true);
    assert.match(sentence, /^It does not last: 180000 of 360000 requests \(50 %\) were not answered well/);
    assert.notEqual(isLeaking, false);
    assert.deepEqual(
      series.map(({ name }) => name),
      ['latency, p50', 'latency, p99', 'failed requests'],
    );
    const few = judgeSoak([flat], { ...SOUND, failures: { failed: 2, offered: 360_000 } });
    assert.deepEqual([few.isFailing, few.isLeaking], [false, false]);
    assert.match(few.sentence, /^It lasts: .*; 2 of 360000 requests/);
  });

  test('is said to last only with the verdict that nobody is at fault', () => {
    assert.deepEqual([found(flat, 'tunnel').isFailing, found(flat, 'backend').isFailing], [true, true]);
    assert.match(found(flat, 'tunnel').sentence, /^It is not said to last: The tunnel: slow\.$/);
    assert.match(found(flat, 'generator').sentence, /^No verdict on whether it lasts/);
    assert.doesNotMatch(found(flat, 'inconclusive').sentence, /^It lasts/);
  });

  test('takes the backend’s own rise, and the tunnel’s with it, for no leak of the tunnel', () => {
    const rising = { ...memory((hour) => 1 + 5 * hour), unit: 'ms', matters: { floor: 0.3, share: 0.1 } };
    const tunnel = { ...rising, name: 'latency, p50' };
    const direct = { ...rising, name: 'latency of the backend alone, p50', beside: 'latency, p50' };
    const { isLeaking, sentence } = judgeSoak([tunnel, direct], SOUND);
    assert.equal(isLeaking, null);
    assert.match(sentence, /^The backend alone, and not the tunnel, does not last: latency of the backend alone/);
    const steeper = { ...tunnel, points: tunnel.points.map(({ at, value }) => ({ at, value: 4 * value })) };
    assert.equal(judgeSoak([steeper, direct], SOUND).isLeaking, true);
    assert.equal(judgeSoak([tunnel, { ...direct, points: flat.points }], SOUND).isLeaking, true);
  });
});
