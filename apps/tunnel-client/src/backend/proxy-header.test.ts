import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Answer, get, OPTIONS } from '../testing/answer.ts';
import { listenRaw } from '../testing/raw-backend.ts';
import { Http1Backend } from './http1-backend.ts';
import { proxyHeader, visitorOf } from './proxy-header.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;
const START = '0d0a0d0a000d0a515549540a';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function hex(...parts: string[]): string {
  return [START, ...parts].join('');
}

describe('a header of the PROXY protocol', () => {
  it('names visitor and backend, by IPv4 and IPv6', () => {
    const four = { address: '127.0.0.1', port: 8080 };
    const six = { address: '2001:db8::2', port: 8080 };
    assert.equal(proxyHeader('v1', '192.0.2.7', four).toString(), 'PROXY TCP4 192.0.2.7 127.0.0.1 0 8080\r\n');
    assert.equal(proxyHeader('v1', '2001:db8::1', six).toString(), 'PROXY TCP6 2001:db8::1 2001:db8::2 0 8080\r\n');
    assert.equal(
      proxyHeader('v2', '192.0.2.7', four).toString('hex'),
      hex('21', '11', '000c', 'c0000207', '7f000001', '0000', '1f90'),
    );
    assert.equal(
      proxyHeader('v2', '2001:db8::1', six).toString('hex'),
      hex('21', '21', '0024', `20010db8${'0'.repeat(22)}01`, `20010db8${'0'.repeat(22)}02`, '0000', '1f90'),
    );
  });

  it('has no address for a backend of another family', () => {
    const six = { address: '::1', port: 80 };
    assert.equal(proxyHeader('v1', '192.0.2.7', six).toString(), 'PROXY TCP4 192.0.2.7 0.0.0.0 0 80\r\n');
    assert.equal(
      proxyHeader('v2', '::ffff:192.0.2.7', { address: '127.0.0.1', port: 80 }).toString('hex'),
      hex('21', '21', '0024', `${'0'.repeat(20)}ffffc0000207`, '0'.repeat(32), '0000', '0050'),
    );
  });

  it('names nobody where the visitor is not known', () => {
    const backend = { address: '127.0.0.1', port: 80 };
    for (const visitor of [null, 'unknown', '_hidden']) {
      assert.equal(proxyHeader('v1', visitor, backend).toString(), 'PROXY UNKNOWN\r\n');
      assert.equal(proxyHeader('v2', visitor, backend).toString('hex'), hex('20', '00', '0000'));
    }
  });
});

describe('the visitor of a request', () => {
  it('is the first in X-Forwarded-For, not the balancer that vouches for it, where that is an address', () => {
    assert.equal(visitorOf(['A', 'b', 'X-Forwarded-For', '192.0.2.7']), '192.0.2.7');
    assert.equal(visitorOf(['X-Forwarded-For', '192.0.2.7, 10.0.0.1, 10.0.0.2']), '192.0.2.7');
    assert.equal(visitorOf(['x-forwarded-for', '2001:db8::1', 'X-Forwarded-For', '10.0.0.1']), '2001:db8::1');
    for (const value of ['', 'unknown', '192.0.2.7:80', ', 192.0.2.7', 'unknown, 10.0.0.1']) {
      assert.equal(visitorOf(['X-Forwarded-For', value]), null, value);
    }
    assert.equal(visitorOf([]), null);
  });
});

async function setUp(t: TestContext, proxyProtocol: 'v1' | 'v2') {
  const raw = await listenRaw(t);
  const backend = new Http1Backend({ ...OPTIONS, url: raw.url, proxyProtocol });
  t.after(() => backend.close());
  return { raw, backend };
}

describe('a backend that is told of each visitor', { timeout: CEILING_MS }, () => {
  it('gets a connection for each request, which begins with the header', async (t) => {
    for (const protocol of ['v1', 'v2'] as const) {
      const { raw, backend } = await setUp(t, protocol);
      const port = Number(new URL(raw.url).port);
      for (const visitor of ['192.0.2.7', '192.0.2.8']) {
        const answer = new Answer(backend, get('/', 'X-Forwarded-For', visitor));
        const wire = await raw.accept();
        const expected = proxyHeader(protocol, visitor, { address: '127.0.0.1', port }).toString('latin1');
        assert.equal(await wire.hearBytes(expected.length), expected);
        assert.match(await wire.hearHead(), /^GET \/ HTTP\/1\.1\r\n/);
        wire.say(OK);
        await answer.over;
        assert.equal(answer.body, 'ok');
        await wire.hearAll();
      }
      assert.equal(raw.connections(), 2);
    }
  });
});
