import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../engine/arrivals.ts';
import type { StepReport } from '../report/model.ts';
import { makeArm } from '../testing/steps.ts';
import { makeWindows } from '../testing/windows.ts';
import type { WindowShape } from '../testing/windows.ts';
import { judgeAgainstStored, judgeGate } from './gate.ts';

const WINDOWS = 20;
const slowWith = (dropped: number) => makeArm(600, 3, { p50: 60, p99: 60, dropped });
const good = (): WindowShape => ({ tunnel: 1, baseline: 1, control: 1 });

/** Normal, by Box and Muller. */
function normals(seed: number): (sd: number) => number {
  const random = seededRandom(seed);
  return (sd) => sd * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/**
 * Windows of a tunnel with `baseMs` at p50 and twice that at p99: a drift that all arms share, and noise of each arm's
 * own. The candidate is slower by `slowerMs`.
 */
function duel(options: { seed: number; slowerMs: number; noiseMs: number; baseMs?: number; windows?: number }) {
  const { seed, slowerMs, noiseMs, baseMs = 1, windows = WINDOWS } = options;
  const noise = normals(seed);
  return makeWindows(windows, (index): WindowShape => {
    const shared = baseMs + Math.sin(index / 3) / 2;
    const arm = (extraMs: number) => ({
      p50: shared + extraMs + noise(noiseMs),
      p99: 2 * shared + extraMs + noise(3 * noiseMs),
    });
    return { tunnel: arm(slowerMs), baseline: arm(0), control: arm(0) };
  });
}

const outcomes = (make: (seed: number) => ReturnType<typeof duel>, runs: number): Record<string, number> => {
  const counts: Record<string, number> = { pass: 0, fail: 0, inconclusive: 0 };
  for (let seed = 0; seed < runs; seed++) {
    const { outcome } = judgeGate(make(seed));
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
};

describe('a gate', () => {
  test('passes the same tunnel, through a drift that meets all arms', () => {
    assert.deepEqual(
      outcomes((seed) => duel({ seed, slowerMs: 0, noiseMs: 0.05 }), 200),
      { pass: 200, fail: 0, inconclusive: 0 },
    );
  });

  test('never fails the same tunnel for noise, however much there is', () => {
    for (const noiseMs of [0.3, 1, 5]) {
      assert.equal(outcomes((seed) => duel({ seed, slowerMs: 0, noiseMs }), 200)['fail'], 0, `${noiseMs}`);
    }
  });

  test('fails a tunnel that is slower by 1 ms', () => {
    const counts = outcomes((seed) => duel({ seed, slowerMs: 1, noiseMs: 0.1 }), 200);
    assert.ok((counts['fail'] ?? 0) >= 198, JSON.stringify(counts));
  });

  test('fails it in twice the noise by nine of ten runs or more, with twice the windows where they are needed', () => {
    const counts = outcomes((seed) => {
      const windows = duel({ seed, slowerMs: 1, noiseMs: 0.2, windows: 2 * WINDOWS });
      const first = windows.slice(0, WINDOWS);
      return judgeGate(first).outcome === 'inconclusive' ? windows : first;
    }, 200);
    assert.ok((counts['fail'] ?? 0) >= 180 && counts['pass'] === 0, JSON.stringify(counts));
  });

  test('passes a difference that is certain but under the margin', () => {
    const counts = outcomes((seed) => duel({ seed, slowerMs: 0.1, noiseMs: 0.01 }), 50);
    assert.deepEqual(counts, { pass: 50, fail: 0, inconclusive: 0 });
  });

  test('measures the margin by the baseline where that is slow', () => {
    const { rows, outcome } = judgeGate(duel({ seed: 1, slowerMs: 1, noiseMs: 0.01, baseMs: 20 }));
    assert.equal(outcome, 'pass');
    assert.ok(
      rows.every(
        ({ marginMs, baselineMs, metric }) => Math.abs(marginMs - (metric === 'p50' ? 0.1 : 0.2) * baselineMs) < 0.001,
      ),
    );
  });

  test('says where the interval holds the margin, and does not decide', () => {
    const { outcome, rows, sentence } = judgeGate(
      makeWindows(WINDOWS, (index) => ({ tunnel: 1.3 + (index % 5) / 10 - 0.2, baseline: 1, control: 1 })),
    );
    assert.equal(outcome, 'inconclusive');
    assert.equal(rows[0]?.marginMs, 0.3);
    assert.match(sentence, /^No verdict: p50 is \+0\.300 ms .* which holds the margin of 0\.300 ms/);
  });

  test('has no verdict, for or against, on a machine where a tunnel differs from itself', () => {
    for (const tunnel of [1, 5]) {
      const { outcome, sentence, control } = judgeGate(
        makeWindows(WINDOWS, () => ({ tunnel, baseline: 1, control: 1.2 })),
      );
      assert.equal(outcome, 'inconclusive');
      assert.deepEqual(
        control.map(({ isFit }) => isFit),
        [false, true],
      );
      assert.match(sentence, /the same tunnel against itself differed by \+0\.200 ms at p50, .* not fit to tell/);
    }
  });

  test('fails a candidate that hangs, and not the generator that has no room left for its requests', () => {
    const windows = makeWindows(WINDOWS, good).map((step) => {
      const hanging = { p50: 10_000, p99: 10_000, failed: 500, dropped: 100, errors: { timeout: 500 } };
      return { ...step, arms: { ...step.arms, tunnel: makeArm(600, 3, hanging) } };
    });
    const { outcome, sentence, isFit } = judgeGate(windows);
    assert.deepEqual([outcome, isFit], ['fail', true], sentence);
    assert.match(sentence, /^Fail: 100 % of the candidate’s requests failed, and 0 % of the baseline’s/);
  });

  test('has no verdict where a generator with too little room dropped requests of all, of one a few more', () => {
    const windows = makeWindows(WINDOWS, good).map((step) => {
      const arms = { tunnel: slowWith(500), baseline: slowWith(480), control: slowWith(490) };
      return { ...step, arms, generator: { ...step.generator, maxInFlight: 2 } };
    });
    const { outcome, sentence, isFit } = judgeGate(windows);
    assert.deepEqual([outcome, isFit], ['inconclusive', false]);
    assert.match(
      sentence,
      /^No verdict: the generator was not fit in 20 of 20 windows \(.* limit of 2 requests in flight/,
    );
  });

  test('has no verdict from too few windows, from none, and from windows cut short', () => {
    for (const count of [0, 5]) {
      const { outcome, sentence } = judgeGate(makeWindows(count, good));
      assert.deepEqual([outcome, /too few whole windows/.test(sentence)], ['inconclusive', true]);
    }
    assert.deepEqual(judgeGate([]).rows, []);
    const cut = makeWindows(WINDOWS, good).map((step) => ({ ...step, complete: false }));
    assert.equal(judgeGate(cut).outcome, 'inconclusive');
  });

  test('fails a tunnel that answers quickly and wrongly', () => {
    const broken = { p50: 0.1, p99: 0.2, failed: 60 };
    const { outcome, sentence } = judgeGate(makeWindows(WINDOWS, () => ({ tunnel: broken, baseline: 1, control: 1 })));
    assert.equal(outcome, 'fail');
    assert.equal(sentence, 'Fail: 10 % of the candidate’s requests failed, and 0 % of the baseline’s.');
  });

  test('has no verdict where the baseline fails as well, or alone', () => {
    const broken = { p50: 0.1, p99: 0.2, failed: 60 };
    for (const tunnel of [1, broken, { ...broken, failed: 65 }]) {
      const { outcome, sentence } = judgeGate(
        makeWindows(WINDOWS, () => ({ tunnel, baseline: broken, control: broken })),
      );
      assert.equal(outcome, 'inconclusive');
      assert.match(sentence, /and 10 % of the baseline’s: what is left is not enough to compare\.$/);
    }
  });
});

/** The same windows, so many of them by a generator that was late and short of CPU. */
function spoilt(windows: StepReport[], count: number): StepReport[] {
  const unfit = { lagP99Ms: 30, elu: 0.98, sentRatio: 0.9, stealPercent: 40 };
  return windows.map((step, index) => (index < count ? { ...step, generator: { ...step.generator, ...unfit } } : step));
}

const slow = () =>
  makeWindows(WINDOWS, () => ({
    tunnel: { p50: 1, p99: 34 },
    baseline: { p50: 1, p99: 30 },
    control: { p50: 1, p99: 30 },
  }));

describe('a gate and its generator', () => {
  test('have no verdict where it was not fit in over a quarter of the windows', () => {
    for (const windows of [slow(), makeWindows(WINDOWS, () => ({ tunnel: 9, baseline: 1, control: 1 }))]) {
      const { outcome, sentence } = judgeGate(spoilt(windows, 6));
      assert.equal(outcome, 'inconclusive');
      assert.match(sentence, /^No verdict: the generator was not fit in 6 of 20 windows \(generator: only 90\.0 %/);
    }
    assert.equal(judgeGate(spoilt(slow(), 5)).outcome, 'pass');
  });

  test('fail what does not answer all the same: no lag makes one tunnel fail and not the other', () => {
    const windows = makeWindows(WINDOWS, () => ({ tunnel: { p50: 1, p99: 2, failed: 60 }, baseline: 1, control: 1 }));
    assert.equal(judgeGate(spoilt(windows, 20)).outcome, 'fail');
  });

  test('have a margin that its lag does not widen', () => {
    // 30 ms at p99, of which 28 are the generator's.
    const windows = slow().map((step) => {
      const { baseline } = step.arms;
      assert.ok(baseline);
      const serviceMs = { ...baseline.serviceMs, p99: 2 };
      return { ...step, arms: { ...step.arms, baseline: { ...baseline, serviceMs } } };
    });
    const { rows, outcome } = judgeGate(windows);
    assert.deepEqual([rows[1]?.marginMs, outcome], [1, 'fail']);
  });
});

const failingArm = (failed: number) => ({ p50: 1, p99: 2, failed });

/** So many failures in each window, of 600 requests. */
function judged(tunnel: number, baseline: number) {
  const [candidate, other] = [failingArm(tunnel), failingArm(baseline)];
  return judgeGate(makeWindows(WINDOWS, () => ({ tunnel: candidate, baseline: other, control: other })));
}

describe('a gate and failures', () => {
  test('fail what fails three times and two in a thousand more than the baseline', () => {
    const { outcome, sentence } = judged(5, 0);
    assert.equal(outcome, 'fail');
    assert.equal(sentence, 'Fail: 0.8 % of the candidate’s requests failed, and 0 % of the baseline’s.');
    assert.equal(judged(3, 1).outcome, 'fail');
  });

  test('pass what fails as the baseline does, and name it', () => {
    const { outcome, sentence } = judged(1, 1);
    assert.equal(outcome, 'pass');
    assert.match(sentence, /; 0\.2 % of the candidate’s requests failed, and 0\.2 % of the baseline’s\.$/);
    const two = makeWindows(WINDOWS, (index) => ({ ...good(), tunnel: { p50: 1, p99: 2, failed: index < 2 ? 1 : 0 } }));
    assert.equal(judgeGate(two).outcome, 'pass', 'two may be chance');
    assert.match(judgeGate(two).sentence, /0\.017 % of the candidate’s/);
  });

  test('are named beside a latency that fails or does not decide', () => {
    const failed = { p50: 5, p99: 9, failed: 1 };
    assert.match(
      judgeGate(makeWindows(WINDOWS, () => ({ ...good(), tunnel: failed }))).sentence,
      /^Fail: p50.*; 0\.2 %/,
    );
    const unlike = { tunnel: { ...failed, p50: 1 }, baseline: 1, control: 1.2 };
    assert.match(judgeGate(makeWindows(WINDOWS, () => unlike)).sentence, /^No verdict: .*; 0\.2 % of the candidate/);
  });
});

describe('a gate against an earlier run', () => {
  const noise = normals(9);
  const run = (addedMs: number, directMs = 0.5, windows = WINDOWS) =>
    makeWindows(windows, () => {
      const direct = directMs + noise(0.02);
      return { tunnel: direct + addedMs + noise(0.03), direct };
    });

  test('passes what adds as much as it did, though the machine as a whole has become a little slower', () => {
    const { outcome, rows } = judgeAgainstStored(run(0.6, 0.6), run(0.6, 0.5));
    assert.equal(outcome, 'pass');
    assert.ok(Math.abs(rows[0]?.differenceMs ?? NaN) < 0.1);
  });

  test('has no verdict where the direct path is not what it was: a slowdown may multiply', () => {
    // Everything takes twice as long, and so does what the tunnel adds.
    const { outcome, sentence, control } = judgeAgainstStored(run(1.2, 1), run(0.6, 0.5));
    assert.equal(outcome, 'inconclusive');
    assert.match(sentence, /^No verdict: the direct path then and now differed by \+0\.\d+ ms at p50/);
    assert.deepEqual([control[0]?.of, control[0]?.isFit], ['direct', false]);
  });

  test('does not hold the backend’s own failures against the tunnel', () => {
    const failing = (direct: number) =>
      makeWindows(WINDOWS, () => ({
        tunnel: { p50: 1, p99: 2, failed: 5 },
        direct: { p50: 0.5, p99: 1, failed: direct },
      }));
    const sound = makeWindows(WINDOWS, () => ({ tunnel: 1, direct: 0.5 }));
    assert.equal(judgeAgainstStored(failing(5), sound).outcome, 'pass');
    assert.equal(judgeAgainstStored(failing(0), sound).outcome, 'fail');
  });

  test('fails what adds 1 ms more', () => {
    const { outcome, rows } = judgeAgainstStored(run(1.6), run(0.6));
    assert.equal(outcome, 'fail');
    assert.ok(Math.abs((rows[0]?.differenceMs ?? NaN) - 1) < 0.1);
    assert.ok(
      (rows[0]?.baselineMs ?? 0) > 1 && (rows[0]?.baselineMs ?? 9) < 1.2,
      'the margin is of the earlier latency',
    );
  });

  test('has no verdict where the tunnel of now differs from itself from window to window', () => {
    const steps = makeWindows(WINDOWS, (index) => ({ tunnel: 1.1 + (index % 2), direct: 0.5 }));
    assert.match(judgeAgainstStored(steps, run(0.6)).sentence, /not fit to tell/);
  });

  test('does without a verdict from an earlier run of too few windows', () => {
    assert.equal(judgeAgainstStored(run(0.6), run(0.6, 0.5, 0)).outcome, 'inconclusive');
  });
});
