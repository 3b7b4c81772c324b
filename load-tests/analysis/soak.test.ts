import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../engine/arrivals.ts';
import { judgeSoak, lowestOf, trendOf } from './soak.ts';
import type { Series } from './soak.ts';

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
    assert.ok(rising <= 15, `${rising} of 100`);
  });
});

describe('a soak', () => {
  const flat = memory((_, noise) => 150 + noise);
  const leaking = { ...memory((hour) => 100 + 50 * hour), name: 'client memory' };

  test('leaks where one figure rises, and says which and by how much', () => {
    const { isLeaking, sentence, trends } = judgeSoak([flat, leaking]);
    assert.equal(isLeaking, true);
    assert.match(sentence, /client memory rises by 50 MiB an hour \(50 to 50\)/);
    assert.deepEqual(
      trends.map(({ verdict }) => verdict),
      ['flat', 'rising'],
    );
  });

  test('lasts where all are flat', () => {
    const { isLeaking, sentence } = judgeSoak([flat]);
    assert.equal(isLeaking, false);
    assert.match(sentence, /It lasts/);
  });

  test('is open where nothing could be followed', () => {
    assert.equal(judgeSoak([]).isLeaking, null);
    const short = { ...flat, points: flat.points.slice(0, 3) };
    assert.equal(judgeSoak([short]).isLeaking, null);
    assert.match(judgeSoak([flat, short]).sentence, /too short or too noisy to tell for entry memory/);
  });
});
