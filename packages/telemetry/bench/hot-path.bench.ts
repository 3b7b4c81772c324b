import { openSync } from 'node:fs';
import { Histogram as PromHistogram, Registry } from 'prom-client';
import {
  type AccessRecord,
  closeLogger,
  createAccessLog,
  createLogger,
  createTelemetry,
  Histogram,
  nowMs,
  SloCounts,
} from '../src/index.ts';

/**
 * What one request pays for being counted: nanoseconds and bytes of garbage per call, best of seven rounds. Run with
 * `node --expose-gc packages/telemetry/bench/hot-path.bench.ts`. Compare lines of one run only.
 */
const ROUNDS = 7;
const NS_PER_MS = 1e6;

function measure(name: string, calls: number, run: (i: number) => void): void {
  for (let i = 0; i < calls; i++) run(i);
  let best = Infinity;
  let bytes = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.();
    const heapBytes = process.memoryUsage().heapUsed;
    const startedMs = nowMs();
    for (let i = 0; i < calls; i++) run(i);
    best = Math.min(best, ((nowMs() - startedMs) * NS_PER_MS) / calls);
    bytes = Math.min(bytes, (process.memoryUsage().heapUsed - heapBytes) / calls);
  }
  process.stdout.write(`${name.padEnd(44)} ${best.toFixed(1).padStart(9)} ns ${bytes.toFixed(1).padStart(9)} B\n`);
}

const VALUES = Float64Array.from({ length: 4096 }, (_, i) => 0.0001 * 1.002 ** i);
const seconds = (i: number): number => VALUES[i & 4095]!;
const hopsUs = Float64Array.from([120, 80, 0, 95, 0, 60, 900]);

const logger = createLogger({
  level: 'info',
  part: 'entry',
  destination: openSync('/dev/null', 'w'),
  maxBufferedBytes: 256 * 1024 * 1024,
});
const telemetry = createTelemetry({ part: 'entry', version: '0.1.0', logger });
const own = new Histogram();
const theirs = new PromHistogram({
  name: 'theirs',
  help: 'x',
  labelNames: ['part'],
  buckets: [...own.boundsS],
  registers: [new Registry()],
});
const record = (i: number): AccessRecord => ({
  requestId: '6f6e6a1e-6f1c-4e8b-9a71-2f9c3a1d0b11',
  traceId: '',
  method: 'GET',
  host: 'demo.example.org',
  target: '/loadtest/get?page=1',
  status: 200,
  bytesIn: 0,
  bytesOut: i,
  durationMs: 1.25,
  remote: '127.0.0.1',
  session: 'demo',
  arrivedMs: performance.timeOrigin + performance.now(),
  attempts: 1,
  hopsUs,
});
const FIXED = record(1);
const access = createAccessLog(logger);

const slo = new SloCounts(telemetry, { availabilityPercent: 99.9, latencyMs: 50, latencyPercent: 99 });
let sink = 0;
measure('nowMs', 1e6, () => (sink += nowMs()));
measure('histogram.observe, ours', 1e6, (i) => own.observe(seconds(i)));
measure('histogram.observe, prom-client with one label', 2e5, (i) => theirs.observe({ part: 'entry' }, seconds(i)));
measure('countRequest', 1e6, (i) => telemetry.countRequest(200 + (i & 3), seconds(i)));
measure('observeHops', 1e6, () => telemetry.observeHops(hopsUs));
measure('observeQueue', 1e6, (i) => telemetry.observeQueue(seconds(i)));
measure('slo.count', 1e6, (i) => slo.count((i & 7) !== 0, seconds(i)));
measure('refused', 1e6, () => telemetry.refused('SP_QUEUE_FULL'));
measure('limitHit', 1e6, () => telemetry.limitHit('queue'));
measure('all of one request', 1e6, (i) => {
  telemetry.countRequest(200, seconds(i));
  telemetry.observeHops(hopsUs);
  telemetry.observeQueue(seconds(i));
});
measure('accessLog.record', 1e5, () => access.record(FIXED));
measure('logger.info with one access record', 5e4, () => logger.info(FIXED, 'request'));

const scrapeStartedMs = nowMs();
const SCRAPES = 100;
for (let i = 0; i < SCRAPES; i++) await telemetry.metricsText();
process.stdout.write(`scrape ${((nowMs() - scrapeStartedMs) / SCRAPES).toFixed(2)} ms\n`);

telemetry.close();
await closeLogger(logger);
