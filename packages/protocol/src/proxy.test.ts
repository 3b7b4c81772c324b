import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isExcepted, LinkAddressError, proxyFor } from './proxy.ts';

const SECURE = new URL('wss://tunnel.example.org:12001');

describe('the proxy on the way to a server', () => {
  it('is the one of HTTPS_PROXY for wss, of HTTP_PROXY for ws, in lower case first', () => {
    const env = { HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:3128', HTTP_PROXY: 'plain:8080' };
    const { name, variable, port, isTls, authorization } = proxyFor(SECURE, env)!;
    assert.deepEqual(
      { name, variable, port, isTls },
      { name: 'lower:3128', variable: 'https_proxy', port: 3128, isTls: false },
    );
    assert.equal(authorization, null);
    assert.equal(proxyFor(new URL('ws://tunnel.example.org'), env)!.name, 'plain:8080');
    assert.equal(proxyFor(SECURE, { HTTP_PROXY: 'plain:8080', HTTPS_PROXY: '' }), null);
  });

  it('has its credentials decoded, and shown nowhere but in its field', () => {
    const proxy = proxyFor(SECURE, { HTTPS_PROXY: 'https://me:p%40ss%3Aword@[::1]' })!;
    assert.equal(Buffer.from(proxy.authorization!.slice('Basic '.length), 'base64').toString(), 'me:p@ss:word');
    assert.deepEqual([proxy.name, proxy.host, proxy.port, proxy.isTls], ['[::1]:443', '::1', 443, true]);
  });

  it('is refused where it is none that speaks HTTP, without its credentials being told', () => {
    for (const text of [
      'socks5://me:hunter2@proxy:1080',
      'http://me:hunter2@',
      'http://me:hunter2%zz@proxy',
      '://hunter2',
    ]) {
      const attempt = () => proxyFor(SECURE, { HTTPS_PROXY: text });
      assert.throws(attempt, (error) => {
        assert(error instanceof LinkAddressError);
        assert.equal(error.code, 'SP_PROXY');
        assert.doesNotMatch(error.message + error.fix, /hunter2/);
        return true;
      });
    }
  });

  it('is passed by for what NO_PROXY lists', () => {
    assert.equal(proxyFor(SECURE, { HTTPS_PROXY: 'proxy', NO_PROXY: 'a.test, example.org' }), null);
    assert.notEqual(proxyFor(SECURE, { HTTPS_PROXY: 'proxy', NO_PROXY: 'ample.org' }), null);
    const rows: [list: string, host: string, isExcepted: boolean][] = [
      ['*', 'tunnel.example.org', true],
      ['example.org', 'example.org', true],
      ['.example.org', 'tunnel.Example.org.', true],
      ['*.example.org', 'tunnel.example.org', true],
      ['tunnel.example.org:12001', 'tunnel.example.org', true],
      ['tunnel.example.org:443', 'tunnel.example.org', false],
      ['a.test b.test', 'b.test', true],
      ['10.0.0.0/8', '10.1.2.3', true],
      ['10.0.0.0/8', '11.1.2.3', false],
      ['10.0.0.0/99', '10.1.2.3', false],
      ['10.1.2.3', '10.1.2.3', true],
      ['10.1.2.3:12001', '10.1.2.3', true],
      ['2001:db8::/32', '2001:db8::1', true],
      ['[2001:db8::1]:12001', '2001:db8::1', true],
      ['[2001:db8::1]:443', '2001:db8::1', false],
      ['2.3', '10.1.2.3', false],
      ['', 'tunnel.example.org', false],
      [',,.,', 'tunnel.example.org', false],
    ];
    for (const [list, host, expected] of rows)
      assert.equal(isExcepted(host, 12_001, list), expected, `${list} ${host}`);
  });

  it('is passed by for this machine itself', () => {
    for (const host of ['localhost', 'a.localhost', '127.0.0.9', '::1'])
      assert.equal(isExcepted(host, 1, ''), true, host);
    assert.equal(isExcepted('0.0.0.0', 1, ''), false);
  });
});
