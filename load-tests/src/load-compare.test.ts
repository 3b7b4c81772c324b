import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Transcript, startFixture } from '../testing/fixture.ts';
import { loadCompare } from './load-compare.ts';
import { loadOverhead } from './load-overhead.ts';
import { loadRamp } from './load-ramp.ts';

/** A folder with the results of one short ramp in `run`. */
async function prepareRun(context: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'compare-'));
  const { url, stop } = await startFixture();
  context.after(async () => {
    rmSync(folder, { recursive: true });
    await stop();
  });
  await loadRamp({ target: url, direct: url, rate: 50, durationS: 1.1, warmUpS: 0, out: join(folder, 'run') });
  return folder;
}

describe('load compare', () => {
  test('holds reports and logs against each other, and writes only when asked', async (context) => {
    const folder = await prepareRun(context);
    const [run, stdout] = [join(folder, 'run'), new Transcript()];
    const { report, exitCode, files } = await loadCompare({ a: run, b: join(run, 'report.json'), stdout });
    assert.deepEqual([exitCode, files, report.command], [0, [], 'compare']);
    const rows = report.sections.compare?.rows ?? [];
    assert.deepEqual(rows.map(({ metric, differenceMs }) => [metric, differenceMs]).slice(0, 3), [
      ['p50', 0],
      ['p99', 0],
      ['p50 by second', 0],
    ]);
    assert.match(stdout.text, /p50 by second/);

    const log = await loadCompare({ a: join(run, 'direct.hdr'), b: join(run, 'tunnel.hdr'), out: join(folder, 'out') });
    assert.equal(log.report.sections.compare?.rows[0]?.rate, 50);
    assert.ok(log.files.some((file) => file === join(folder, 'out', 'report.json')));

    // A log that lies alone goes by the numbers of its steps.
    mkdirSync(join(folder, 'alone'));
    const alone = join(folder, 'alone', 'tunnel.hdr');
    renameSync(join(folder, 'run', 'tunnel.hdr'), alone);
    const numbered = await loadCompare({ a: alone, b: alone });
    assert.equal(numbered.report.sections.compare?.rows[0]?.rate, 1);
    assert.match(numbered.report.verdict.sentence, /its steps go by number\.$/);
  });

  test('takes windows of one rate together, in a log as in a report', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'compare-'));
    const { url, stop } = await startFixture();
    context.after(async () => {
      rmSync(folder, { recursive: true });
      await stop();
    });
    const windows = { windows: 6, windowS: 0.5, rate: 50, warmUpS: 0 };
    await loadOverhead({ target: url, direct: url, out: folder, ...windows });
    const { report } = await loadCompare({ a: join(folder, 'tunnel.hdr'), b: folder });
    const metrics = report.sections.compare?.rows.map(({ metric }) => metric) ?? [];
    assert.deepEqual(metrics, [...new Set(metrics)]);
  });

  test('says in one line what was asked wrongly', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'compare-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const broken = join(folder, 'broken.hdr');
    writeFileSync(broken, 'x\n');
    const asked: [string, RegExp][] = [
      [join(folder, 'none'), /none is not there; give a report\.json/],
      [join(folder, 'none.hdr'), /none\.hdr is not there/],
      [folder, /report\.json cannot be read \(ENOENT\)/],
      [broken, /has a line that is no interval/],
    ];
    for (const [b, message] of asked) await assert.rejects(loadCompare({ a: b, b }), { exitCode: 2, message });
  });
});
