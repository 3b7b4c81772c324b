import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LoadReport } from '../report/model.ts';
import { Transcript, answerWell, startFixture } from '../testing/fixture.ts';
import { exitCodeOf } from './exit-code.ts';
import { loadRamp } from './load-ramp.ts';
import { loadReport } from './load-report.ts';

const RATE = 60;
const DURATION_S = 1.5;

/** Two shards of one plan, run at the same time, in folders of their own. */
async function runShards(parent: string) {
  const fixture = await startFixture(answerWell);
  const folders = [0, 1].map((index) => join(parent, `shard-${index}`));
  try {
    const reports = await Promise.all(
      folders.map(async (out, index) => {
        const shard = { index, count: 2 };
        const common = { target: fixture.url, direct: fixture.url, rate: RATE, durationS: DURATION_S, warmUpS: 0 };
        return (await loadRamp({ ...common, out, shard, admin: ['http://127.0.0.1:9'], failIf: ['failed>0'] })).report;
      }),
    );
    return { folders, reports, parent };
  } finally {
    await fixture.stop();
  }
}

const quiet = () => ({ stdout: new Transcript(), stderr: new Transcript() });

describe('load report', () => {
  const parent = mkdtempSync(join(tmpdir(), 'report-'));
  let shards: Awaited<ReturnType<typeof runShards>>;
  before(async () => {
    shards = await runShards(parent);
  });
  after(() => rmSync(parent, { recursive: true }));

  test('merges shards: counts added, percentiles from the logs of all, the verdict anew', async () => {
    const { folders, reports, parent } = shards;
    const out = join(parent, 'merged');
    const { report, exitCode } = await loadReport({ files: folders, out, ...quiet() });
    assert.equal(exitCode, exitCodeOf(report));
    assert.equal(report.command, 'report');
    const [step] = report.steps;
    assert.equal(step?.rate, RATE);
    assert.equal(step?.arms.tunnel.requests, RATE * DURATION_S);
    assert.equal(step?.arms.direct?.requests, RATE * DURATION_S);
    const all = reports.map(({ steps }) => steps[0]?.arms.tunnel.latencyMs);
    const bounds = (key: 'p50' | 'max'): number[] => all.map((each) => each?.[key] ?? NaN).sort((a, b) => a - b);
    const p50 = step?.arms.tunnel.latencyMs.p50 ?? NaN;
    const max = step?.arms.tunnel.latencyMs.max;
    const [low = NaN, high = NaN] = bounds('p50');
    assert.ok(low <= p50 && p50 <= high, `${low} ${p50} ${high}`);
    assert.equal(max, bounds('max')[1]);
    assert.equal(report.totals.arms.tunnel.requests, RATE * DURATION_S);
    assert.deepEqual(report.thresholds, [{ expression: 'failed>0', failedAt: [], worst: null }]);
    assert.notEqual(report.verdict.fault, 'inconclusive');
    assert.match(report.evidence.notes[0] ?? '', /merged from 2 generators/);
    assert.ok(!report.evidence.notes.some((note) => note.startsWith('the logs hold')), report.evidence.notes.join());
    const written = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as LoadReport;
    assert.equal(written.steps[0]?.arms.tunnel.requests, RATE * DURATION_S);
  });

  test('writes one report again in all its forms, beside it', async () => {
    const { folders } = shards;
    const [folder = ''] = folders;
    rmSync(join(folder, 'report.txt'));
    const { exitCode, report } = await loadReport({ files: [join(folder, 'report.json')], ...quiet() });
    assert.deepEqual([exitCode, report.command], [0, 'ramp']);
    assert.ok(existsSync(join(folder, 'report.txt')));
  });

  test('refuses with one line what is no report, lacks its logs or does not belong together', async () => {
    const { folders, parent } = shards;
    const [first = '', second = ''] = folders;
    const refuses = async (files: string[], message: RegExp): Promise<void> => {
      await assert.rejects(loadReport({ files, out: join(parent, 'out'), ...quiet() }), (error: Error) => {
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n'));
        assert.equal((error as Error & { exitCode: number }).exitCode, 2);
        return true;
      });
    };
    await refuses([], /give 1 to 1000/);
    await refuses([join(parent, 'nowhere')], /nowhere is not there/);
    await refuses([first, first], /is the same run/);
    await refuses([first, second, second], /shard-1 cannot be merged with .*shard-1: it is the same run/);
    const changed = (name: string, change: (report: LoadReport) => void): string => {
      const folder = join(parent, name);
      mkdirSync(folder);
      const report = JSON.parse(readFileSync(join(second, 'report.json'), 'utf8')) as LoadReport;
      change(report);
      writeFileSync(join(folder, 'report.json'), JSON.stringify(report));
      for (const log of ['tunnel.hdr', 'direct.hdr']) copyFileSync(join(second, log), join(folder, log));
      return folder;
    };
    await refuses(
      [first, changed('other', (report) => (report.target.tunnel = 'http://127.0.0.1:1/x'))],
      /another target/,
    );
    const another = (name: string, change: (report: LoadReport) => void): Promise<void> =>
      refuses([first, changed(name, change)], /is of another plan/);
    await another('plan', (report) => (report.profile.seed = 7));
    await another('rates', ({ steps }) => steps.forEach((step) => (step.rate += 1)));
    await another('engine', (report) => (report.tool.engine = 'k6'));
    await another('method', (report) => (report.target.method = 'PUT'));
    await another('model', (report) => (report.profile.model = 'closed'));
    await another('shards', (report) => (report.profile.shard = { index: 1, count: 3 }));
    const byOldK6 = [1, 2].map((index) =>
      changed(`k6-${index}`, ({ tool, profile, steps }) => {
        tool.engine = 'k6';
        profile.shard = { index, count: 3 };
        for (const { arms } of steps) delete arms.tunnel.curve;
      }),
    );
    await refuses(byOldK6, /k6-1 or another of them is by k6 and has no curve of percentiles/);
    const unlike = changed('third', (report) => (report.target.method = 'PUT'));
    await refuses([first, second, unlike], /is of another plan/);
    await refuses(
      [first, changed('late', (report) => (report.startedAt = '2001-01-01T00:00:00.000Z'))],
      /s apart from it/,
    );
    const broken = changed('broken', () => undefined);
    writeFileSync(join(broken, 'tunnel.hdr'), 'Tag=0,0.0,1.0,5.0,bm90aGluZw==\n');
    await refuses([first, broken], /tunnel\.hdr has a line that is no interval/);
    rmSync(join(broken, 'tunnel.hdr'));
    await refuses([first, broken], /tunnel\.hdr is not there/);
  });
});
