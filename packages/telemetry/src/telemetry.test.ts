import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { createLogger } from './logger.ts';
import type { Part } from './part-metrics.ts';
import { createTelemetry } from './telemetry.ts';
import { haveProgram, parseScrape } from './testing.ts';

function setUp(context: TestContext, part: Part = 'entry') {
  const destination = new PassThrough();
  const logger = createLogger({ level: 'info', part, destination });
  const telemetry = createTelemetry({ part, version: '1.2.3', logger, codes: ['SP_QUEUE_FULL'] });
  context.after(() => telemetry.close());
  const scrape = async (): Promise<Map<string, number>> => parseScrape(await telemetry.metricsText());
  return { telemetry, logger, scrape };
}

test('requests are counted by status and timed', async (context) => {
  const { telemetry, scrape } = setUp(context);
  telemetry.countRequest(200, 0.004);
  telemetry.countRequest(200, 0.012);
  telemetry.countRequest(503, 120);
  const samples = await scrape();
  assert.equal(samples.get('sallyport_requests_total{part="entry",code="200"}'), 2);
  assert.equal(samples.get('sallyport_requests_total{part="entry",code="503"}'), 1);
  assert.equal(samples.get('sallyport_request_seconds_bucket{part="entry",le="0.005"}'), 1);
  assert.equal(samples.get('sallyport_request_seconds_bucket{part="entry",le="0.015"}'), 2);
  assert.equal(samples.get('sallyport_request_seconds_bucket{part="entry",le="60"}'), 2);
  assert.equal(samples.get('sallyport_request_seconds_bucket{part="entry",le="+Inf"}'), 3);
  assert.equal(samples.get('sallyport_request_seconds_count{part="entry"}'), 3);
  assert.equal(samples.get('sallyport_request_seconds_sum{part="entry"}'), 120.016);
});

test('each hop gets its own time, in seconds', async (context) => {
  const { telemetry, scrape } = setUp(context);
  telemetry.observeHops(Float64Array.from([1, 2, 3, 4, 5, 6, 7]));
  telemetry.observeHops([10, 20, 30, 40, 50, 60, 70]);
  const samples = await scrape();
  const sums = ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend'].map((hop) =>
    Math.round(samples.get(`sallyport_hop_seconds_sum{hop="${hop}"}`)! * 1e6),
  );
  assert.deepEqual(sums, [11, 22, 33, 44, 55, 66, 77]);
});

test('a limit that is reached is counted each time and logged once', async (context) => {
  const { telemetry, logger, scrape } = setUp(context);
  const lines: unknown[] = [];
  logger.warn = (...line: unknown[]) => lines.push(line);
  for (let i = 0; i < 5; i++) telemetry.limitHit('queue');
  assert.equal((await scrape()).get('sallyport_limit_hits_total{part="entry",limit="queue"}'), 5);
  assert.deepEqual(lines, [[{ limit: 'queue', hits: 1 }, 'limit reached']]);
});

test('refusals, reconnects, canaries and queue times have their metrics', async (context) => {
  const { telemetry, scrape } = setUp(context, 'client');
  telemetry.refused('SP_QUEUE_FULL');
  telemetry.reconnected();
  telemetry.observeCanary(0.001);
  telemetry.observeQueue(0.5);
  const samples = await scrape();
  assert.equal(samples.get('sallyport_refused_total{part="client",code="SP_QUEUE_FULL"}'), 1);
  assert.equal(samples.get('sallyport_reconnects_total'), 1);
  assert.equal(samples.get('sallyport_canary_seconds_count'), 1);
  assert.equal(samples.get('sallyport_queue_seconds_sum'), 0.5);
});

test('limits and codes known beforehand are there at 0', async (context) => {
  const samples = await setUp(context).scrape();
  assert.equal(samples.get('sallyport_limit_hits_total{part="entry",limit="connections"}'), 0);
  assert.equal(samples.get('sallyport_refused_total{part="entry",code="SP_QUEUE_FULL"}'), 0);
  assert.equal(samples.get('sallyport_log_lines_lost_total{part="entry",where="write"}'), 0);
});

test('a gauge is read at each scrape and gone once it is taken away', async (context) => {
  const { telemetry, scrape } = setUp(context);
  let busy = 3;
  const remove = telemetry.gauge('sallyport_slots', { state: 'busy' }, () => busy);
  telemetry.gauge('sallyport_slots', { state: 'free' }, () => 10 - busy);
  const name = 'sallyport_slots{part="entry",state="busy"}';
  assert.equal((await scrape()).get(name), 3);
  busy = 4;
  const samples = await scrape();
  assert.deepEqual([samples.get(name), samples.get('sallyport_slots{part="entry",state="free"}')], [4, 6]);
  remove();
  assert.equal((await scrape()).get(name), undefined);
});

test('a limit is shown with what is used of it, both read at each scrape', async (context) => {
  const { telemetry, scrape } = setUp(context);
  let used = 3;
  let limit = 10;
  telemetry.limit(
    'queue',
    () => limit,
    () => used,
  );
  [limit, used] = [20, 5];
  const samples = await scrape();
  assert.equal(samples.get('sallyport_limit{part="entry",limit="queue"}'), 20);
  assert.equal(samples.get('sallyport_limit_used{part="entry",limit="queue"}'), 5);
  const heap = samples.get('sallyport_limit_used{part="entry",limit="heap"}')!;
  assert.ok(heap > 0 && heap < samples.get('sallyport_limit{part="entry",limit="heap"}')!);
});

test('a gauge that throws leaves out its own line, and the rest is shown', async (context) => {
  const { telemetry, scrape } = setUp(context);
  telemetry.gauge('sallyport_streams', {}, () => {
    throw new Error('gone');
  });
  telemetry.gauge('sallyport_queue_length', {}, () => 2);
  await scrape();
  const samples = await scrape();
  assert.equal(samples.get('sallyport_streams{part="entry"}'), undefined);
  assert.equal(samples.get('sallyport_queue_length{part="entry"}'), 2);
  assert.ok(samples.get('sallyport_scrape_errors_total{part="entry"}')! >= 1);
});

test('names and labels that are taken or that are none are refused', (context) => {
  const { telemetry } = setUp(context);
  telemetry.gauge('sallyport_links', { kind: 'uplink' }, () => 1);
  assert.throws(() => telemetry.gauge('sallyport_links', { kind: 'uplink' }, () => 1), /already/);
  assert.throws(() => telemetry.counter('sallyport_requests_total', 'x'), /already/);
  assert.throws(() => telemetry.counter('not a name', 'x'), TypeError);
  assert.throws(() => telemetry.gauge('sallyport_links', { 'not a label': 'x' }, () => 1), TypeError);
});

test('series of one name are limited, and that is a limit that was reached', async (context) => {
  const { telemetry, scrape } = setUp(context);
  for (let i = 0; i < 1010; i++) telemetry.gauge('sallyport_streams', { session: `s${i}` }, () => 1);
  const samples = await scrape();
  assert.equal([...samples.keys()].filter((name) => name.startsWith('sallyport_streams')).length, 1000);
  assert.equal(samples.get('sallyport_limit_hits_total{part="entry",limit="metric_series"}'), 10);
});

test('other counters and histograms can be added', async (context) => {
  const { telemetry, scrape } = setUp(context);
  telemetry.counter('sallyport_retries_total', 'Second attempts.').inc(2);
  telemetry.labelledCounter('sallyport_bytes_total', 'direction', ['in', 'out']).inc('in', 5);
  telemetry.counterOf('sallyport_frames_total', { kind: 'ping' }, () => 9);
  telemetry.histogram('sallyport_exchange_seconds', { boundsS: [1, 2] }).observe(1.5);
  const samples = await scrape();
  assert.equal(samples.get('sallyport_retries_total{part="entry"}'), 2);
  assert.equal(samples.get('sallyport_bytes_total{part="entry",direction="in"}'), 5);
  assert.equal(samples.get('sallyport_bytes_total{part="entry",direction="out"}'), 0);
  assert.equal(samples.get('sallyport_frames_total{part="entry",kind="ping"}'), 9);
  assert.equal(samples.get('sallyport_exchange_seconds_bucket{part="entry",le="2"}'), 1);
});

test('the process tells its memory, descriptors, heap and version', async (context) => {
  const fds = Array.from({ length: 10 }, () => openSync('/dev/null', 'r'));
  const samples = await setUp(context).scrape();
  for (const fd of fds) closeSync(fd);
  const more = [
    'process_resident_memory_bytes',
    'process_max_fds',
    'nodejs_heap_size_used_bytes',
    'process_cpu_seconds_total',
  ];
  for (const name of more) assert.ok(samples.get(name)! > 0, name);
  assert.ok(samples.get('process_open_fds')! > 10);
  const build = `sallyport_build_info{part="entry",version="1.2.3",node="${process.versions.node}"}`;
  assert.equal(samples.get(build), 1);
});

test('several parts in one process count apart and all show the process', async (context) => {
  const entry = setUp(context, 'entry');
  const server = setUp(context, 'server');
  entry.telemetry.countRequest(200, 1);
  assert.equal((await entry.scrape()).get('sallyport_request_seconds_count{part="entry"}'), 1);
  const samples = await server.scrape();
  assert.equal(samples.get('sallyport_request_seconds_count{part="server"}'), 0);
  assert.ok(samples.get('process_resident_memory_bytes')! > 0);
});

test('promtool finds nothing wrong with a scrape, nasty label values included', async (context) => {
  if (!haveProgram(context, 'promtool')) return;
  const { telemetry } = setUp(context);
  telemetry.countRequest(200, 0.1);
  telemetry.observeHops([1, 2, 3, 4, 5, 6, 7]);
  for (const value of ['a"b', 'back\\slash', 'line\nfeed', 'ünï', '']) {
    telemetry.gauge('sallyport_links', { kind: value }, () => 1);
  }
  const input = await telemetry.metricsText();
  const checked = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  assert.equal(checked.stderr + checked.stdout, '');
  assert.equal(checked.status, 0);
});

test('a process is not kept alive by telemetry, logger and access log', () => {
  const index = JSON.stringify(new URL('index.ts', import.meta.url).href);
  const body = `
    const { createLogger, createAccessLog, createTelemetry } = await import(${index});
    const logger = createLogger({ level: 'info', part: 'entry' });
    createTelemetry({ part: 'entry', version: '1', logger }).limitHit('queue');
    createAccessLog(logger).record({ target: '/', host: '', hopsUs: [] });`;
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', body], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(out.trim().split('\n').length, 2);
});
