import assert from 'node:assert/strict';
import { test } from 'node:test';
import { armRow, differenceRow, pairedDifference, pairedRatio, summarise, tunnelCpuUs } from './summary.ts';
import type { Window } from './windows.ts';

function windowOf(target: string, cpuUs: number, requestsPerSecond = 1000, failed = 0): Window {
  const answers = { requests: 5000, requestsPerSecond, p50Ms: 1, p99Ms: 4, failed };
  return { target, answers, cpuUsPerRequest: { entry: cpuUs, server: 5, client: 10, backend: 99 } };
}

test('the tunnel costs what entry, server and client use, without the backend', () => {
  assert.equal(tunnelCpuUs(windowOf('sketch', 20)), 35);
});

test('a summary gives medians over windows and the sum of what failed', () => {
  const summary = summarise([windowOf('a', 20, 900), windowOf('a', 40, 1000, 2), windowOf('a', 21, 800, 1)]);
  assert.equal(summary.requestsPerSecond, 900);
  assert.equal(summary.cpuUsPerRequest.entry, 21);
  assert.equal(summary.tunnelCpuUs, 36);
  assert.equal(summary.failed, 3);
  assert.match(armRow(summary), /^a .* 900 requests\/s .* CPU 36\.0 us a request .*FAILED 3$/);
});

test('a ratio is taken within each pair, so that a machine that slows down half-way does not count', () => {
  const pairs = Array.from({ length: 10 }, (_, index) => {
    const slow = index < 5 ? 1 : 3;
    return [windowOf('sketch', 25 * slow), windowOf('sallyport', 20 * slow)];
  });
  const ratio = pairedRatio(pairs, (window) => window.cpuUsPerRequest.entry ?? 0);
  assert.deepEqual([ratio?.median, ratio?.low, ratio?.high], [0.8, 0.8, 0.8]);
});

test('a difference is taken within each pair too, and keeps its sign', () => {
  const pairs = Array.from({ length: 10 }, (_, index) => [windowOf('off', 25 + index), windowOf('on', 24.5 + index)]);
  const difference = pairedDifference(pairs, tunnelCpuUs);
  assert.deepEqual([difference?.median, difference?.low, difference?.high], [-0.5, -0.5, -0.5]);
  assert.match(differenceRow('on:', difference!), /^on: -0\.50 us a request \(-0\.50 to -0\.50, 9\d\.\d %\)$/);
});

test('with one arm there is no ratio', () => {
  assert.equal(pairedRatio([[windowOf('sketch', 1)], [windowOf('sketch', 2)]], tunnelCpuUs), undefined);
});
