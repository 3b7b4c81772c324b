import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Transcript, answerWell, startFixture } from '../testing/fixture.ts';
import { loadOverhead } from './load-overhead.ts';
import type { WindowOptions } from './windows.ts';

const SHORT = { rate: 100, windows: 6, windowS: 0.2, warmUpS: 0.1 } as const;

async function prepareDuet(context: TestContext, answer = answerWell) {
  const out = mkdtempSync(join(tmpdir(), 'overhead-'));
  const fixture = await startFixture(answer);
  context.after(async () => {
    rmSync(out, { recursive: true });
    await fixture.stop();
  });
  const stderr = new Transcript();
  const options: WindowOptions = { ...SHORT, target: fixture.url, direct: fixture.url, out, stderr };
  return { options, stderr };
}

describe('load overhead', () => {
  test('takes its windows and tells what is added, hop by hop', async (context) => {
    const { options, stderr } = await prepareDuet(context);
    const { report, files } = await loadOverhead(options);
    const { overhead } = report.sections;
    assert.equal(report.command, 'overhead');
    assert.deepEqual(
      report.steps.map(({ arms }) => [arms.tunnel.requests, arms.direct?.requests]),
      Array.from({ length: 6 }, () => [20, 20]),
    );
    assert.deepEqual([overhead?.windows, overhead?.windowS, overhead?.rate], [6, 0.2, 100]);
    assert.deepEqual(
      overhead?.added.map(({ ci95 }) => ci95 !== null),
      [true, true, true],
    );
    assert.equal(overhead?.hops?.find(({ hop }) => hop === 'backend')?.p50Ms, 0.3);
    assert.match(stderr.text, /window 6\/6\n$/);
    assert.ok(files.some((file) => file.endsWith('report.json')));
  });

  test('judges thresholds over all windows, and not by the worst of them', async (context) => {
    let asked = 0;
    const { options } = await prepareDuet(context, (request, response) => {
      asked += 1;
      // One bad moment, in the middle of one window.
      if (asked === 100) setTimeout(() => answerWell(request, response), 100);
      else answerWell(request, response);
    });
    const { report } = await loadOverhead({ ...options, failIf: ['added>60s', 'failed>0', 'success<99%'] });
    assert.deepEqual(
      report.thresholds.map(({ failedAt }) => failedAt),
      [[], [], []],
    );
    assert.ok(report.totals.arms.tunnel.requests === 120);
  });

  test('goes on to its last window though one of them fails a threshold', async (context) => {
    let asked = 0;
    const { options } = await prepareDuet(context, (request, response) => {
      asked += 1;
      if (asked === 60) response.writeHead(500).end();
      else answerWell(request, response);
    });
    const { report } = await loadOverhead({ ...options, failIf: ['failed>0'], abortOnFail: true });
    assert.deepEqual([report.steps.length, report.stopped], [6, null]);
  });

  test('has no figure of a target that refuses, and ends with 3', async (context) => {
    const { options } = await prepareDuet(context, (_request, response) => void response.writeHead(500).end());
    const { exitCode, report } = await loadOverhead(options);
    assert.equal(exitCode, 3);
    assert.match(report.verdict.sentence, /^No verdict: 100\.0 % of the tunnel arm’s and 100\.0 % of the direct arm’s/);
  });

  test('that is interrupted keeps the whole windows, and ends with 130', async (context) => {
    const stop = new AbortController();
    let asked = 0;
    const { options } = await prepareDuet(context, (request, response) => {
      asked += 1;
      if (asked === 120) stop.abort();
      answerWell(request, response);
    });
    const { exitCode, report } = await loadOverhead({ ...options, signal: stop.signal });
    assert.equal(exitCode, 130);
    const whole = report.steps.filter(({ complete }) => complete).length;
    assert.ok(whole >= 1 && whole < 6, `${whole}`);
    assert.equal(report.sections.overhead?.windows, whole);
    assert.equal(report.sections.overhead?.added[0]?.ci95 ?? null, null);
  });

  test('says in one line what was asked wrongly', async () => {
    const target = 'http://127.0.0.1:1/';
    const asked: [Partial<WindowOptions>, RegExp][] = [
      [{ direct: undefined }, /give --direct URL/],
      [{ windows: 5 }, /--windows must be a number from 6 to 100/],
      [{ windows: 7.5 }, /--windows must be a whole number/],
      [{ windowS: 0 }, /--window \(s\) must be/],
      [{ durationS: 30 }, /--duration does not go with windows/],
      [{ profile: 'short' }, /--profile does not go with windows/],
      [{ rate: 5, windowS: 3 }, /5\/s for 3 s are fewer than the 20 requests .* give a higher --rate/],
      [{ model: 'closed' }, /leave out --model closed/],
    ];
    for (const [change, message] of asked) {
      await assert.rejects(loadOverhead({ target, direct: target, ...change }), { exitCode: 2, message });
    }
  });
});
