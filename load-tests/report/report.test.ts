import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { HistogramLogReader } from 'hdr-histogram-js';
import { DurationHistogram } from '../engine/histogram.ts';
import { assemble } from '../src/assemble.ts';
import { prepare } from '../src/options.ts';
import { Transcript } from '../testing/fixture.ts';
import { makeArm, makeSteps } from '../testing/steps.ts';
import { columns, ms, percent, signedMs } from './format.ts';
import { HdrLog } from './hdr-log.ts';
import type { LoadReport, StepReport } from './model.ts';
import { ProgressLine } from './progress.ts';
import { stepTable, terminalSummary } from './table.ts';
import { textReport } from './text.ts';

const ADDED = { p50: 0.5, p99: -0.25, ci95: null };
const STEPS: StepReport[] = makeSteps([
  { rate: 20 },
  { rate: 1000, tunnel: { failed: 300, errors: { timeout: 300 } } },
]).map((step) => ({ ...step, addedMs: ADDED }));

function makeReport(steps: StepReport[], failIf: string[] = []): LoadReport {
  return assemble({
    command: 'ramp',
    prepared: prepare({ target: 'http://127.0.0.1:1/', direct: 'http://127.0.0.1:2/', profile: 'smoke', failIf }),
    version: '1.2.3',
    startedAt: new Date(0),
    measurements: [],
    steps,
    totals: { tunnel: makeArm(1020, 20, {}) },
    stopped: null,
  });
}

describe('report.txt', () => {
  const text = textReport(makeReport(STEPS));

  test('carries vegeta’s labels and ours', () => {
    const labels = [
      'Requests',
      'Duration',
      'Latencies',
      'Bytes In',
      'Bytes Out',
      'Success',
      'Status Codes',
      'Error Set:',
    ];
    const ours = ['Sched lag', 'Dropped', 'Generator', 'Hops', 'Verdict'];
    for (const label of [...labels, ...ours]) assert.match(text, new RegExp(`^${label}`, 'm'), label);
  });

  test('tells a step as vegeta does', () => {
    assert.match(text, /^Requests {6}\[total, rate, throughput\] {11}200, 20\.00, 20\.00$/m);
    assert.match(text, /^Success {7}\[ratio\] {28} ?97\.00%$/m);
    assert.match(text, /^Error Set:\n300 × timeout$/m);
  });

  test('has a table with the medians of the hops, and the verdict', () => {
    assert.match(text, /rate\/s +requests .* queue +link +slot +client +backend\n/);
    assert.match(text, /^Verdict {7}The tunnel/m);
  });
});

describe('the summary on a terminal', () => {
  test('is one line per step, as wide as a terminal, then the verdict', () => {
    const summary = terminalSummary(makeReport(STEPS));
    const table = summary.split('\n').slice(1, 4);
    assert.ok(
      table.every((line) => line.length <= 80),
      summary,
    );
    assert.match(table[2] ?? '', /^ +1000 +10000 +300 +0 +1\.00 +2\.00 +2\.00 +\+0\.500 +-0\.250$/);
    assert.match(summary, /\nThe tunnel: from 1000 requests\/s on/);
  });

  test('names the thresholds that failed, and where', () => {
    const summary = terminalSummary(makeReport(STEPS, ['failed>0', 'p99>5s']));
    assert.match(summary, /Failed: failed>0 at 1000 requests\/s \(worst 300\)/);
    assert.doesNotMatch(summary, /p99>5s/);
  });

  test('marks a step that was cut short', () => {
    const [first] = STEPS;
    assert.match(
      terminalSummary(makeReport([{ ...(first as StepReport), complete: false }])),
      / 20\*.*\n\* stopped inside this step/,
    );
  });

  test('leaves out what a single arm cannot add', () => {
    const alone = makeReport(STEPS.map((step) => ({ ...step, addedMs: null })));
    assert.doesNotMatch(terminalSummary(alone), /added/);
  });
});

describe('progress', () => {
  const steps = [
    { rate: 20, durationS: 10 },
    { rate: 1000, durationS: 10 },
  ];
  const progress = {
    stepIndex: 0,
    elapsedS: 4.2,
    arms: { tunnel: makeArm(84, 4.2, {}) },
    second: { atS: 3, lengthS: 1, arms: {} },
    histograms: {},
  };

  test('rewrites one line per step on a terminal, with the time left', () => {
    const out = new Transcript();
    const line = new ProgressLine(steps, true, (text) => out.write(text));
    line.progress(progress);
    line.progress({ ...progress, elapsedS: 5.2 });
    line.step(STEPS[0] as StepReport);
    const shown = out.text.split('\r\u001B[2K');
    assert.match(shown[1] ?? '', /20\/s.*ok 100\.00 %.*p99.*step 1 of 2, 16 s left$/);
    assert.match(shown[2] ?? '', /15 s left$/);
    assert.match(shown[3] ?? '', /added \+0\.500 ms\n$/);
  });

  test('is one plain line per step elsewhere', () => {
    const out = new Transcript();
    const line = new ProgressLine(steps, false, (text) => out.write(text));
    line.progress(progress);
    line.step(STEPS[0] as StepReport);
    line.step({ ...(STEPS[1] as StepReport), complete: false });
    assert.equal(out.text.split('\n').length, 3);
    assert.ok(!out.text.includes('\u001B') && !out.text.includes('\r'));
    assert.match(out.text, /\(stopped\)\n$/);
    assert.match(out.text.split('\n')[0] ?? '', /  10 s left$/);
  });

  test('is a line each minute too where a step is long', () => {
    const out = new Transcript();
    const line = new ProgressLine([{ rate: 20, durationS: 3600 }], false, (text) => out.write(text));
    for (let elapsedS = 1; elapsedS <= 130; elapsedS++) line.progress({ ...progress, elapsedS });
    const lines = out.text.trimEnd().split('\n');
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', /step 1 of 1, 3480 s left$/);
  });

  test('of an engine without figures is a line per step as it begins', () => {
    const out = new Transcript();
    const line = new ProgressLine(steps, false, (text) => out.write(text));
    line.due(0);
    line.due(1);
    const [first, second] = out.text.split('\n');
    assert.match(first ?? '', /20\/s  step 1 of 2, about 20 s left; figures come at the end$/);
    assert.match(second ?? '', /1000\/s  step 2 of 2, about 10 s left/);
  });

  test('shows a third of a rate without its endless digits', () => {
    const out = new Transcript();
    const line = new ProgressLine(steps, false, (text) => out.write(text));
    line.step({ ...(STEPS[0] as StepReport), rate: 1000 / 3 });
    assert.match(out.text, /^ 333\.3\/s /);
    assert.match(stepTable([{ ...(STEPS[0] as StepReport), rate: 1000 / 3 }]), /^ +333\.3 /m);
  });
});

describe('the HdrHistogram log', () => {
  test('is read by the library as it was written', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'hdr-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const histogram = new DurationHistogram();
    for (const value of [1, 2, 40]) histogram.record(value);
    const log = new HdrLog(folder, ['tunnel']);
    const second = { atS: 0, lengthS: 1, arms: {} };
    log.write({ stepIndex: 3, elapsedS: 1, arms: {}, second, histograms: { tunnel: histogram.encode() } });
    await log.close();
    const reader = new HistogramLogReader(readFileSync(join(folder, 'tunnel.hdr'), 'utf8'));
    const read = reader.nextIntervalHistogram();
    assert.ok(read !== null && 'getValueAtPercentile' in read);
    assert.equal(read.totalCount, 3);
    assert.equal(read.tag, '3');
    assert.equal(read.getValueAtPercentile(50), 2000);
    assert.equal(reader.nextIntervalHistogram(), null);
  });
});

describe('numbers for people', () => {
  test('have as many decimals as mean something', () => {
    assert.deepEqual([0, 0.1234, 5.123, 51.23, 512.3].map(ms), ['0.000', '0.123', '5.12', '51.2', '512']);
    assert.deepEqual([0.5, -0.5].map(signedMs), ['+0.500', '-0.500']);
  });

  test('never call it 100 % when one is missing', () => {
    assert.equal(percent(99_999, 100_000), '99.99 %');
    assert.equal(percent(5, 5), '100.00 %');
    assert.equal(percent(0, 0), '–');
  });

  test('stand in columns', () => {
    assert.equal(
      columns([
        ['a', 'long'],
        ['bcd', '1'],
      ]),
      '  a  long\nbcd     1\n',
    );
  });
});
