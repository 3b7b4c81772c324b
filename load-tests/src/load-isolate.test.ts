import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Transcript, startFixture } from '../testing/fixture.ts';
import { loadIsolate } from './load-isolate.ts';

async function run(t: TestContext, { isDirect = true } = {}) {
  const fixture = await startFixture();
  t.after(fixture.stop);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-isolate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [stdout, stderr] = [new Transcript(), new Transcript()];
  const outcome = await loadIsolate({
    target: fixture.url,
    ...(isDirect && { direct: fixture.url }),
    rate: 60,
    durationS: 1,
    warmUpS: 0,
    out: join(folder, 'out'),
    stdout,
    stderr,
  });
  return { ...outcome, stdout: stdout.text, stderr: stderr.text };
}

describe('load isolate', () => {
  test('prints the verdict before the figures, and has calibrated the generator', async (t) => {
    const { stdout, report } = await run(t);
    assert.equal(report.command, 'isolate');
    assert.ok(stdout.indexOf(report.verdict.sentence) < stdout.indexOf('rate/s'), stdout);
    assert.ok((report.evidence.calibration?.achievedRate ?? 0) > 0);
    assert.ok(report.steps.every(({ arms }) => arms.direct !== undefined));
  });

  test('says what is missing without the backend’s own address', async (t) => {
    const { stderr } = await run(t, { isDirect: false });
    assert.match(stderr, /note: without --direct/);
  });
});
