import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Calibration } from '../report/evidence.ts';
import type { LoadReport } from '../report/model.ts';
import { sampleReport } from '../report/testing/sample.ts';
import { mergeReports } from './merge-reports.ts';

const CALIBRATION: Calibration = {
  rate: 400,
  achievedRate: 399,
  lagP99Ms: 1,
  serviceP50Ms: 0.1,
  serviceP99Ms: 0.5,
  cpuUsPerRequest: 40,
};

/** A shard of the sample: `change` says what is special. */
function shard(index: number, change: (report: LoadReport) => void = () => undefined): LoadReport {
  const report = structuredClone(sampleReport());
  report.profile.shard = { index, count: 2 };
  report.evidence = { ...report.evidence, calibration: CALIBRATION, limits: [] };
  change(report);
  return report;
}

const merge = (...changes: ((report: LoadReport) => void)[]): LoadReport => {
  const [first, ...others] = changes.map((change, index) => shard(index, change));
  return mergeReports([first as LoadReport, ...others], {});
};
const same = (): void => undefined;
const without = (report: LoadReport): void => void (report.evidence.calibration = null);
const untold = ({ steps }: LoadReport): void =>
  steps.forEach(({ arms: { tunnel } }) => {
    delete tunnel.connects;
    delete tunnel.connectMs;
  });
const hit = (step: number, hits: number) => (report: LoadReport) => {
  report.evidence.limits = [{ part: 'server', limit: 'queue', hits, firstAt: report.steps[step]?.rate ?? NaN }];
};

describe('reports of shards as one', () => {
  test('were calibrated together for what each was, or not at all', () => {
    const slower = (report: LoadReport): void => {
      report.evidence.calibration = { ...CALIBRATION, achievedRate: 300, lagP99Ms: 4 };
    };
    assert.deepEqual(merge(same, slower).evidence.calibration, {
      ...CALIBRATION,
      rate: 800,
      achievedRate: 699,
      lagP99Ms: 4,
    });
    assert.equal(merge(same, without).evidence.calibration, null);
  });

  test('name the rate of all at which a limit was first reached', () => {
    const merged = merge(hit(2, 9), hit(1, 5));
    assert.deepEqual(merged.evidence.limits, [
      { part: 'server', limit: 'queue', hits: 9, firstAt: merged.steps[1]?.rate },
    ]);
    assert.notEqual(merged.steps[1]?.rate, sampleReport().steps[1]?.rate);
  });

  test('have all that each counted', () => {
    const counted = { requests: 9, ok: 5, failed: 4, dropped: 3, bytesIn: 2, bytesOut: 1 };
    const byName = { statusCodes: { 200: 5, 503: 1 }, errors: { timeout: 3 }, errorHops: { queue: 1 } };
    const count = ({ steps }: LoadReport): void =>
      steps.forEach(({ arms }) => Object.assign(arms.tunnel, { ...counted, ...byName }));
    const more = ({ steps }: LoadReport): void =>
      steps.forEach(({ arms }) => Object.assign(arms.tunnel, counted, { ...byName, errors: { refused: 7 } }));
    assert.partialDeepStrictEqual(merge(count, more).steps[0]?.arms.tunnel, {
      requests: 18,
      ok: 10,
      failed: 8,
      dropped: 6,
      bytesIn: 4,
      bytesOut: 2,
      statusCodes: { 200: 10, 503: 2 },
      errors: { timeout: 3, refused: 7 },
      errorHops: { queue: 2 },
    });
  });

  test('tell of connections only where all do', () => {
    const lasted = { ...sampleReport().steps[0]!.arms.tunnel.lagMs, p99: 7 };
    const told = ({ steps }: LoadReport): void =>
      steps.forEach(({ arms }) => Object.assign(arms.tunnel, { connects: 3, connectMs: lasted }));
    const both = merge(told, told).steps[0]?.arms.tunnel;
    assert.deepEqual([both?.connects, both?.connectMs?.p99], [6, 7]);
    const one = merge(told, untold).steps[0]?.arms.tunnel;
    assert.deepEqual([one?.connects, one?.connectMs], [undefined, undefined]);
  });

  test('say where a shard is missing, and are no shard themselves', () => {
    const alone = merge(same);
    assert.match(alone.evidence.notes.join('\n'), /1 of 2 shards are here/);
    assert.equal(merge(same, same).profile.shard, undefined);
    assert.doesNotMatch(merge(same, same).evidence.notes.join('\n'), /shards are here/);
  });
});
