import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { LoadReport } from '../report/model.ts';
import { NOBODY, Transcript, answerWell, startFixture } from '../testing/fixture.ts';
import { loadGate } from './load-gate.ts';
import type { GateOptions } from './load-gate.ts';
import { loadOverhead } from './load-overhead.ts';
import { parseReady } from './two-stacks.ts';

const SHORT = { rate: 100, windows: 6, windowS: 0.2, warmUpS: 0.1 } as const;
const answerLate: RequestListener = (request, response) => void setTimeout(() => answerWell(request, response), 60);
const refuseAll: RequestListener = (_request, response) => void response.writeHead(502).end();

async function serve(context: TestContext, answer = answerWell): Promise<string> {
  const fixture = await startFixture(answer);
  context.after(() => fixture.stop());
  return fixture.url;
}

function makeFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gate-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function prepareGate(context: TestContext, answer = answerWell) {
  const [target, baseline] = [await serve(context, answer), await serve(context)];
  const stderr = new Transcript();
  const options: GateOptions = { ...SHORT, target, baseline, out: makeFolder(context), stderr };
  return { options, stderr };
}

describe('load gate', () => {
  test('fails a candidate that answers with errors, with all four arms at one load', async (context) => {
    const { options } = await prepareGate(context, refuseAll);
    const { exitCode, report } = await loadGate(options);
    assert.equal(exitCode, 99);
    assert.match(report.verdict.sentence, /^Fail: 100 % of the candidate’s requests failed/);
    const arms = Object.entries(report.steps[0]?.arms ?? {}).map(([name, { requests }]) => [name, requests]);
    assert.deepEqual(Object.fromEntries(arms), { tunnel: 20, baseline: 20, twin: 20, control: 20 });
    const { rows, control } = report.sections.gate ?? {};
    assert.deepEqual(
      [rows, control].map((each) => each?.map(({ metric }) => metric)),
      [
        ['p50', 'p99'],
        ['p50', 'p99'],
      ],
    );
  });

  test('takes as many windows once more where the first do not decide, and then leaves it', async (context) => {
    const { options, stderr } = await prepareGate(context);
    const { exitCode, report, files } = await loadGate({ ...options, baseline: await serve(context, refuseAll) });
    assert.equal(exitCode, 3);
    assert.deepEqual([report.steps.length, report.sections.gate?.windows], [12, 12]);
    assert.equal(report.totals.arms.tunnel.requests, 12 * 20);
    assert.match(stderr.text, /6 windows do not decide; as many once more/);
    assert.equal(new Set(files.filter((file) => file.endsWith('tunnel.hdr'))).size, 2);
  });

  test('proves nothing by a threshold where the generator was not fit', async (context) => {
    const { options } = await prepareGate(context, answerLate);
    const asked = { ...options, baseline: await serve(context, answerLate), maxInFlight: 1, failIf: ['p50>1ms'] };
    const { exitCode, report } = await loadGate(asked);
    assert.equal(report.sections.gate?.isFit, false);
    assert.ok((report.thresholds[0]?.failedAt.length ?? 0) > 0);
    assert.equal(exitCode, 3);
  });

  test('says that nobody answers, and does not take it for a verdict', async (context) => {
    const { options } = await prepareGate(context);
    const { exitCode, report } = await loadGate({ ...options, target: NOBODY });
    assert.deepEqual([exitCode, report.stopped?.code], [1, 'SP_LOAD_UNREACHABLE']);
  });

  test('against an earlier run: compares what was added, on the same machine only', async (context) => {
    const direct = await serve(context);
    const [earlier, out] = [makeFolder(context), makeFolder(context)];
    await loadOverhead({ ...SHORT, target: await serve(context), direct, out: earlier });
    const asked = { target: await serve(context, refuseAll), direct, baseline: earlier, out };
    const { report, exitCode } = await loadGate({ ...asked, windows: 6, warmUpS: 0.1 });
    assert.deepEqual(
      [report.steps[0]?.rate, report.steps[0]?.durationS],
      [100, 0.2],
      'rate and window are the earlier ones',
    );
    assert.equal(exitCode, 99);
    assert.deepEqual(Object.keys(report.steps[0]?.arms ?? {}).sort(), ['direct', 'tunnel']);

    const file = join(earlier, 'report.json');
    const stored = JSON.parse(readFileSync(file, 'utf8')) as LoadReport;
    writeFileSync(file, JSON.stringify({ ...stored, machine: { ...stored.machine, cpus: 999 } }));
    const elsewhere = await loadGate({ ...asked, baseline: file, windows: 6, warmUpS: 0.1 });
    assert.equal(elsewhere.exitCode, 3);
    assert.match(elsewhere.report.verdict.sentence, /the baseline is from another machine: cpus was 999 and is \d+\./);
    assert.equal(elsewhere.report.steps.length, 6, 'more windows would not make it another machine');
    const otherwise: [Partial<GateOptions>, RegExp][] = [
      [{ arrivals: 'poisson' }, /arrivals was uniform and is poisson/],
      [{ method: 'POST', body: 'twelve bytes' }, /method was GET and is POST; body \(bytes\) was 0 and is 12/],
      [{ direct: `${direct}other` }, /path directly was \S+ and is \/other/],
      [{ protocol: 'http2' }, /protocol was http1 and is http2/],
      [{ headers: { accept: 'text/plain' } }, /: what is sent \(hash\) was [0-9a-f]{16} and is [0-9a-f]{16};/],
    ];
    for (const [change, message] of otherwise) {
      await assert.rejects(loadGate({ ...asked, ...change }), { exitCode: 2, message });
    }
    await assert.rejects(loadGate({ ...asked, rate: 200 }), { exitCode: 2, message: /use --rate 100 --window 0.2/ });
  });

  test('says in one line what was asked wrongly', async (context) => {
    const folder = makeFolder(context);
    writeFileSync(join(folder, 'other.json'), '{"schema":"x"}');
    writeFileSync(join(folder, 'broken.json'), '{');
    const checkout = join(folder, 'checkout');
    mkdirSync(join(checkout, 'node_modules', '.bin'), { recursive: true });
    writeFileSync(join(checkout, 'node_modules', '.bin', 'sallyport'), 'process.exit(7);\n');
    const target = 'http://127.0.0.1:1/';
    const asked: [GateOptions, RegExp][] = [
      [{ target, direct: target, baseline: target, check: false }, /leave out --direct, or give --baseline/],
      [{ baseline: target }, /no target; give --target/],
      [{ target, baseline: join(folder, 'none.json') }, /none\.json is not there; give a report\.json/],
      [{ target, baseline: join(folder, 'other.json') }, /is no report of the schema/],
      [{ target, baseline: join(folder, 'broken.json') }, /is not JSON/],
      [{ target, baseline: folder }, /is neither a checkout .* run npm ci in it/],
      [{ target, baseline: target, engine: 'k6' }, /leave out k6/],
      [{ target, baseline: 'http://example.com/' }, /is not this machine/],
      [{ target, baseline: checkout, ownCommand: 'x' }, /leave out --target and --direct/],
      [{ baseline: checkout, ownCommand: 'x', windows: 1 }, /--windows must be a number from 6/],
    ];
    for (const [options, message] of asked) await assert.rejects(loadGate(options), { exitCode: 2, message });
    const own = join(checkout, 'node_modules', '.bin', 'sallyport');
    await assert.rejects(loadGate({ baseline: checkout, ownCommand: own }), {
      exitCode: 1,
      code: 'SP_LOAD_STACK',
      message: /sallyport backend ended with 7; run it by hand, or npm ci in its folder$/,
    });
  });
});

describe('the ready line of a stack', () => {
  test('tells its addresses', () => {
    const ready = {
      event: 'ready',
      url: 'http://a/',
      admin: { entry: 'http://c', client: ['http://d'] },
    };
    assert.deepEqual(parseReady(JSON.stringify(ready)), {
      url: 'http://a/',
      admin: ['http://c', 'http://d'],
    });
  });

  test('is not any other line', () => {
    for (const line of ['', 'ready', 'null', '{"event":"error"}', '{"event":"ready"}', '[1]']) {
      assert.equal(parseReady(line), null, line);
    }
  });
});
