import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreementRow, ceilingOf, figureRow, HEAD, medianOf } from './engine-table.ts';
import type { RunFigures } from './engine-runs.ts';

const run = (changes: Partial<RunFigures>): RunFigures => ({
  requests: 1000,
  failed: 0,
  dropped: 0,
  achievedRate: 1000,
  lagP99Ms: 0.1,
  serviceP50Ms: 0.5,
  p50Ms: 0.5,
  p99Ms: 2,
  cpuUs: 50_000,
  ...changes,
});
const rounds = (changes: Partial<RunFigures>) => [{ long: run(changes) }];

function verdict(ours: Partial<RunFigures>, theirs: Partial<RunFigures>): string | undefined {
  const taken = new Map([
    ['embedded', rounds(ours)],
    ['k6', rounds(theirs)],
  ]);
  return /they (\w+)/.exec(agreementRow(taken))?.[1];
}

/** Answers so many a second, whatever is asked of it. */
const system = (limit: number) => (rate: number) => Promise.resolve(run({ achievedRate: Math.min(rate, limit) }));

test('rows stand under their heads, with a dash for what a generator does not tell', () => {
  const figures = run({ lagP99Ms: null });
  const row = figureRow({ name: 'wrk', model: 'closed', rate: null, figures, cpuUsPerRequest: 7.2 });
  assert.deepEqual(row.trim().split(/\s+/), ['wrk', 'closed', '–', '1000', '–', '0.50', '0.50', '2.00', '7']);
  assert.equal(row.indexOf('closed'), HEAD.indexOf('model'));
});

test('each figure is its own median, unknown where one run does not tell it', () => {
  const runs = [1, 3, 2].map((p50Ms) => run({ p50Ms, p99Ms: 10 / p50Ms, lagP99Ms: p50Ms === 3 ? null : 1 }));
  const { p50Ms, p99Ms, lagP99Ms } = medianOf(runs);
  assert.deepEqual([p50Ms, p99Ms, lagP99Ms], [2, 5, null]);
});

test('engines agree within 1 % of rate, and 10 % or 0.2 ms of the service p50', () => {
  assert.equal(verdict({}, { achievedRate: 995, serviceP50Ms: 0.69, p50Ms: 9 }), 'agree');
  assert.equal(verdict({ serviceP50Ms: 10 }, { serviceP50Ms: 10.9 }), 'agree');
  assert.equal(verdict({}, { achievedRate: 985 }), 'DISAGREE');
  assert.equal(verdict({}, { serviceP50Ms: 0.71 }), 'DISAGREE');
});

test('a ceiling is the last rate of the ladder that was carried', async () => {
  assert.equal((await ceilingOf(system(2000), 1000))?.rate, 1954);
  assert.equal(await ceilingOf(system(900), 1000), null);
  assert.equal(await ceilingOf(() => Promise.resolve(run({ lagP99Ms: 51 })), 1000), null);
});
