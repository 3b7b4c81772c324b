import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { redact, redactHost, redactTarget, SECRET_NAMES } from './redact.ts';

const HIDDEN = 'hunter2-hunter2';
const secretKey = fc
  .tuple(fc.constantFrom('', 'x-', 'client', 'Proxy-'), fc.constantFrom(...SECRET_NAMES), fc.boolean())
  .map(([before, name, upper]) => before + (upper ? name.toUpperCase() : name));
const plainKey = fc.constantFrom('a', 'b', 'host', 'headers', 'sessions');
const secret = fc.constantFrom<unknown>(HIDDEN, [HIDDEN], { value: HIDDEN });

const tree: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 8 },
    fc.constantFrom<unknown>('text', 5, true, null),
    fc.dictionary(plainKey, tie('node'), { maxKeys: 3 }),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.tuple(secretKey, secret).map(([key, value]) => ({ [key]: value })),
    fc.tuple(secretKey, fc.constant(HIDDEN)).map(([key, value]) => ['Host', 'h', key, value]),
  ),
})).node;

test('the value of a secret name is in no line, at any depth, in any case, in objects and raw header lists', () => {
  fc.assert(
    fc.property(tree, (value) => {
      assert.ok(!JSON.stringify(redact({ value })).includes(HIDDEN));
    }),
  );
});

test('what holds nothing secret is handed back as it is', () => {
  const plain = { a: 1, headers: { host: 'x' }, list: ['a', { b: 2 }], when: new Date(0), none: null };
  assert.equal(redact(plain), plain);
});

test('the object that was logged is not changed', () => {
  const logged = { headers: { cookie: HIDDEN } };
  redact(logged);
  assert.equal(logged.headers.cookie, HIDDEN);
});

test('an error is told by type, code, message, stack and cause, and by nothing else', () => {
  const cause = Object.assign(new TypeError('inner'), { request: { body: HIDDEN } });
  const error = Object.assign(new Error('outer', { cause }), { code: 'SP_X', options: { auth: HIDDEN } });
  const { err } = redact({ err: error }) as unknown as { err: Record<string, Record<string, unknown>> };
  assert.deepEqual(Object.keys(err), ['type', 'message', 'stack', 'code', 'cause']);
  assert.equal(err['cause']!['type'], 'TypeError');
  assert.ok(!JSON.stringify(err).includes(HIDDEN));
});

test('bytes are told by their number, and a cycle is cut', () => {
  const cycle: Record<string, unknown> = { body: Buffer.from(HIDDEN) };
  cycle['self'] = cycle;
  const line = JSON.stringify(redact(cycle));
  assert.match(line, /\[15 bytes\]/);
  assert.match(line, /\[cut\]/);
});

test('secret query parameters are hidden in a target, and the rest stays', () => {
  const targets = [
    ['/a?access_token=abc&x=1', '/a?access_token=[redacted]&x=1'],
    ['/a?x=1&Password=p%26q#token=f', '/a?x=1&Password=[redacted]#[redacted]'],
    ['/a#token=abc', '/a#[redacted]'],
    ['/token=abc', '/token=abc'],
    ['/a?x=token', '/a?x=token'],
    ['/@me/x@2x.png?to=a@b', '/@me/x@2x.png?to=a@b'],
  ];
  for (const [target, shown] of targets) assert.equal(redactTarget(target!), shown);
});

test('a secret parameter is hidden however its name is written, and with all of its value', () => {
  const targets = [
    ['/a?%74oken=abc&x=1', '/a?%74oken=[redacted]&x=1'],
    ['/a?x=1;token=abc;y=2', '/a?x=1;token=[redacted];y=2'],
    ['/a?token=a;b;c&x=1', '/a?token=[redacted]&x=1'],
    [
      '/a?X-Amz-Signature=abc&sig=abc&code=abc&pwd=abc',
      '/a?X-Amz-Signature=[redacted]&sig=[redacted]&code=[redacted]&pwd=[redacted]',
    ],
    ['/a?session_id=abc&SessionId=abc', '/a?session_id=[redacted]&SessionId=[redacted]'],
    ['/a?unicode=1&design=2&x=%zz&sessions=3', '/a?unicode=1&design=2&x=%zz&sessions=3'],
  ];
  for (const [target, shown] of targets) assert.equal(redactTarget(target!), shown);
});

test('a hostile target takes no longer than its length', () => {
  for (const part of [
    'http:',
    'ws:::',
    '://a:b',
    '://a:b/@',
    '://@',
    '?a',
    ';a',
    '?token=;',
    'http://',
    '%7',
    ';token=a',
  ]) {
    // Long enough for what grows with the square of it to take minutes.
    const target = `/${part.repeat(1_048_576 / part.length)}/@`;
    const began = performance.now();
    redactTarget(target);
    redact({ target });
    assert.ok(performance.now() - began < 30_000, part);
  }
});

test('what a text holds of a URL object, a wrongly written URL, a parameter or a sent credential is hidden', () => {
  const line = JSON.stringify(
    redact({
      url: new URL(`http://me:${HIDDEN}@a.test/`),
      list: [new URL(`http://a.test/?token=${HIDDEN}`)],
      server: `wss//me:${HIDDEN}@a.test`,
      other: `no such server: https:me:${HIDDEN}@a.test`,
      text: `asked https://a.test/?x=1&api_key=${HIDDEN} in vain`,
      sent: `Authorization: Bearer ab.${HIDDEN}`,
    }),
  );
  assert.ok(!line.includes(HIDDEN), line);
  assert.ok(line.includes('asked https://a.test/?x=1&api_key=[redacted] in vain'));
});

test('user and password are in no target and no Host, however wrongly they are written', () => {
  const targets = [
    `http://me:${HIDDEN}@a.test/x?y=1`,
    `HTTP://${HIDDEN}@a.test`,
    `http:/me:${HIDDEN}@a.test/x`,
    `http:\\\\me:${HIDDEN}@a.test`,
    `me:${HIDDEN}@a.test:443`,
    `http://me:a@${HIDDEN}@a.test/`,
    `http://me:a/${HIDDEN}@a.test/`,
    `/x?to=http://me:${HIDDEN}@b.test/`,
  ];
  for (const target of targets) assert(!redactTarget(target).includes(HIDDEN), redactTarget(target));
  assert.equal(redactTarget(targets[0]!), 'http://[redacted]@a.test/x?y=1');
  assert.equal(redactTarget('http://a.test/x'), 'http://a.test/x');
  assert.equal(redactHost(`me:${HIDDEN}@a.test:80`), '[redacted]@a.test:80');
  assert.equal(redactHost('a.test:80'), 'a.test:80');
});

test('user and password of a URL are in no line, wherever the URL stands', () => {
  const url = `wss://me:${HIDDEN}@edge.test:12001/link`;
  const error = new Error(`cannot reach ${url}`, { cause: `proxy http://${HIDDEN}@proxy.test` });
  const line = JSON.stringify(redact({ server: url, list: [url, { deep: url }], err: error }));
  assert.ok(!line.includes(HIDDEN), line);
  assert.ok(line.includes('wss://[redacted]@edge.test:12001/link'));
  const plain = { mail: 'a@example.org', url: 'http://a.test/@b?c=d@e', many: 'http://a.test/ me@b' };
  assert.equal(redact(plain), plain);
});

test('a password that is not encoded is hidden in any text, and the host behind it stays', () => {
  for (const [text, shown] of [
    [`no proxy at http://me:a/${HIDDEN}@a.test:1/x`, 'no proxy at http://[redacted]@a.test:1/x'],
    [`http://me:a?b#${HIDDEN}@a.test/x@y`, 'http://[redacted]@a.test/x@y'],
    [`postgres://me@corp.test:a/${HIDDEN}@a.test/x`, 'postgres://[redacted]@a.test/x'],
    [`"wss://me:7${HIDDEN}/b@${HIDDEN}@a.test"`, '"wss://[redacted]@a.test"'],
  ]) {
    assert.equal(redact({ text }).text, shown);
  }
  const plain = {
    port: 'http://a.test:8080/@scope/x@2.js',
    query: 'http://a.test:8080?mail=a@b.test',
    address: 'ws://[::1]:12001/x@y',
    list: 'ws://a.test:1,ws://b.test:2 for a@b.test',
    stack: 'at run (file:///a/b.ts:12:5) for a@b.test, https://a.test/x:y@z',
  };
  assert.equal(redact(plain), plain);
});

test('a URL is hidden in a name as in a value, and the value beside it stays', () => {
  const servers = { [`wss://me:${HIDDEN}@a.test`]: { up: true }, 'wss://b.test': 1, other: null };
  assert.deepEqual(redact({ servers }).servers, {
    'wss://[redacted]@a.test': { up: true },
    'wss://b.test': 1,
    other: null,
  });
  assert.ok(JSON.stringify(servers).includes(HIDDEN), 'what was logged is not changed');
  const alike = { [`wss://me:${HIDDEN}1@a.test`]: 'up', [`wss://me:${HIDDEN}2@a.test`]: 'down' };
  assert.deepEqual(Object.values(redact({ alike }).alike), ['up', 'down']);
});
