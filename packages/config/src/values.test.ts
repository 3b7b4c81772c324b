import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from './load.ts';
import { isLoopbackHost } from './parts.ts';

function accepts(path: string, value: unknown): boolean {
  return loadConfig({ env: {}, overrides: [{ path, value }], cwd: '/nowhere' }).ok;
}

function check(path: string, good: readonly unknown[], bad: readonly unknown[]): void {
  for (const value of good) assert.ok(accepts(path, value), `${path} should take ${JSON.stringify(value)}`);
  for (const value of bad) assert.ok(!accepts(path, value), `${path} should refuse ${JSON.stringify(value)}`);
}

const backendOf = (backend: unknown) => [{ id: 'demo', backend }];
const named = (id: unknown) => [{ id, backend: 'http://127.0.0.1:3000' }];

describe('values', () => {
  it('takes ports from 0 to 65535 and nothing else', () => {
    check('server.port', [0, 65_535, '12001'], [-1, 65_536, 1.5, Number.NaN, '', 'x', '1e3', '0x10', true, null, [1]]);
  });

  it('takes numbers that are not whole where they need not be', () => {
    const good = [50, 99.9, 99.999, '99.95', '95'];
    check('slo.availabilityPercent', good, [
      49.9,
      100,
      -1,
      Number.NaN,
      '',
      'x',
      '1e1',
      '99,9',
      '99.',
      '.5',
      true,
      null,
    ]);
  });

  it('takes a UUID or one DNS label as a session id', () => {
    const good = [
      'a',
      'demo',
      'a-b',
      '0',
      'a'.repeat(63),
      '123e4567-e89b-12d3-a456-426614174000',
      '123E4567-E89B-12D3-A456-426614174000',
    ];
    const bad = [
      '',
      '-a',
      'a-',
      'A',
      'a_b',
      'a.b',
      'a/b',
      'a'.repeat(64),
      'é',
      'a\n',
      5,
      '123E4567-E89B-12D3-A456-42661417400',
    ];
    check(
      'client.sessions',
      good.map((id) => named(id)),
      bad.map((id) => named(id)),
    );
  });

  it('takes http and https origins and Unix sockets as backends', () => {
    check(
      'client.sessions',
      ['http://127.0.0.1:3000', 'https://app.internal', 'http://[::1]:1/', 'unix:/run/app.sock'].map((url) =>
        backendOf(url),
      ),
      [
        '127.0.0.1:3000',
        'ftp://x',
        'http://',
        'http://x:99999',
        'http://x/base',
        'http://x?q',
        'http://x#f',
        'unix:run',
        'unix:/',
        `unix:/${'a'.repeat(107)}`,
      ].map((url) => backendOf(url)),
    );
  });

  it('takes WebSocket URLs without a fragment as servers, at least one, none twice', () => {
    check(
      'entry.servers',
      [['ws://127.0.0.1:1'], ['wss://h/path'], 'ws://127.0.0.1:1, wss://b:2'],
      [[], ['http://h'], ['ws://'], ['ws://h#f'], ['ws://a', 'ws://a'], 'ws://a,,ws://b'],
    );
  });

  it('takes networks in CIDR form', () => {
    const good = ['10.0.0.0/8', '0.0.0.0/0', '1.2.3.4/32', '::/0', 'fd00::/8', '::1/128'];
    const bad = [
      '10.0.0.0',
      '10.0.0.0/33',
      '::/129',
      '10.0.0/8',
      'a/8',
      '10.0.0.0/08',
      '10.0.0.0/8/8',
      '/8',
      '10.0.0.0/-1',
    ];
    check(
      'entry.trustedProxies',
      [[], ...good.map((item) => [item])],
      bad.map((item) => [item]),
    );
  });

  it('takes host names in lower case, each with a session id', () => {
    check(
      'entry.hosts',
      [{}, { 'app.example.org': 'demo' }, { localhost: 'demo' }, '{"a.b":"c"}'],
      [
        { 'App.org': 'demo' },
        { 'a.org:80': 'demo' },
        { 'a..b': 'demo' },
        { '': 'demo' },
        { a: 'DEMO' },
        { a: 1 },
        [],
        'a=b',
        { ['a.'.repeat(127)]: 'demo' },
      ],
    );
  });

  it('takes addresses and names to listen on', () => {
    check(
      'entry.host',
      ['0.0.0.0', '::', '::1', 'localhost', 'edge-1.internal'],
      ['', 'a b', 'http://x', '[::1]', ':12000', 5],
    );
  });

  it('takes a deployment id that fits in Via', () => {
    check('deploymentId', ['local', 'eu-1', 'a'.repeat(32)], ['', 'a'.repeat(33), 'A', 'a b', 'a,b']);
  });

  it('takes timeouts that a timer can hold', () => {
    check('entry.headTimeoutMs', [1, 86_400_000], [0, 86_400_001, 2 ** 31, '10s']);
  });

  it('suggests the closest of a few words', () => {
    const result = loadConfig({ env: {}, overrides: [{ path: 'log.level', value: 'wran' }], cwd: '/nowhere' });
    assert.ok(!result.ok);
    assert.equal(result.problems[0]?.hint, 'did you mean warn?');
  });

  it('takes true and false in full', () => {
    check('log.accessLog', [true, false, 'true', 'false'], ['yes', '1', 1, 'TRUE', 0]);
  });
});

describe('isLoopbackHost', () => {
  it('knows loopback in every spelling that reaches us', () => {
    for (const host of [
      '127.0.0.1',
      '127.255.0.9',
      '::1',
      '[::1]',
      '::ffff:127.0.0.1',
      'localhost',
      'LOCALHOST',
      'a.localhost',
    ]) {
      assert.ok(isLoopbackHost(host), host);
    }
    for (const host of [
      '128.0.0.1',
      '0.0.0.0',
      '::',
      '10.0.0.1',
      'localhost.example.org',
      '127.0.0.1.example.org',
      '127.1',
      '',
    ]) {
      assert.ok(!isLoopbackHost(host), host);
    }
  });
});
