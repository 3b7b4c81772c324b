import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { loadConfig } from '@sallyport/config';
import { createLogger, createTelemetry } from '@sallyport/telemetry';
import { parseScrape } from '../../../packages/telemetry/src/testing.ts';
import { addMetrics } from './metrics.ts';
import { ownerOf, RelayBench } from './testing/relay-bench.ts';

it('the limit of sessions is shown by the principal that has most of them, served or not', async (t) => {
  const logger = createLogger({ level: 'silent', part: 'server', destination: new PassThrough() });
  const telemetry = createTelemetry({ part: 'server', version: '1', logger });
  t.after(() => telemetry.close());
  const loaded = loadConfig({ env: {}, cwd: '/nowhere', overrides: [] });
  assert.ok(loaded.ok);
  const bench = new RelayBench();
  addMetrics(telemetry, bench.relay, () => loaded.config);
  const fullest = async () => {
    const samples = parseScrape(await telemetry.metricsText());
    const names = ['sallyport_limit_used', 'sallyport_limit'];
    return names.map((name) => samples.get(`${name}{part="server",limit="sessions"}`));
  };
  assert.deepEqual(await fullest(), [0, 10_000]);
  const take = (session: string, owner: string) => bench.client(1, { session, owner: ownerOf(owner) });
  take('a', 'alice');
  take('b', 'bob');
  take('c', 'bob').die();
  // Two links besides.
  assert.deepEqual(await fullest(), [2, 10_002]);
});
