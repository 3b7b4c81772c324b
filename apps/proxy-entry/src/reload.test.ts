import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadConfig } from '@sallyport/config';
import { prepareReload } from './reload.ts';
import type { Reloaded } from './reload.ts';

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
