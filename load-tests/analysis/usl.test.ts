import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../engine/arrivals.ts';
import { fitUsl, uslRate } from './usl.ts';

const CONCURRENCIES = [1, 2, 4, 8, 16, 32, 64];

const sampled = (lambda: number, sigma: number, kappa: number, noise: number, seed = 1) => {
  const random = seededRandom(seed);
  return CONCURRENCIES.map((concurrency) => {
    const ratePerS = uslRate({ lambda, sigma, kappa }, concurrency) * (1 + noise * (2 * random() - 1));
    return { concurrency, ratePerS };
  });
};

function assertNear(actual: number | null | undefined, expected: number, share: number): void {
  assert.ok(actual != null && Math.abs(actual - expected) <= share * expected, `${actual} is not near ${expected}`);
}

describe('the universal scalability law', () => {
  test('is found again from its own points', () => {
    const fit = fitUsl(sampled(100, 0.05, 0.001, 0));
    assertNear(fit?.lambda, 100, 1e-6);
    assertNear(fit?.sigma, 0.05, 1e-6);
    assertNear(fit?.kappa, 0.001, 1e-6);
    // N* = √(0.95 / 0.001) = 30.8
    assertNear(fit?.peakRate, uslRate({ lambda: 100, sigma: 0.05, kappa: 0.001 }, 30.82), 1e-4);
    assertNear(fit?.rSquared, 1, 1e-6);
  });

  test('is found near enough from points that are 3 % off', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const fit = fitUsl(sampled(100, 0.05, 0.001, 0.03, seed));
      assertNear(fit?.peakRate, uslRate({ lambda: 100, sigma: 0.05, kappa: 0.001 }, 30.82), 0.1);
    }
  });

  test('fits Gunther’s own measurements', () => {
    // Guerrilla Capacity Planning, table 5.1 (ray tracing on an Origin 2000): σ = 0.05, κ near 0.
    const counts = [1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64];
    const rates = [20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310];
    const fit = fitUsl(counts.map((concurrency, index) => ({ concurrency, ratePerS: rates[index] ?? 0 })));
    assertNear(fit?.sigma, 0.05, 0.2);
    assert.ok((fit?.kappa ?? 1) < 1e-4);
    assert.ok((fit?.rSquared ?? 0) > 0.98);
  });

  test('never has a negative coefficient', () => {
    const better = [1, 2, 4, 8, 16].map((concurrency) => ({ concurrency, ratePerS: 100 * concurrency ** 1.05 }));
    const fit = fitUsl(better);
    assert.deepEqual([fit?.sigma, fit?.kappa, fit?.peakRate], [0, 0, null]);
  });

  test('has no peak without the cost of keeping each other informed', () => {
    assert.equal(fitUsl(sampled(100, 0.1, 0, 0))?.peakRate, null);
  });

  test('is refused with too few points, or where it explains nothing', () => {
    assert.equal(fitUsl(sampled(100, 0.05, 0.001, 0).slice(0, 3)), null);
    const scattered = [500, 3, 400, 2, 450, 1].map((ratePerS, index) => ({ concurrency: index + 1, ratePerS }));
    assert.equal(fitUsl(scattered), null);
    assert.equal(fitUsl([]), null);
  });
});
