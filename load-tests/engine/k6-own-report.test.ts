/** Each script as people run it, without the command, and both engines on the same target. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { REPORT_SCHEMA } from '../report/model.ts';
import type { LoadReport } from '../report/model.ts';
import { loadRamp } from '../src/load-ramp.ts';
import { startFixture } from '../testing/fixture.ts';
import { skipWithoutK6 } from '../testing/k6.ts';
import { findK6 } from './k6.ts';

const skip = skipWithoutK6();
const timeout = 60_000;
const FLAGS = ['run', '--quiet', '--no-usage-report', '--no-color', '--address', ''];
const THRESHOLDS_FAILED = 99;

async function prepare(context: TestContext): Promise<{ url: string; folder: string }> {
  const { url, stop } = await startFixture();
  const folder = mkdtempSync(join(tmpdir(), 'k6-own-'));
  context.after(async () => {
    rmSync(folder, { recursive: true });
    await stop();
  });
  return { url, folder };
}

type Run = { code: number; stdout: string; stderr: string; report: LoadReport };

function runScript(
  script: string,
  folder: string,
  variables: Record<string, string>,
  signal: AbortSignal,
): Promise<Run> {
  const out = join(folder, `${script}.json`);
  const given = Object.entries({ WARM_UP_S: '0', OUT: out, ...variables }).flatMap(([name, value]) => [
    '-e',
    `${name}=${value}`,
  ]);
  const file = join(import.meta.dirname, '../k6', `${script}.ts`);
  return new Promise((resolve, reject) => {
    execFile(findK6(), [...FLAGS, ...given, file], { signal, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code);
      if (code !== 0 && code !== THRESHOLDS_FAILED) return reject(new Error(`${script}: ${error?.message} ${stderr}`));
      resolve({ code, stdout, stderr, report: JSON.parse(readFileSync(out, 'utf8')) as LoadReport });
    });
  });
}

describe('without the command', { skip, timeout, concurrency: true }, () => {
  for (const script of ['ramp', 'overhead', 'soak', 'spike', 'multi-session']) {
    test(`${script}.ts writes a report and a summary`, async (context) => {
      const { url, folder } = await prepare(context);
      const target = script === 'multi-session' ? `${url}session/{session}/` : url;
      const run = await runScript(
        script,
        folder,
        { TARGET: target, DIRECT: url, STEPS: '30x1', SESSIONS: '3', FAIL_IF: 'failed>0' },
        context.signal,
      );
      assert.equal(run.code, 0, run.stderr);
      assert.equal(run.stderr, '');
      assert.match(run.stdout, /^Report: /m);
      assert.doesNotMatch(run.stdout, /no summary/);
      assert.equal(run.report.schema, REPORT_SCHEMA);
      assert.equal(run.report.profile.name, script);
      const [step] = run.report.steps;
      // How many of them leave within a second is for the machine to say.
      for (const arm of [step?.arms.tunnel, step?.arms.direct]) {
        assert.ok(arm !== undefined && arm.ok > 0 && arm.failed === 0, JSON.stringify(arm));
      }
      assert.deepEqual(step?.hopsMs?.backend, { p50: 0.3, p99: 0.3 });
      assert.equal(run.stdout.includes('Sessions, slowest first'), script === 'multi-session');
      assert.equal(run.report.sections.overhead !== undefined, script === 'overhead');
    });
  }

  test('websocket.ts tells that nobody echoes, and ends with 99', async (context) => {
    const { url, folder } = await prepare(context);
    const run = await runScript('websocket', folder, { TARGET: url, STEPS: '20x1' }, context.signal);
    assert.equal(run.code, THRESHOLDS_FAILED);
    assert.equal(run.report.steps[0]?.arms.tunnel.failed, 20);
    assert.deepEqual(run.report.thresholds.find(({ expression }) => expression === 'failed>0')?.failedAt, [20]);
  });
});

test('both engines send what the profile says, and say the same of it', { skip, timeout }, async (context) => {
  const { url, folder } = await prepare(context);
  const run = (engine: 'embedded' | 'k6') =>
    loadRamp({ target: url, direct: url, profile: 'smoke', engine, out: join(folder, engine), signal: context.signal });
  const reports = (await Promise.all([run('embedded'), run('k6')])).map(({ report }) => report);
  for (const { steps, tool } of reports) {
    assert.deepEqual(
      steps.map(({ rate, durationS }) => [rate, durationS]),
      [
        [20, 3],
        [50, 3],
      ],
    );
    for (const { rate, durationS, arms, generator } of steps) {
      const { tunnel, direct } = arms;
      // What k6 on a busy machine did not send it says, and its ticker may be one over at a step's end; ours sends all.
      const offered = rate * durationS * (tool.engine === 'k6' ? generator.sentRatio : 1);
      const counted = tunnel.requests + tunnel.dropped;
      assert.ok(Math.abs(counted - offered) <= 1, `${tool.engine}: ${counted} of ${offered} at ${rate}/s`);
      for (const arm of [tunnel, direct]) {
        assert.deepEqual([arm?.ok, arm?.statusCodes], [arm?.requests, { 200: arm?.requests }]);
      }
    }
  }
});
