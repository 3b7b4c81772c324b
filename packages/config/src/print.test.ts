import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { LEAVES } from './leaves.ts';
import { type Override, loadConfig } from './load.ts';
import { printConfig } from './print.ts';
import { redact, redactUrl } from './redact.ts';
import { configReference, configSchema } from './reference.ts';

function printed(env: Record<string, string>, overrides: readonly Override[] = []): { text: string; config: unknown } {
  const result = loadConfig({ env, overrides, cwd: '/nowhere' });
  assert.ok(result.ok);
  return { text: printConfig(result.config, result.origins), config: result.config };
}

describe('printConfig', () => {
  it('shows each setting on a line with where it came from', () => {
    const { text } = printed({ SALLYPORT_SERVER_PORT: '5' }, [{ path: 'client.links', value: 2 }]);
    assert.match(text, /^ {2}port: 5 # environment$/m);
    assert.match(text, /^ {2}links: 2 # flag$/m);
    assert.match(text, /^ {2}servers: \[ws:\/\/127\.0\.0\.1:12001\] # default$/m);
    assert.match(text, /^ {2}hosts: \{\} # default$/m);
  });

  it('prints YAML that reads back as the same configuration', () => {
    const sessions = '[{"id":"a","backend":"http://a:1"},{"id":"123","backend":"unix:/x # y"}]';
    const { text, config } = printed({
      SALLYPORT_CLIENT_SESSIONS: sessions,
      SALLYPORT_ENTRY_HOSTS: '{"a.b":"c","d":"e"}',
      SALLYPORT_LINK_CA_FILE: '/a: b #c',
    });
    assert.deepEqual(parse(text), JSON.parse(JSON.stringify(config)));
  });

  it('hides user information in URLs', () => {
    const { text } = printed({
      SALLYPORT_ENTRY_SERVERS: 'wss://user:hunter2@tunnel.example.org:1/@x',
      SALLYPORT_CLIENT_SESSIONS: '[{"id":"a","backend":"http://user:hunter2@a:1"}]',
    });
    assert.doesNotMatch(text, /hunter2/);
    assert.match(text, /wss:\/\/\*\*\*@tunnel\.example\.org:1\/@x/);
  });
});

describe('redact', () => {
  it('hides what looks like a credential, wherever it stands', () => {
    const given = { a: 'edge:0123456789abcdef0123', list: [{ b: 'http://u:p@h' }], port: 1 };
    assert.deepEqual(redact(given), { a: '***', list: [{ b: 'http://***@h' }], port: 1 });
  });

  it('has no setting named after a secret: a setting names the file that holds it', () => {
    const named = LEAVES.filter(({ path }) => /secret|password|token|apikey/i.test(path));
    assert.deepEqual(named, []);
  });

  it('hides the password of a broken URL too', () => {
    assert.equal(redactUrl('ws://user:pa/ss@w@host:99999/x'), 'ws://***@host:99999/x');
    assert.equal(redactUrl('http://host/@scope'), 'http://host/@scope');
    assert.equal(redactUrl('wss://u:p@host/link?token=x#f'), 'wss://***@host/link?***#f');
  });
});

describe('configSchema', () => {
  it('asks only for what has no default', () => {
    const schema = configSchema() as {
      required?: string[];
      properties: { client: { required?: string[]; properties: { sessions: { items: { required: string[] } } } } };
    };
    assert.equal(schema.required, undefined);
    assert.equal(schema.properties.client.required, undefined);
    assert.deepEqual(schema.properties.client.properties.sessions.items.required, ['id', 'backend']);
  });

  it('is plain JSON', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(configSchema())), configSchema());
  });
});

describe('configReference', () => {
  it('has a row for every setting, with its variable and its description', () => {
    const reference = configReference();
    for (const { path, variable, schema } of LEAVES) {
      assert.ok(reference.includes(`| \`${path}\` |`) && reference.includes(`\`${variable}\``), path);
      assert.ok(schema.description !== undefined && schema.description.length > 0, `${path} has no description`);
    }
    assert.ok(reference.includes('| `client.sessions[].backend` |'));
    assert.match(reference, /`entry\.port`.* \| restart \| /);
    assert.match(reference, /`entry\.hosts`.* \| reload \| /);
    assert.match(reference, /`client\.sessions\[\]\.backend`.* \| reload \| /);
    assert.ok(reference.includes('`67108864` (64 MiB)'));
    assert.ok(reference.includes('Visitors of &lt;id>.&lt;domain>'), 'Markdown would take <id> for HTML');
  });
});
