import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { NOBODY, Transcript, answerWell, startFixture } from '../testing/fixture.ts';
import { loadCapacity } from './load-capacity.ts';
import type { CapacityOptions } from './load-capacity.ts';

async function prepareRun(context: TestContext) {
  const out = mkdtempSync(join(tmpdir(), 'capacity-'));
  const fixture = await startFixture(answerWell);
  context.after(async () => {
    rmSync(out, { recursive: true });
    await fixture.stop();
  });
  const stderr = new Transcript();
  const options: CapacityOptions = {
    target: fixture.url,
    out,
    durationS: 0.5,
    pauseS: 0,
    warmUpS: 0.1,
    // Nobody there: the parts of whatever else runs on this machine are not looked for.
    admin: ['http://127.0.0.1:9'],
    stdout: new Transcript(),
    stderr,
  };
  return { options, stderr };
}

/** Calibration takes seconds, and is tested where it is made. */
const uncalibrated = async () => null;

describe('load capacity', () => {
  test('tries the target at each rate, with the reports of a load test at the end', async (context) => {
    const { options, stderr } = await prepareRun(context);
    const { report, files } = await loadCapacity({ ...options, from: 40, to: 40 }, uncalibrated);
    const { capacity } = report.sections;
    assert.deepEqual([report.command, report.profile.name, capacity?.tries[0]?.rate], ['capacity', 'capacity', 40]);
    assert.equal(report.steps[0]?.arms.tunnel.requests, 20);
    assert.equal(report.totals.arms.tunnel.requests, 20);
    assert.ok(stderr.text.includes(capacity?.sentence ?? 'no sentence'));
    assert.equal(files[0], join(options.out ?? '', 'report.json'));
  });

  test('asks the queueing model where it is told the slots', async (context) => {
    const { options } = await prepareRun(context);
    const asked = { ...options, from: 40, to: 40, slots: 10, whatIfSlots: [5, 20] };
    const attempt = async () => (await loadCapacity(asked, uncalibrated)).report.sections.capacity;
    // A machine that is held up just then carries nothing, and of nothing there is no model: then once more.
    let found = await attempt();
    for (let more = 4; found?.whatIf?.length === 0 && more > 0; more -= 1) found = await attempt();
    const rows = found?.whatIf ?? [];
    assert.deepEqual(
      rows.map(({ slots, isMeasured }) => [slots, isMeasured]),
      [
        [10, true],
        [10, false],
        [5, false],
        [20, false],
      ],
    );
    assert.equal(rows[0]?.queueMeanMs, 0);
  });

  test('that is interrupted reports the tries it has, and ends with 130', async (context) => {
    const controller = new AbortController();
    const { options } = await prepareRun(context);
    const abortAfterFirst = {
      write: (text: string) => {
        if (/\(step\)/.test(text)) controller.abort();
      },
    };
    const { exitCode, report } = await loadCapacity(
      { ...options, from: 40, to: 4000, signal: controller.signal, stderr: abortAfterFirst },
      uncalibrated,
    );
    assert.equal(exitCode, 130);
    assert.equal(report.sections.capacity?.tries.length, 1);
    assert.equal(report.stopped?.reason, 'interrupted');
  });

  test('says that nobody answers, and ends with 1', async (context) => {
    const { options } = await prepareRun(context);
    const { exitCode, report } = await loadCapacity({ ...options, target: NOBODY, from: 40, to: 80 }, uncalibrated);
    assert.deepEqual([exitCode, report.stopped?.code], [1, 'SP_LOAD_UNREACHABLE']);
  });

  test('does not call a rate carried at which nobody answered, and ends with 3', async (context) => {
    const { options, stderr } = await prepareRun(context);
    const asked = { ...options, target: NOBODY, from: 40, to: 80, warmUpS: 0, check: false };
    const { exitCode, report } = await loadCapacity(asked, uncalibrated);
    assert.equal(exitCode, 3);
    assert.ok(report.sections.capacity?.tries.every(({ isCarried }) => !isCarried));
    assert.match(stderr.text, /Not one request was answered well/);
  });

  test('refuses what makes no sense with one line', async (context) => {
    const { options } = await prepareRun(context);
    const refused: [Partial<CapacityOptions>, RegExp][] = [
      [{ rate: 20 }, /give --from and --to instead of --rate/],
      [{ model: 'closed' }, /closed loop/],
      [{ from: 100, to: 50 }, /--from \(requests\/s, up to --to\) must be/],
      [{ factor: 1 }, /--factor/],
      [{ resolutionPercent: 0 }, /--resolution/],
      [{ slots: 0 }, /--slots/],
      [{ slots: 2.5 }, /--slots must be a whole number/],
      [{ from: 20, to: 40 }, /20\/s for 0\.5 s are fewer than the 20 requests .* give a higher --from/],
      [{ profile: 'short', from: 20 }, /either --profile or/],
    ];
    for (const [change, message] of refused) {
      await assert.rejects(loadCapacity({ ...options, ...change }, uncalibrated), {
        code: 'SP_LOAD_OPTIONS',
        exitCode: 2,
        message,
      });
    }
  });
});
