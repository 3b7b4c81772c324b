import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OTHER_VARIABLES } from './environment.ts';
import { LEAVES, variableName } from './leaves.ts';
import { loadConfig } from './load.ts';
import { editDistance, nearest } from './nearest.ts';

const load = (env: Record<string, string | undefined>) => loadConfig({ env, overrides: [], cwd: '/nowhere' });

describe('environment', () => {
  it('follows the path of the schema in upper snake case', () => {
    assert.equal(variableName(['server', 'queue', 'timeoutMs']), 'SALLYPORT_SERVER_QUEUE_TIMEOUT_MS');
    assert.equal(variableName(['entry', 'bodyMinBytesPerS']), 'SALLYPORT_ENTRY_BODY_MIN_BYTES_PER_S');
  });

  it('gives each setting a name of its own, none of them taken by another use', () => {
    const names = new Set([...LEAVES.map((leaf) => leaf.variable), ...OTHER_VARIABLES]);
    assert.equal(names.size, LEAVES.length + OTHER_VARIABLES.size);
  });

  it('refuses an unknown variable of ours with the nearest known one', () => {
    const result = load({ SALLYPORT_SERVER_QUEUE_TIMEOUT: '5' });
    assert.ok(!result.ok);
    assert.equal(result.problems[0]?.where, 'SALLYPORT_SERVER_QUEUE_TIMEOUT');
    assert.equal(result.problems[0]?.hint, 'did you mean SALLYPORT_SERVER_QUEUE_TIMEOUT_MS?');
  });

  it('leaves other programs and our other variables alone', () => {
    const others = Object.fromEntries([...OTHER_VARIABLES].map((name) => [name, 'x']));
    assert.ok(load({ ...others, PATH: '/bin', SALLYPORTX: '1', sallyport_port: '1' }).ok);
  });

  it('takes an empty variable as unset', () => {
    const result = load({ SALLYPORT_SERVER_PORT: '', SALLYPORT_LINK_CA_FILE: '', SALLYPORT_UNKNOWN: '' });
    assert.ok(result.ok);
    assert.equal(result.origins.get('server.port'), 'default');
  });

  it('reads lists by comma or as JSON, and records as JSON', () => {
    const result = load({
      SALLYPORT_ENTRY_SERVERS: 'wss://a:1, wss://b:2',
      SALLYPORT_ENTRY_TRUSTED_PROXIES: '["10.0.0.0/8"]',
      SALLYPORT_ENTRY_HOSTS: '{"app.example.org":"demo"}',
    });
    assert.ok(result.ok);
    assert.deepEqual(result.config.entry.servers, ['wss://a:1', 'wss://b:2']);
    assert.deepEqual(result.config.entry.trustedProxies, ['10.0.0.0/8']);
    assert.deepEqual({ ...result.config.entry.hosts }, { 'app.example.org': 'demo' });
  });

  it('refuses JSON that is broken', () => {
    const result = load({ SALLYPORT_ENTRY_HOSTS: '{"a":', SALLYPORT_CLIENT_SESSIONS: 'demo' });
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map(({ path }) => path),
      ['entry.hosts', 'client.sessions'],
    );
  });
});

describe('nearest', () => {
  it('counts insertions, deletions, substitutions and swaps as one slip each', () => {
    assert.equal(editDistance('port', 'port'), 0);
    assert.equal(editDistance('prot', 'port'), 1);
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(editDistance('kitten', 'sitting'), 3);
  });

  it('suggests a close name and keeps quiet about far ones', () => {
    assert.equal(nearest('Prot', ['host', 'port']), 'port');
    assert.equal(nearest('bananas', ['host', 'port']), undefined);
    assert.equal(nearest('p'.repeat(100_000), ['port']), undefined);
  });
});
