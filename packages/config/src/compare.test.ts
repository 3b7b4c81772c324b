import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesFor } from './compare.ts';
import { LEAVES } from './leaves.ts';
import { loadConfig } from './load.ts';
import type { Config } from './schema.ts';

function configOf(set: Readonly<Record<string, unknown>>): Config {
  const overrides = Object.entries(set).map(([path, value]) => ({ path, value }));
  const loaded = loadConfig({ env: {}, overrides, cwd: '/etc' });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

const BASE = configOf({});

describe('what a configuration changes for a part that runs', () => {
  it('is told apart by what a reload can do and what needs a restart', () => {
    const after = configOf({ 'entry.hosts': { 'a.test': 'demo' }, 'entry.port': 1, 'log.level': 'debug' });
    assert.deepEqual(changesFor('entry', BASE, after), { live: ['log.level', 'entry.hosts'], restart: ['entry.port'] });
  });

  it('is nothing where the values are the same, in whatever order and from wherever', () => {
    const one = configOf({ 'entry.hosts': { 'a.test': 'x', 'b.test': 'y' }, 'entry.domain': 'apps.test' });
    const other = configOf({ 'entry.hosts': { 'b.test': 'y', 'a.test': 'x' }, 'entry.domain': 'apps.test' });
    assert.deepEqual(changesFor('entry', one, other), { live: [], restart: [] });
  });

  it('sees what comes and what goes', () => {
    const after = configOf({ 'entry.domain': 'apps.test' });
    assert.deepEqual(changesFor('entry', BASE, after).live, ['entry.domain']);
    assert.deepEqual(changesFor('entry', after, BASE).live, ['entry.domain']);
  });

  it('is the concern of the part that reads it: its own section, what is for all, no other', () => {
    const after = configOf({ 'server.maxLinks': 5, 'client.links': 2, 'link.heartbeatMs': 4000, 'slo.latencyMs': 90 });
    assert.deepEqual(changesFor('server', BASE, after), { live: ['server.maxLinks'], restart: ['link.heartbeatMs'] });
    assert.deepEqual(changesFor('client', BASE, after), { live: ['client.links'], restart: ['link.heartbeatMs'] });
    assert.deepEqual(changesFor('entry', BASE, after), { live: ['slo.latencyMs'], restart: ['link.heartbeatMs'] });
  });

  it('never lets an address, a port or a store be changed without a restart', () => {
    const fixed = LEAVES.filter(({ path }) => /\.(host|port|credentials|credentialStore)$/.test(path));
    assert.ok(fixed.length >= 10);
    assert.deepEqual(
      fixed.filter(({ isLive }) => isLive),
      [],
    );
  });
});
