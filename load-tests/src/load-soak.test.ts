import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Transcript, answerWell, startFixture } from '../testing/fixture.ts';
import { loadSoak } from './load-soak.ts';
import type { SoakOptions } from './load-soak.ts';

const MIB = 2 ** 20;
/** Of a run of 2.5 s at 30/s. */
const REQUESTS = 75;
/** Enough for a trend: eight points behind the first fifth are the least. */
const LOOKS = 25;

/** A part's `/metrics` whose memory grows by so much a second; `looked` once it was read often enough. */
async function startPart(context: TestContext, growthMib: number): Promise<{ url: string; looked: Promise<void> }> {
  const looked = Promise.withResolvers<void>();
  const startMs = performance.now();
  let looks = 0;
  const part = await startFixture((_request, response) => {
    looks += 1;
    if (looks === LOOKS) looked.resolve();
    const grownMib = (growthMib * (performance.now() - startMs)) / 1000;
    response.end(
      [
        'sallyport_build_info{part="entry",version="0.1.0",node="26"} 1',
        `process_resident_memory_bytes ${(150 + grownMib) * MIB}`,
        `nodejs_heap_size_used_bytes ${50 * MIB}`,
        'process_open_fds 40',
        `sallyport_event_loop_delay_seconds_sum{part="entry"} ${looks * 0.01}`,
        `sallyport_event_loop_delay_seconds_count{part="entry"} ${looks * 100}`,
        '',
      ].join('\n'),
    );
  });
  context.after(part.stop);
  return { url: part.url, looked: looked.promise };
}

async function prepareRun(context: TestContext, growthMib: number, answer = answerWell, requests = REQUESTS) {
  const out = mkdtempSync(join(tmpdir(), 'soak-'));
  const part = await startPart(context, growthMib);
  let asked = 0;
  const fixture = await startFixture((request, response) => {
    asked += 1;
    // The run waits for its last answer, and that for the looks: how many come by then is for the machine to say.
    if (asked < requests) answer(request, response);
    else void part.looked.then(() => answer(request, response));
  });
  context.after(async () => {
    rmSync(out, { recursive: true });
    await fixture.stop();
  });
  const stderr = new Transcript();
  const options: SoakOptions = {
    target: fixture.url,
    out,
    rate: 30,
    durationS: 2.5,
    warmUpS: 0,
    sampleS: 0.1,
    admin: [part.url],
    stdout: new Transcript(),
    stderr,
  };
  return { options, stderr };
}

describe('load soak', () => {
  test('ends with 99 where a part’s memory rises, and says which', async (context) => {
    const { options, stderr } = await prepareRun(context, 50);
    const { exitCode, report } = await loadSoak(options);
    // A machine that has no CPU for the generator proves nothing; what it saw is told all the same.
    const isFit = report.verdict.fault !== 'generator';
    const { soak } = report.sections;
    assert.deepEqual([exitCode, soak?.isLeaking], isFit ? [99, true] : [3, null]);
    const verdicts = Object.fromEntries(soak?.trends.map(({ name, verdict }) => [name, verdict]) ?? []);
    assert.equal(verdicts['entry memory'], 'rising');
    assert.equal(verdicts['entry heap'], 'flat');
    assert.equal(verdicts['entry descriptors'], 'flat');
    assert.equal(verdicts['entry event-loop delay'], 'flat');
    assert.match(
      stderr.text,
      isFit ? /It does not last: entry memory rises by/ : /not fit to tell \(entry memory rises/,
    );
  });

  test('accuses no part that stays as it is, and is open about a run too short for latencies', async (context) => {
    const { options, stderr } = await prepareRun(context, 0);
    const { exitCode, report } = await loadSoak(options);
    assert.equal(report.sections.soak?.isLeaking, null);
    // On a machine that is held up the answers may come so late that tunnel or backend are named for it.
    const { fault } = report.verdict;
    const isNamed = fault === 'tunnel' || fault === 'backend';
    assert.equal(exitCode, isNamed ? 99 : 3);
    assert.match(
      stderr.text,
      isNamed ? /^It is not said to last/m : /too short or too noisy to tell for latency|not fit to tell/,
    );
  });

  test('ends with 99 where requests fail, however steady everything is', async (context) => {
    let asked = 0;
    const { options, stderr } = await prepareRun(context, 0, (request, response) => {
      asked += 1;
      if (asked > 40) response.writeHead(502).end();
      else answerWell(request, response);
    });
    const { exitCode, report } = await loadSoak(options);
    assert.equal(exitCode, 99);
    assert.equal(report.sections.soak?.isFailing, true);
    assert.match(stderr.text, /It does not last: 35 of 75 requests \(46\.7 %\) were not answered well/);
  });

  test('takes --duration alone as the profile’s rate for that time', async (context) => {
    const { options } = await prepareRun(context, 0, answerWell, Infinity);
    const { report } = await loadSoak({ ...options, rate: undefined, durationS: 1 });
    assert.deepEqual([report.profile.name, report.steps[0]?.rate, report.steps[0]?.durationS], ['soak', 200, 1]);
  });

  test('refuses a profile of several rates', async (context) => {
    const { options } = await prepareRun(context, 0);
    await assert.rejects(loadSoak({ ...options, rate: undefined, durationS: undefined, profile: 'smoke' }), {
      code: 'SP_LOAD_OPTIONS',
      exitCode: 2,
      message: /a soak holds one rate, and this profile has 2/,
    });
  });
});
