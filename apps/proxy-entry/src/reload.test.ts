import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { loadConfig } from '@sallyport/config';
import { systemClock, WindowBudget } from '@sallyport/protocol';
import { createLogger, createTelemetry, SloCounts } from '@sallyport/telemetry';
import { Entry } from './entry.ts';
import { prepareReload } from './reload.ts';
import type { Reloaded } from './reload.ts';
import { Servers } from './servers.ts';

it('an entry that begins to stop between the two steps of a reload puts nothing in force', async () => {
  const loaded = loadConfig({ env: {}, overrides: [], cwd: '/nowhere' });
  assert.ok(loaded.ok);
  const { config } = loaded;
  const inForce = { config, accessLog: null };
  const entry = { isDraining: false };
  // Nothing else of it is looked at.
  const parts = { inForce, entry, material: null, challenges: null } as unknown as Reloaded;
  const apply = await prepareReload(parts, { config: { ...config }, credential: { id: 'id', secret: 'secret' } });
  entry.isDraining = true;
  await assert.rejects(apply(), /stopping/);
  await assert.rejects(prepareReload(parts, { config, credential: { id: 'id', secret: 'secret' } }), /stopping/);
  assert.equal(inForce.config, config);
});

it('a reload in the midst of an outage gives no new reserve of retries, whatever it changes', (t) => {
  const loaded = loadConfig({ env: {}, overrides: [], cwd: '/nowhere' });
  assert.ok(loaded.ok);
  const { entry: config, slo, link } = loaded.config;
  const logger = createLogger({ level: 'silent', part: 'entry', destination: new PassThrough() });
  const telemetry = createTelemetry({ part: 'entry', version: '0', logger });
  t.after(() => telemetry.close());
  const entry = new Entry({
    config,
    deployment: 'test',
    clock: systemClock,
    budget: new WindowBudget(link.windowBudgetBytes),
    maxWindowBytes: link.windowMaxBytes,
    servers: new Servers(() => {}),
    telemetry,
    slo: new SloCounts(telemetry, slo),
    linkServers: [],
    tracer: null,
    edge: null,
    accessLog: null,
  });
  while (entry.retryBudget.take());
  for (const percent of [config.retryBudgetPercent, 0, 100]) {
    entry.configure({
      config: { ...config, retryBudgetPercent: percent },
      edge: null,
      accessLog: null,
      linkServers: [],
    });
    assert.ok(!entry.retryBudget.take(), `${percent} %`);
  }
  entry.retryBudget.request();
  assert.ok(entry.retryBudget.take(), 'the share that is in force now');
});
