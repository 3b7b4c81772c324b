import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeWindow, makeWindows } from '../testing/windows.ts';
import { overheadSection, overheadVerdict } from './overhead.ts';
import { audit } from './books.ts';
import { failedShare, pairedDifference, usableWindows } from './paired.ts';

const SETTINGS = { rate: 200, windowS: 3, cpuUsPerRequest: null };
/** Adds 0.50, 0.51 … 0.69 ms, on a direct path that drifts by far more than that. */
const duet = () => makeWindows(20, (index) => ({ tunnel: 1.5 + index + index / 100, direct: 1 + index }));

describe('a paired difference', () => {
  test('is the median over the windows, between their 6th and 15th', () => {
    assert.deepEqual(pairedDifference(duet(), 'tunnel', 'direct', 'p50'), {
      metric: 'p50',
      medianMs: 0.595,
      ci95: [0.55, 0.64],
    });
  });

  test('has no interval under six windows', () => {
    assert.equal(pairedDifference(duet().slice(0, 5), 'tunnel', 'direct', 'p50').ci95, null);
  });

  test('leaves out windows that were cut short or hardly answered', () => {
    const [first, second, third] = duet();
    assert.ok(first && second && third);
    const cut = { ...first, complete: false };
    const { direct, ...alone } = second.arms;
    assert.ok(direct);
    const thin = { ...third, arms: { ...third.arms, direct: { ...direct, requests: 19 } } };
    assert.deepEqual(usableWindows([cut, { ...second, arms: alone }, thin, first], ['tunnel', 'direct']), [first]);
  });

  test('counts dropped arrivals as failed, and nothing as nothing', () => {
    const step = makeWindow({ tunnel: { p50: 1, p99: 2, failed: 30 } });
    const dropping = { ...step, arms: { tunnel: { ...step.arms.tunnel, dropped: 600 } } };
    assert.deepEqual([failedShare([step], 'tunnel'), failedShare([dropping], 'tunnel')], [0.05, 630 / 1200]);
    assert.equal(failedShare([], 'tunnel'), 0);
  });
});

/** So many windows by a generator that was too busy. */
const spoilt = (count: number) =>
  duet().map((step, index) => (index < count ? { ...step, generator: { ...step.generator, elu: 0.9 } } : step));

/** Windows with so many requests in flight as sampled. */
const seen = (inFlightMean: number) =>
  makeWindows(20, () => ({ tunnel: 20, direct: 1 })).map((step) => ({
    ...step,
    arms: { ...step.arms, tunnel: { ...step.arms.tunnel, inFlightMean } },
  }));

describe('the books', () => {
  test('hold samples that end with the window against time in flight that does, too', () => {
    // 20 ms each at 200/s are 4 in flight, but for the last ones a part of their time lies behind the window.
    const windows = seen(3).map((step) => ({
      ...step,
      arms: { ...step.arms, tunnel: { ...step.arms.tunnel, inFlightMs: 3 * 3000 } },
    }));
    assert.equal(audit(windows, 'tunnel')?.isBalanced, true);
    assert.equal(audit(seen(3), 'tunnel')?.isBalanced, false);
  });
});

describe('the cost of a tunnel', () => {
  test('is given in milliseconds at p50, p90 and p99, and hop by hop', () => {
    const section = overheadSection(duet(), SETTINGS);
    assert.deepEqual(
      section.added.map(({ metric }) => metric),
      ['p50', 'p90', 'p99'],
    );
    assert.equal(section.windows, 20);
    assert.deepEqual(
      section.hops?.find(({ hop }) => hop === 'link'),
      { hop: 'link', p50Ms: 0.1, ci95: [0.1, 0.1], p99Ms: 0.1 },
    );
    const { fault, sentence } = overheadVerdict(duet(), section);
    assert.equal(fault, 'none');
    assert.match(
      sentence,
      /^The tunnel adds \+0\.595 ms \(95 %: \+0\.550 to \+0\.640\) at the median and .* at p99, at 200 requests\/s\.$/,
    );
  });

  test('names the parts’ CPU time', () => {
    const section = overheadSection(duet(), { ...SETTINGS, cpuUsPerRequest: { entry: 40, client: 55.4 } });
    assert.ok(overheadVerdict(duet(), section).evidence.includes('CPU per request, µs: entry 40, client 55'));
  });

  test('is not measured on refusals', () => {
    const steps = makeWindows(20, () => ({ tunnel: { p50: 0.1, p99: 0.2, failed: 60 }, direct: 1 }));
    const { fault, sentence } = overheadVerdict(steps, overheadSection(steps, SETTINGS));
    assert.equal(fault, 'inconclusive');
    assert.equal(sentence, 'No verdict: 10.0 % of the tunnel arm’s requests failed; a cost is measured on answers.');
  });

  test('is not told from five windows, nor from none', () => {
    for (const steps of [duet().slice(0, 5), []]) {
      const { fault, sentence } = overheadVerdict(steps, overheadSection(steps, SETTINGS));
      assert.equal(fault, 'inconclusive');
      assert.match(sentence, new RegExp(`^No verdict: ${steps.length} whole windows are too few`));
    }
  });

  test('is doubted where the generator was not fit in over a quarter of the windows', () => {
    assert.equal(overheadVerdict(spoilt(5), overheadSection(spoilt(5), SETTINGS)).fault, 'none');
    const { fault, sentence } = overheadVerdict(spoilt(6), overheadSection(spoilt(6), SETTINGS));
    assert.equal(fault, 'generator');
    assert.match(sentence, /requests\/s, but the generator was not fit in 6 of 20 windows\.$/);
  });

  test('comes with books that balance, or says that they do not', () => {
    // 200/s × 20 ms: four in flight.
    assert.deepEqual(overheadSection(seen(4.2), SETTINGS).books?.sentence, null);
    assert.match(
      overheadSection(seen(6), SETTINGS).books?.sentence ?? '',
      /6\.00 requests were in flight .* makes 4\.00/,
    );
    assert.equal(overheadSection(duet(), SETTINGS).books, null);
  });
});
