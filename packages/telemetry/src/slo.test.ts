import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { createLogger } from './logger.ts';
import { SloCounts } from './slo.ts';
import { createTelemetry } from './telemetry.ts';
import { parseScrape } from './testing.ts';

const OBJECTIVES = { availabilityPercent: 99.9, latencyMs: 50, latencyPercent: 99 };

function setUp(context: TestContext) {
  const logger = createLogger({ level: 'info', part: 'entry', destination: new PassThrough() });
  const telemetry = createTelemetry({ part: 'entry', version: '1', logger });
  context.after(() => telemetry.close());
  const slo = new SloCounts(telemetry, OBJECTIVES);
  const read = async (name: string, labels: string): Promise<number | undefined> =>
    parseScrape(await telemetry.metricsText()).get(`sallyport_slo_${name}{part="entry"${labels}}`);
  const counts = async () => ({
    answers: await read('events_total', ',slo="availability"'),
    good: await read('good_total', ',slo="availability"'),
    counted: await read('events_total', ',slo="latency"'),
    fast: await read('good_total', ',slo="latency"'),
  });
  return { slo, read, counts };
}

test('both objectives are shown before the first answer, with counts of 0', async (context) => {
  const { read, counts } = setUp(context);
  assert.equal(await read('objective_ratio', ',slo="availability"'), 0.999);
  assert.equal(await read('objective_ratio', ',slo="latency"'), 0.99);
  assert.equal(await read('latency_seconds', ''), 0.05);
  assert.deepEqual(await counts(), { answers: 0, good: 0, counted: 0, fast: 0 });
});

test('an answer at the threshold is fast, one behind it is not, and a failure is neither good nor fast', async (context) => {
  const { slo, counts } = setUp(context);
  slo.count(true, 0.05);
  slo.count(true, 0.0501);
  slo.count(false, 0.001);
  assert.deepEqual(await counts(), { answers: 3, good: 2, counted: 2, fast: 1 });
});

test('other objectives hold from then on', async (context) => {
  const { slo, read, counts } = setUp(context);
  slo.count(true, 0.2);
  slo.objectives = { availabilityPercent: 99, latencyMs: 300, latencyPercent: 95 };
  slo.count(true, 0.2);
  assert.deepEqual(await counts(), { answers: 2, good: 2, counted: 2, fast: 1 });
  assert.equal(await read('objective_ratio', ',slo="latency"'), 0.95);
  assert.equal(await read('latency_seconds', ''), 0.3);
});
