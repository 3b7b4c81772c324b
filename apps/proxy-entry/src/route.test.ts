import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { target as anyTarget } from '../../../packages/protocol/src/testing/arbitraries.ts';
import { check } from '../../../packages/protocol/src/testing/check.ts';
import { parseHost, route, splitAbsolute } from './route.ts';
import type { RouteTable } from './route.ts';

const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const PATHS: RouteTable = { hosts: {} };
const TABLE: RouteTable = { hosts: { 'app.example.org': 'shop' }, domain: 'tunnel.example' };

const session = fc.oneof(fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/), fc.uuid());

describe('a request finds its session by path', () => {
  it('with the rest as the target and the prefix apart', () => {
    assert.deepEqual(route(PATHS, 'any', '/session/demo/a/b?c=d'), {
      kind: 'session',
      session: 'demo',
      target: '/a/b?c=d',
      prefix: '/session/demo',
    });
  });

  it('and the target reaches the backend byte for byte', (t) => {
    check(
      t,
      fc.property(session, anyTarget, (id, target) => {
        const prefix = `/session/${id}`;
        assert.deepEqual(route(PATHS, 'any', prefix + target), { kind: 'session', session: id, target, prefix });
      }),
    );
  });

  it('whether its id is a name of 1 to 63 characters or a UUID in either case', () => {
    for (const id of ['a', '7', 'a-b', 'x'.repeat(63), UUID, UUID.toUpperCase()]) {
      assert.equal(route(PATHS, 'any', `/session/${id}/`).kind, 'session', id);
    }
  });

  it('but not under an id that is none', () => {
    const ids = ['', '-a', 'a-', 'A', 'a_b', 'a.b', 'x'.repeat(64), 'd%65mo', '.', '..'];
    ids.push(`${UUID.toUpperCase()}0`, UUID.toUpperCase().slice(1));
    for (const id of ids) assert.equal(route(PATHS, 'any', `/session/${id}/`).kind, 'none', id);
  });

  it('but not by a prefix that is encoded, doubled, in capitals or unfinished', () => {
    for (const target of [
      '/%73ession/demo/',
      '/session%2Fdemo/',
      '/session/%64emo/',
      '//session/demo/',
      '/session//demo/',
      '/./session/demo/',
      '/x/../session/demo/',
      '/Session/demo/',
      '/sessions/demo/',
      '/session',
      '/session/',
      '/session?demo',
      '/',
      '*',
    ]) {
      assert.equal(route(PATHS, 'any', target).kind, 'none', target);
    }
  });

  it('and where the slash behind the id is missing, is sent to the one with it, query and all', () => {
    for (const [target, location] of [
      ['/session/demo', '/session/demo/'],
      ['/session/demo?a=/b', '/session/demo/?a=/b'],
    ] as const) {
      assert.deepEqual(route(PATHS, 'any', target), { kind: 'redirect', location });
    }
  });
});

describe('a request finds its session by host', () => {
  it('that is configured, with its target as it is', () => {
    const expected = { kind: 'session', session: 'shop', target: '/x', prefix: '' };
    assert.deepEqual(route(TABLE, 'app.example.org', '/x'), expected);
  });

  it('that is a session under our domain', () => {
    for (const id of ['demo', UUID]) {
      const expected = { kind: 'session', session: id, target: '/x', prefix: '' };
      assert.deepEqual(route(TABLE, `${id}.tunnel.example`, '/x'), expected);
    }
  });

  it('and there /session/… belongs to the backend', (t) => {
    check(
      t,
      fc.property(fc.constantFrom('app.example.org', 'demo.tunnel.example'), session, anyTarget, (host, id, rest) => {
        for (const target of [rest, `/session/${id}`, `/session/${id}${rest}`]) {
          const found = route(TABLE, host, target);
          assert.deepEqual([found.kind, found.kind === 'session' && found.target], ['session', target]);
        }
      }),
    );
  });

  it('even for the asterisk, which no path could choose', () => {
    assert.equal(route(TABLE, 'app.example.org', '*').kind, 'session');
  });

  it('but not by a host that only looks like ours', () => {
    for (const host of [
      'tunnel.example',
      '.tunnel.example',
      'a.b.tunnel.example',
      '-a.tunnel.example',
      'demotunnel.example',
      'demo.tunnel.example.org',
      'constructor',
      '__proto__',
    ]) {
      assert.equal(route(TABLE, host, '/x').kind, 'none', host);
    }
  });

  it('else by path, on any other host', () => {
    assert.equal(route(TABLE, 'elsewhere', '/session/demo/').kind, 'session');
  });
});

describe('a Host value', () => {
  it('is a name or an address, with a port or without, and keeps its spelling', () => {
    for (const [value, host] of [
      ['a', 'a'],
      ['Visited.Example:8080', 'visited.example'],
      ['127.0.0.1:', '127.0.0.1'],
      ['[2001:DB8::1]:443', '[2001:db8::1]'],
      ['x_y~z%41', 'x_y~z%41'],
      ['Visited.Example.:8080', 'visited.example'],
      ['127.0.0.1.', '127.0.0.1'],
      ['a..', 'a.'],
    ] as const) {
      assert.deepEqual(parseHost(value), { value, host });
    }
  });

  it('is nothing else', () => {
    const bad = [
      '',
      ':80',
      '.',
      '.:80',
      'a b',
      'a,b c',
      'a/b',
      'u@a',
      'a:b',
      'a:123456',
      '::1',
      '[::1',
      '[::1]x',
      'a"b',
      'a\\b',
      'é',
    ];
    for (const value of bad) assert.equal(parseHost(value), null, value);
  });
});

describe('an absolute target', () => {
  it('is its authority and what is behind it, with the slash that may be left out', () => {
    for (const [text, authority, target] of [
      ['http://a.example/x?y', 'a.example', '/x?y'],
      ['HTTPS://a.example:1', 'a.example:1', '/'],
      ['http://a.example?q', 'a.example', '/?q'],
      ['http://a//b', 'a', '//b'],
    ] as const) {
      assert.deepEqual(splitAbsolute(text), { authority, target });
    }
  });

  it('is no other form and no other scheme', () => {
    for (const text of ['/http://a/', '*', 'a.example:443', 'ftp://a/', 'http:///x', 'http:/a/', '//a/b']) {
      assert.equal(splitAbsolute(text), null, text);
    }
  });
});
