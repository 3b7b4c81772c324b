import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { closeLogger, createLogger } from '../logger.ts';
import { createTelemetry } from '../telemetry.ts';
import { parseScrape } from '../testing.ts';
import { hang, Kind, OtlpReceiver, refuse, Status, takeAllBut } from '../testing/otlp-receiver.ts';
import { retryAfterMs } from './collector.ts';
import { SpanExporter, type SpanExporterOptions } from './span-exporter.ts';
import type { Span } from './span.ts';

const SERVICES = { 'sallyport-entry': { 'service.version': '1.2.3' }, 'sallyport-server': {} };
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
/** For what never comes. */
const CEILING_MS = 60_000;
/** Two batches and a little. */
const QUEUE_SPANS = 20;
const BATCH_SPANS = 8;
const OWN_HOST = '127.4.3.18';

let count = 0;
function span(changes: Partial<Span> = {}): Span {
  count += 1;
  return {
    name: 'GET',
    kind: 'server',
    traceId: TRACE_ID,
    spanId: count.toString(16).padStart(16, '0'),
    parentSpanId: null,
    isParentRemote: false,
    startMs: 1_790_000_000_000.25,
    endMs: 1_790_000_000_003.5,
    service: 'sallyport-entry',
    attributes: {},
    error: null,
    ...changes,
  };
}

const spans = (length: number): Span[] => Array.from({ length }, () => span());

interface Bench {
  readonly receiver: OtlpReceiver;
  readonly exporter: SpanExporter;
  /** Asks for room, and adds what has it. */
  readonly offer: (spans: readonly Span[]) => boolean;
  readonly metric: (series: string) => Promise<number | undefined>;
  readonly log: () => Promise<string>;
}

async function setUp(context: TestContext, changes: Partial<SpanExporterOptions> = {}, host?: string): Promise<Bench> {
  const receiver = await OtlpReceiver.start(0, host);
  context.after(() => receiver.close());
  let written = '';
  const destination = new PassThrough().on('data', (chunk: Buffer) => (written += chunk.toString()));
  const logger = createLogger({ level: 'info', part: 'entry', destination });
  const telemetry = createTelemetry({ part: 'entry', version: '1.2.3', logger });
  const exporter = await SpanExporter.open({
    endpoint: receiver.url,
    queueSpans: QUEUE_SPANS,
    batchSpans: BATCH_SPANS,
    exportDelayMs: 10,
    exportTimeoutMs: CEILING_MS,
    scope: { name: 'sallyport', version: '1.2.3' },
    services: SERVICES,
    telemetry,
    logger,
    ...changes,
  });
  context.after(async () => {
    await exporter.close();
    telemetry.close();
  });
  return {
    receiver,
    exporter,
    offer: (offered) => {
      const hasRoom = exporter.hasRoom(offered.length);
      if (hasRoom) exporter.add(offered);
      return hasRoom;
    },
    metric: async (series) => parseScrape(await telemetry.metricsText()).get(series),
    log: async () => {
      await closeLogger(logger);
      return written;
    },
  };
}

const dropped = (reason: string) => `sallyport_trace_spans_dropped_total{part="entry",reason="${reason}"}`;
const failures = (reason: string) => `sallyport_trace_export_failures_total{part="entry",reason="${reason}"}`;
const EXPORTED = 'sallyport_trace_spans_exported_total{part="entry"}';
const QUEUED = 'sallyport_limit_used{part="entry",limit="trace-queue"}';
const LIMIT_HITS = 'sallyport_limit_hits_total{part="entry",limit="trace-queue"}';

test('a span arrives as it was made, under the resource of its service', { timeout: CEILING_MS }, async (context) => {
  const { receiver, offer, metric } = await setUp(context);
  const root = span({ attributes: { 'url.path': '/ä', 'http.response.status_code': 503 }, error: 'status 503' });
  const child = span({
    name: 'server',
    kind: 'server',
    service: 'sallyport-server',
    parentSpanId: root.spanId,
    isParentRemote: true,
    attributes: { share: 0.5 },
  });
  offer([root, child]);
  const { path, headers, spans: received } = await receiver.until(({ exports }) => exports[0]);
  assert.equal(path, '/v1/traces');
  assert.equal(headers['content-type'], 'application/x-protobuf');
  assert.deepEqual(received, [
    {
      name: 'GET',
      kind: Kind.SERVER,
      traceId: TRACE_ID,
      spanId: root.spanId,
      parentSpanId: '',
      startNs: 1_790_000_000_000_250_000n,
      endNs: 1_790_000_000_003_500_000n,
      attributes: { 'url.path': '/ä', 'http.response.status_code': 503 },
      status: { code: Status.ERROR, message: 'status 503' },
      // Sampled; whether the parent is another process's is known, and it is not.
      flags: 0x101,
      service: 'sallyport-entry',
      resource: { 'service.name': 'sallyport-entry', 'service.version': '1.2.3' },
      scope: { name: 'sallyport', version: '1.2.3' },
    },
    {
      name: 'server',
      kind: Kind.SERVER,
      traceId: TRACE_ID,
      spanId: child.spanId,
      parentSpanId: root.spanId,
      startNs: 1_790_000_000_000_250_000n,
      endNs: 1_790_000_000_003_500_000n,
      attributes: { share: 0.5 },
      status: { code: Status.UNSET, message: '' },
      flags: 0x301,
      service: 'sallyport-server',
      resource: { 'service.name': 'sallyport-server' },
      scope: { name: 'sallyport', version: '1.2.3' },
    },
  ]);
  await taken(metric, 2);
});

/** The answer to the last export comes after the export. */
async function taken(metric: Bench['metric'], wanted: number): Promise<void> {
  while ((await metric(EXPORTED)) !== wanted) await new Promise((resolve) => setImmediate(resolve));
}

test('a full batch goes at once, what is less waits for more', { timeout: CEILING_MS }, async (context) => {
  const { receiver, exporter, offer } = await setUp(context, { exportDelayMs: 60_000 });
  offer(spans(BATCH_SPANS + 3));
  const first = await receiver.until(({ exports }) => exports[0]);
  assert.equal(first.spans.length, BATCH_SPANS);
  // However long a busy machine takes: closing gives up after 2 s.
  context.mock.timers.enable({ apis: ['setTimeout'] });
  await exporter.close();
  assert.deepEqual(
    receiver.exports.map((each) => each.spans.length),
    [BATCH_SPANS, 3],
    'the rest when it is closed',
  );
});

test(
  'a collector that never answers is waited for by nobody: the queue fills, the rest is dropped',
  { timeout: CEILING_MS },
  async (context) => {
    const { receiver, exporter, offer, metric, log } = await setUp(context);
    receiver.answer = hang;
    offer(spans(BATCH_SPANS));
    await receiver.until(({ exports }) => exports[0]);
    const offered = Array.from({ length: 10 }, () => offer(spans(4)));
    assert.deepEqual(offered, [true, true, true, ...Array.from({ length: 7 }, () => false)]);
    assert.equal(await metric(QUEUED), QUEUE_SPANS);
    assert.equal(await metric(dropped('queue_full')), 28);
    assert.equal(await metric(LIMIT_HITS), 7);
    assert.equal(receiver.exports.length, 1, 'one export at a time');
    const startedMs = performance.now();
    await exporter.close();
    assert(performance.now() - startedMs < 30_000, 'closing gives up');
    assert.equal(await metric(dropped('closed')), QUEUE_SPANS);
    assert.equal(await metric(QUEUED), 0);
    assert.equal((await log()).match(/"limit reached"/g)?.length, 1);
  },
);

test('a collector that comes back gets what waited, each span once', { timeout: CEILING_MS }, async (context) => {
  // An address that nobody else listens at or dials from, so that its port is still free when it comes back.
  const { receiver, offer, metric, log } = await setUp(context, {}, OWN_HOST);
  const { port } = receiver;
  await receiver.close();
  const made = spans(BATCH_SPANS + 1);
  offer(made);
  while ((await metric(failures('unreachable'))) === 0) await new Promise((resolve) => setImmediate(resolve));
  const back = await OtlpReceiver.start(port, OWN_HOST);
  context.after(() => back.close());
  await back.until((each) => (each.spans.length === made.length ? true : undefined));
  assert.deepEqual(
    back.spans.map((each) => each.spanId),
    made.map((each) => each.spanId),
  );
  await taken(metric, made.length);
  assert.equal(await metric(dropped('queue_full')), 0);
  assert.match(await log(), /"reason":"unreachable","failures":1,"detail":"ECONNREFUSED","msg":"traces not exported"/);
});

test(
  'an export that is put off is made again, one that is refused is not',
  { timeout: CEILING_MS },
  async (context) => {
    const { receiver, offer, metric } = await setUp(context);
    receiver.answer = (response) => {
      receiver.answer = refuse(400);
      refuse(503, { 'Retry-After': '0' })(response);
    };
    const [only] = spans(1);
    offer([only!]);
    await receiver.until(({ exports }) => exports[1]);
    assert.deepEqual(
      receiver.spans.map((each) => each.spanId),
      [only!.spanId, only!.spanId],
    );
    while ((await metric(dropped('refused'))) === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await metric(dropped('refused')), 1);
    assert.equal(await metric(failures('status')), 2);
    assert.equal(await metric(EXPORTED), 0);
  },
);

test('spans that the collector says it rejected are counted as dropped', { timeout: CEILING_MS }, async (context) => {
  const { receiver, offer, metric } = await setUp(context);
  receiver.answer = takeAllBut(2);
  offer(spans(5));
  await taken(metric, 3);
  assert.equal(await metric(dropped('rejected')), 2);
});

test('an answer in another form than protobuf is a yes all the same', { timeout: CEILING_MS }, async (context) => {
  const { receiver, offer, metric } = await setUp(context);
  receiver.answer = (response) => void response.end('{"partialSuccess":{}}');
  offer(spans(1));
  await taken(metric, 1);
  assert.equal(await metric(dropped('rejected')), 0);
});

test(
  'a yes that breaks off, does not end or is no gzip is a yes, and nothing is sent twice',
  { timeout: CEILING_MS },
  async (context) => {
    const { receiver, offer, metric } = await setUp(context);
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => void response.writeHead(200, { 'Content-Length': '50' }).write('abc', () => response.destroy()),
      (response) => void response.writeHead(200, { 'Content-Length': '50' }).write('abc'),
      (response) => void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('no gzip'),
      (response) => void response.end(Buffer.alloc(1_000_000)),
    ];
    for (const [index, answer] of answers.entries()) {
      receiver.answer = answer;
      offer(spans(1));
      await taken(metric, index + 1);
    }
    assert.equal(receiver.exports.length, answers.length);
  },
);

test('a no that breaks off is a no', { timeout: CEILING_MS }, async (context) => {
  const { receiver, offer, metric } = await setUp(context);
  receiver.answer = (response) =>
    void response.writeHead(400, { 'Content-Length': '50' }).write('abc', () => response.destroy());
  offer(spans(1));
  while ((await metric(dropped('refused'))) === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(receiver.exports.length, 1);
});

test(
  'a file of fields on a disk that does not answer holds up neither the queue nor the end',
  { timeout: CEILING_MS },
  async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-headers-'));
    const headersFile = join(folder, 'headers');
    const pipe = join(folder, 'pipe');
    writeFileSync(headersFile, 'X: 1\n');
    execFileSync('mkfifo', [pipe]);
    // A busy machine may be late with a file, too.
    const open = () => setUp(context, { headersFile, exportTimeoutMs: 200 });
    const { receiver, exporter, offer, metric } = await open().catch(open).catch(open);
    // All threads that read files wait, as for such a disk, until somebody writes.
    const waiting = Array.from({ length: 16 }, () => openFile(pipe, 'r'));
    context.after(async () => {
      const writer = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
      for (const file of await Promise.all(waiting)) await file.close();
      closeSync(writer);
      rmSync(folder, { recursive: true });
    });
    offer(spans(1));
    while ((await metric(failures('headers'))) === 0) await new Promise((resolve) => setImmediate(resolve));
    await exporter.close();
    assert.equal(await metric(dropped('closed')), 1);
    assert.equal(receiver.exports.length, 0);
  },
);

test('the fields of a file are sent, as it is at each export', { timeout: CEILING_MS }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-headers-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const headersFile = join(folder, 'headers');
  writeFileSync(headersFile, 'Authorization: Bearer first-token\n');
  const { receiver, offer, metric, log } = await setUp(context, { headersFile });
  offer(spans(1));
  await taken(metric, 1);
  writeFileSync(headersFile, 'Authorization: Bearer second-token\n');
  offer(spans(1));
  await taken(metric, 2);
  assert.deepEqual(
    receiver.exports.map(({ headers }) => headers.authorization),
    ['Bearer first-token', 'Bearer second-token'],
  );
  writeFileSync(headersFile, 'Bearer third-token\n');
  offer(spans(1));
  while ((await metric(failures('headers'))) === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.doesNotMatch(await log(), /-token/);
});

test('Retry-After is read as seconds and as a date, and has a limit', () => {
  const nowMs = Date.parse('Fri, 20 Nov 2026 21:00:00 GMT');
  assert.equal(retryAfterMs(null, nowMs), 0);
  assert.equal(retryAfterMs('7', nowMs), 7_000);
  assert.equal(retryAfterMs('Fri, 20 Nov 2026 21:00:09 GMT', nowMs), 9_000);
  assert.equal(retryAfterMs('Fri, 20 Nov 2026 20:00:00 GMT', nowMs), 0);
  assert.equal(retryAfterMs('soon', nowMs), 0);
  assert.equal(retryAfterMs('99999999', nowMs), 300_000);
});
