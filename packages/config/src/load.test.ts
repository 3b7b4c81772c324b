import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Errors } from 'typebox/schema';
import { type LoadOptions, type LoadResult, loadConfig } from './load.ts';
import { type Problem, formatProblem } from './problem.ts';
import { type Config, CONFIG_SCHEMA } from './schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function yamlFile(text: string): string {
  const path = join(folder, `${files++}.yaml`);
  writeFileSync(path, text);
  return path;
}

function load(options: Partial<LoadOptions> = {}): LoadResult {
  return loadConfig({ env: {}, overrides: [], cwd: folder, ...options });
}

function sound(options: Partial<LoadOptions> = {}): Config {
  const result = load(options);
  assert.ok(result.ok, result.ok ? '' : result.problems.map(formatProblem).join('\n'));
  return result.config;
}

function problemsOf(options: Partial<LoadOptions>): readonly Problem[] {
  const result = load(options);
  assert.ok(!result.ok, 'expected problems');
  return result.problems;
}

function onlyProblem(options: Partial<LoadOptions>): Problem {
  const problems = problemsOf(options);
  assert.equal(problems.length, 1, problems.map(formatProblem).join('\n'));
  return problems[0]!;
}

describe('loadConfig: layers', () => {
  it('has defaults that its own schema accepts', () => {
    const config = sound();
    assert.deepEqual(Errors(CONFIG_SCHEMA, config)[1], []);
    assert.equal(config.entry.port, 12_000);
    assert.deepEqual(config.client.servers, ['ws://127.0.0.1:12001']);
    assert.equal('credentialFile' in config.entry, false);
  });

  it('lets the file beat defaults, the environment the file, and flags the environment', () => {
    const file = yamlFile('server: { port: 1, maxLinks: 11, queue: { limit: 12, timeoutMs: 13 } }');
    const env = { SALLYPORT_SERVER_QUEUE_LIMIT: '22', SALLYPORT_SERVER_QUEUE_TIMEOUT_MS: '23' };
    const result = load({ file, env, overrides: [{ path: 'server.queue.timeoutMs', value: '33' }] });
    assert.ok(result.ok);
    assert.deepEqual(result.config.server.queue, { limit: 22, timeoutMs: 33 });
    assert.equal(result.config.server.maxLinks, 11);
    assert.equal(result.file, file);
    const origins = ['server.host', 'server.port', 'server.queue.limit', 'server.queue.timeoutMs'].map((path) =>
      result.origins.get(path),
    );
    assert.deepEqual(origins, ['default', 'file', 'environment', 'flag']);
  });

  it('tells what the file writes of, also where it sets nothing of it', () => {
    const result = load({ file: yamlFile('server: {}\nentry: { port: 1 }') });
    assert.ok(result.ok);
    assert.deepEqual(result.sections, ['server', 'entry']);
    const none = load();
    assert.deepEqual(none.ok && none.sections, []);
  });

  it('reads ./sallyport.yaml where it is and does without where it is not', () => {
    const cwd = mkdtempSync(join(folder, 'cwd-'));
    assert.equal(sound({ cwd }).deploymentId, 'local');
    writeFileSync(join(cwd, 'sallyport.yaml'), 'deploymentId: here');
    assert.equal(sound({ cwd }).deploymentId, 'here');
  });

  it('refuses a named file that is not there', () => {
    const problem = onlyProblem({ file: 'gone.yaml' });
    assert.match(formatProblem(problem), /gone\.yaml: cannot be read \(ENOENT\); check the path/);
  });

  it('takes sections with nothing in them, and an empty file, as nothing set', () => {
    assert.equal(sound({ file: yamlFile('entry:\n  # port: 1\n') }).entry.port, 12_000);
    assert.equal(sound({ file: yamlFile('') }).entry.port, 12_000);
  });

  it('fills in defaults of sessions in a list', () => {
    const { sessions } = sound({
      file: yamlFile('client:\n  sessions:\n    - id: demo\n      backend: http://127.0.0.1:3000\n'),
    }).client;
    assert.deepEqual(sessions, [
      { id: 'demo', backend: 'http://127.0.0.1:3000', protocol: 'http1', proxyProtocol: 'off', hostHeader: 'visitor' },
    ]);
  });

  it('counts relative file paths from the file that has them, and from the working folder otherwise', () => {
    const file = yamlFile(
      'link:\n  caFile: a.pem\nclient:\n  sessions: [{ id: a, backend: "unix:/a", caFile: b.pem }]',
    );
    const { client, entry, link } = sound({ file, cwd: '/elsewhere', env: { SALLYPORT_ENTRY_CREDENTIAL_FILE: 'c' } });
    assert.equal(link.caFile, join(folder, 'a.pem'));
    assert.equal(client.sessions[0]?.caFile, join(folder, 'b.pem'));
    assert.equal(entry.credentialFile, '/elsewhere/c');
  });

  it('returns a configuration that nobody can change, at any depth', () => {
    const config = sound({ env: { SALLYPORT_CLIENT_SESSIONS: '[{"id":"a","backend":"http://a"}]' } });
    const loose = config as { -readonly [K in keyof Config]: Config[K] } & { server: { queue: { limit: number } } };
    assert.throws(() => (loose.server.queue.limit = 1), TypeError);
    assert.throws(() => (config.client.sessions as unknown[]).push(1), TypeError);
    assert.ok(Object.isFrozen(config.client.sessions[0]));
    assert.ok(Object.isFrozen(config.entry.hosts));
    assert.equal(sound().client.sessions.length, 0, 'the defaults are not shared between loads');
  });
});

describe('loadConfig: records', () => {
  it('have no names but those that were configured', () => {
    for (const config of [sound(), sound({ env: { SALLYPORT_ENTRY_HOSTS: '{"a.b":"c","__proto__":"d"}' } })]) {
      assert.equal(config.entry.hosts['constructor'], undefined);
    }
    assert.equal(sound({ env: { SALLYPORT_ENTRY_HOSTS: '{"__proto__":"d"}' } }).entry.hosts['__proto__'], 'd');
  });
});

describe('loadConfig: problems', () => {
  it('reports every problem of every layer at once', () => {
    const file = yamlFile('entry:\n  prot: 1\n  port: abc\nfoo: {}\n');
    const env = { SALLYPORT_SERVER_PORT: '70000', SALLYPORT_SERVER_PROT: '1' };
    const paths = problemsOf({
      file,
      env,
      overrides: [
        { path: 'nope.zzz', value: 1 },
        { path: 'client.links', value: 0 },
      ],
    });
    assert.deepEqual(
      paths.map(({ path, origin, line }) => [path, origin, line]),
      [
        ['foo', 'file', 4],
        ['entry.prot', 'file', 2],
        ['entry.port', 'file', 3],
        ['', 'environment', undefined],
        ['server.port', 'environment', undefined],
        ['nope.zzz', 'flag', undefined],
        ['client.links', 'flag', undefined],
      ],
    );
  });

  it('names the line and the nearest setting for an unknown key', () => {
    const problem = onlyProblem({ file: yamlFile('server:\n  queue:\n    limit: 5\n    timeuotMs: 6\n') });
    assert.match(
      formatProblem(problem),
      /\.yaml:4: server\.queue\.timeuotMs: is not a setting; did you mean server\.queue\.timeoutMs\?$/,
    );
    const misplaced = onlyProblem({ file: yamlFile('heartbeatMs: 5\n') });
    assert.equal(misplaced.hint, 'did you mean link.heartbeatMs?');
  });

  it('refuses a wrong type with what it takes', () => {
    const problem = onlyProblem({ file: yamlFile('\nserver:\n  port: "12001"\n') });
    assert.match(
      formatProblem(problem),
      /\.yaml:3: server\.port: a text is not a whole number from 0 to 65535; for example 12001$/,
    );
  });

  it('asks for quotes where YAML made a number of a name', () => {
    const problem = onlyProblem({ file: yamlFile('deploymentId: 123') });
    assert.equal(problem.hint, 'put it in quotes');
  });

  it('checks a layer even where a later one wins', () => {
    const problem = onlyProblem({ file: yamlFile('server: { port: -1 }'), env: { SALLYPORT_SERVER_PORT: '1' } });
    assert.equal(problem.origin, 'file');
  });

  it('finds problems inside lists and records, each with its own path and line', () => {
    const text = [
      'client:',
      '  sessions:',
      '    - id: -bad',
      '      backend: ftp://x',
      '    - backendd: http://x',
      'entry:',
      '  hosts:',
      '    App.example.org: demo',
      '    app.example.org: "-"',
    ].join('\n');
    const found = problemsOf({ file: yamlFile(text) }).map(({ path, line }) => [path, line]);
    assert.deepEqual(found, [
      ['entry.hosts', 8],
      ['entry.hosts["app.example.org"]', 9],
      ['client.sessions[0].id', 3],
      ['client.sessions[0].backend', 4],
      ['client.sessions[1].backendd', 5],
      ['client.sessions[1].id', 5],
      ['client.sessions[1].backend', 5],
    ]);
  });

  it('lists the first 20 problems and says how many more there are', () => {
    const env = { SALLYPORT_ENTRY_TRUSTED_PROXIES: Array.from({ length: 30 }, (_, index) => `bad${index}`).join(',') };
    const problems = problemsOf({ env });
    assert.equal(problems.length, 21);
    assert.equal(formatProblem(problems.at(-1)!), 'and 10 more; put these right first');
  });

  it('refuses a key that only exists on Object.prototype', () => {
    const problem = onlyProblem({ file: yamlFile('server:\n  constructor: 1\n') });
    assert.equal(problem.path, 'server.constructor');
    assert.equal(({} as { polluted?: number }).polluted, undefined);
    problemsOf({ file: yamlFile('__proto__:\n  polluted: 1\n') });
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });

  it('refuses broken YAML, duplicate keys and alias bombs by line, and quotes none of it', () => {
    const broken = problemsOf({ file: yamlFile('server:\n  port: "hunter2\n') });
    assert.ok(broken.every((problem) => problem.line !== undefined && !formatProblem(problem).includes('hunter2')));
    const twice = onlyProblem({ file: yamlFile('server:\n  port: 1\n  port: 2\n') });
    assert.match(formatProblem(twice), /:3: is not sound YAML \(DUPLICATE_KEY\); this key is already set/);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]`;
    assert.match(onlyProblem({ file: yamlFile(bomb) }).message, /aliases/);
    assert.match(onlyProblem({ file: yamlFile('- 1\n- 2') }).message, /does not hold settings/);
  });

  it('shows no credential, wherever one was put by mistake', () => {
    const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA';
    const text = `entry:\n  credentialFile: visitor:${secret}\n  port: visitor:${secret}\n  servers: ["wss://u:${secret}@h:99999"]\n  password: ${secret}\n`;
    const problems = problemsOf({ file: yamlFile(text), env: { SALLYPORT_SERVER_PORT: `visitor:${secret}` } });
    assert.equal(problems.length, 5);
    assert.doesNotMatch(problems.map(formatProblem).join('\n'), new RegExp(secret));
  });

  const SECRET = 'S3cretPassw0rd';
  for (const given of [
    { entry: { servers: [`wss//edge:${SECRET}@tunnel.example.org`] } },
    { entry: { servers: [`wss:/edge:${SECRET}@tunnel.example.org`] } },
    { entry: { servers: [`edge:${SECRET}@tunnel.example.org:443`] } },
    { entry: { port: `edge.${SECRET}` } },
    { entry: { port: `edge:${SECRET}` } },
    { entry: { port: SECRET } },
    { entry: { hosts: { [`edge:${SECRET}@x`]: 'demo' } } },
    { entry: { hosts: { 'app.example.org': `edge:${SECRET}` } } },
    { client: { sessions: [{ id: 'demo', backend: `http:\\\\edge:${SECRET}@10.0.0.1` }] } },
    { client: { sessions: [{ id: 'demo', backend: `http://edge:${SECRET}@10.0.0.1`, protocol: 'h2' }] } },
    { client: { sessions: [{ id: 'demo', backend: `https://edge:${SECRET}@10.0.0.1`, proxyProtocol: 'v1' }] } },
    { tracing: { endpoint: `https://otel.example.org/x?api_key=${SECRET}` } },
    { tracing: { headersFile: [`Authorization: Bearer ${SECRET}`] } },
    { [`token ${SECRET}`]: 1 },
    { entry: { [SECRET]: { [SECRET]: SECRET } } },
  ]) {
    it(`shows no secret of ${JSON.stringify(given).replaceAll(SECRET, '…')}`, () => {
      const problems = problemsOf({ file: yamlFile(JSON.stringify(given)) });
      assert.ok(!problems.map(formatProblem).join('\n').includes(SECRET), 'it is shown');
      assert.ok(problems.every(({ line }) => line === 1));
    });
  }

  it('reads a file of very many keys in a time that grows with them, not with their square', () => {
    const names = Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`);
    assert.equal(problemsOf({ file: yamlFile(names.join('\n')) }).length, 21);
    const twice = onlyProblem({ file: yamlFile([...names, 'k7: 1'].join('\n')) });
    assert.match(formatProblem(twice), /:60001: is not sound YAML \(DUPLICATE_KEY\)/);
  });
});

describe('loadConfig: rules between settings', () => {
  it('keeps admin ports on loopback unless they have credentials', () => {
    const problem = onlyProblem({ env: { SALLYPORT_SERVER_ADMIN_HOST: '0.0.0.0' } });
    assert.equal(problem.path, 'server.admin.host');
    assert.equal(problem.where, 'SALLYPORT_SERVER_ADMIN_HOST');
    sound({ env: { SALLYPORT_SERVER_ADMIN_HOST: '0.0.0.0', SALLYPORT_SERVER_ADMIN_CREDENTIALS: 'store.json' } });
    sound({ env: { SALLYPORT_SERVER_ADMIN_HOST: '::1' } });
  });

  it('refuses plain links to other machines unless they are allowed', () => {
    const env = { SALLYPORT_CLIENT_SERVERS: 'wss://a.example:1,ws://b.example:2' };
    assert.match(onlyProblem({ env }).message, /ws:\/\/ to b\.example:2/);
    assert.equal(onlyProblem({ env: { SALLYPORT_ENTRY_SERVERS: 'ws://b.example:2' } }).path, 'entry.servers');
    sound({ env: { ...env, SALLYPORT_LINK_ALLOW_PLAIN: 'true' } });
    sound({ env: { SALLYPORT_CLIENT_SERVERS: 'ws://localhost:1,ws://[::1]:2,ws://127.9.9.9:3' } });
  });

  it('reports a broken order at the setting that somebody set', () => {
    const problem = onlyProblem({ file: yamlFile('link:\n  windowBudgetBytes: 1048576\n') });
    assert.equal(problem.path, 'link.windowMaxBytes');
    assert.equal(problem.line, 2);
    assert.match(problem.message, /8388608 is more than link\.windowBudgetBytes, 1048576/);
  });

  it('refuses a protocol that does not go with the backend’s URL', () => {
    for (const [session, message] of [
      [{ backend: 'http://a', protocol: 'h2' }, /asks for h2 without TLS in session s/],
      [{ backend: 'https://a', protocol: 'h2c' }, /asks for h2c to an https:\/\/ backend/],
      [{ backend: 'https://a', proxyProtocol: 'v2' }, /asks for the PROXY protocol with TLS or HTTP\/2/],
      [{ backend: 'http://a', protocol: 'h2c', proxyProtocol: 'v1' }, /asks for the PROXY protocol/],
    ] as const) {
      const env = { SALLYPORT_CLIENT_SESSIONS: JSON.stringify([{ id: 's', ...session }]) };
      assert.match(onlyProblem({ env }).message, message);
    }
    for (const session of [
      { backend: 'https://a', protocol: 'h2' },
      { backend: 'unix:/a', protocol: 'h2c' },
      { backend: 'unix:/a', proxyProtocol: 'v2' },
    ]) {
      sound({ env: { SALLYPORT_CLIENT_SESSIONS: JSON.stringify([{ id: 's', ...session }]) } });
    }
  });

  it('refuses one session offered twice', () => {
    const env = { SALLYPORT_CLIENT_SESSIONS: '[{"id":"a","backend":"http://a"},{"id":"a","backend":"http://b"}]' };
    assert.match(onlyProblem({ env }).message, /session a twice/);
  });

  it('says nothing of rules whose settings are unsound anyway', () => {
    const problem = onlyProblem({ env: { SALLYPORT_CLIENT_SERVERS: 'ws://b.example:2,nonsense' } });
    assert.equal(problem.path, 'client.servers[1]');
  });
});
