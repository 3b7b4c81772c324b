import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { haveOpenssl, putPair } from '../testing/authority.ts';
import { listenTls, newAuthority } from '../testing/tls-bench.ts';
import { listenVisitors, VISITOR_OPTIONS, whenClosed } from '../testing/visitors.ts';
import type { Visitor, VisitorBench } from '../testing/visitors.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 120_000;
const GET = 'GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n';
const HEADER = 'PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n';
const FROM_HERE = { proxyProtocolFrom: ['127.0.0.0/8'] };
const CLEARTEXT = { http2: { ...VISITOR_OPTIONS.http2, cleartext: true } };

async function remoteOfNext({ arrival }: VisitorBench): Promise<string> {
  const { exchange } = await arrival();
  exchange.head(204, 'No Content', [], false);
  exchange.end([]);
  return exchange.request.peer.remoteAddress;
}

/** Sends the text a byte at a time, each in a segment of its own. */
async function drip(visitor: Visitor, text: string): Promise<void> {
  visitor.socket.setNoDelay(true);
  for (const byte of Buffer.from(text, 'latin1')) {
    await new Promise((resolve) => visitor.socket.write(Buffer.of(byte), resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function closed(t: TestContext, port: number, bytes: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  socket.on('error', () => {}).resume();
  if (bytes !== '') socket.write(bytes);
  await whenClosed(socket);
}

describe('a balancer that speaks the PROXY protocol', { timeout: CEILING_MS }, () => {
  it('is believed about whom it speaks for, in one piece or in many, and only at the beginning', async (t) => {
    const bench = await listenVisitors(t, FROM_HERE);
    const visitor = await bench.visit();
    visitor.say(HEADER + GET);
    assert.equal(await remoteOfNext(bench), '192.0.2.7');
    await visitor.hear('\r\n\r\n');
    visitor.say(GET);
    assert.equal(await remoteOfNext(bench), '192.0.2.7');
    const slow = await bench.visit();
    await drip(slow, HEADER + GET);
    assert.equal(await remoteOfNext(bench), '192.0.2.7');
    await slow.hear('\r\n\r\n');
    slow.say(HEADER + GET);
    assert.match(await slow.hear('\r\n\r\n'), /^HTTP\/1.1 400 /);
  });

  it('is taken for itself where it says that it speaks for itself', async (t) => {
    const bench = await listenVisitors(t, FROM_HERE);
    (await bench.visit()).say(`PROXY UNKNOWN\r\n${GET}`);
    assert.equal(await remoteOfNext(bench), '127.0.0.1');
  });

  it('is cut off when it says something else, or nothing in time', async (t) => {
    const bench = await listenVisitors(t, FROM_HERE);
    await closed(t, bench.transport.port, GET);
    assert.deepEqual(bench.limits, []);
    bench.configure({ headTimeoutMs: 200 });
    await closed(t, bench.transport.port, HEADER.slice(0, -1));
    assert.deepEqual(bench.limits, ['proxy-header']);
    assert.equal(bench.transport.connections, 0);
  });

  it('is not believed when it is not among those configured', async (t) => {
    const bench = await listenVisitors(t, { proxyProtocolFrom: ['10.0.0.0/8'] });
    const visitor = await bench.visit();
    visitor.say(HEADER + GET);
    assert.match(await visitor.hear('\r\n\r\n'), /^HTTP\/1.1 400 /);
  });

  it('says so before TLS on the port for TLS', async (t) => {
    if (!haveOpenssl(t)) return;
    const { authority, folder } = newAuthority();
    t.after(() => authority.remove());
    putPair(folder, 'a', authority.issue('a.test', { names: 'DNS:a.test' }));
    const bench = await listenTls(t, authority, { certificates: folder }, FROM_HERE);
    const raw = connect({ port: bench.port, host: '127.0.0.1' });
    t.after(() => raw.destroy());
    raw.write(HEADER);
    const socket = connectTls({ socket: raw, servername: 'a.test', ca: authority.ca });
    await once(socket, 'secureConnect');
    socket.write(GET);
    assert.equal(await remoteOfNext(bench), '192.0.2.7');
    const header = Buffer.from('0d0a0d0a000d0a515549540a21210024', 'hex');
    const addresses = Buffer.from('20010db8000000000000000000000001'.repeat(2) + '00010002', 'hex');
    const joined = connect({ port: bench.port, host: '127.0.0.1' });
    t.after(() => joined.destroy());
    // Header and ClientHello in one segment.
    joined.cork();
    joined.write(Buffer.concat([header, addresses]));
    const second = connectTls({ socket: joined, servername: 'a.test', ca: authority.ca });
    process.nextTick(() => joined.uncork());
    await once(second, 'secureConnect');
    second.write(GET);
    assert.equal(await remoteOfNext(bench), '2001:db8::1');
  });
});

describe('the plain port with HTTP/2 in clear text', { timeout: CEILING_MS }, () => {
  it('speaks HTTP/2 with who begins with it, and HTTP/1.1 with everybody else', async (t) => {
    const bench = await listenVisitors(t, CLEARTEXT);
    const session = connectHttp2(`http://127.0.0.1:${bench.transport.port}`);
    t.after(() => session.destroy());
    const stream = session.request({ ':path': '/two' });
    const { exchange } = await bench.arrival();
    assert.equal(exchange.request.httpVersion, '2');
    exchange.head(204, 'No Content', [], false);
    exchange.end([]);
    const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }];
    assert.equal(headers[':status'], 204);
    for (const method of ['GET', 'POST', 'PRI', 'P', 'PROPFIND']) {
      const visitor = await bench.visit();
      await drip(visitor, `${method} /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n`);
      const arrived = await bench.arrival();
      assert.equal(arrived.exchange.request.method, method);
      arrived.exchange.head(204, 'No Content', [], false);
      arrived.exchange.end([]);
      assert.match(await visitor.hear('\r\n\r\n'), /^HTTP\/1.1 204/);
    }
  });

  it('does not speak it unless that is configured', async (t) => {
    const bench = await listenVisitors(t);
    const visitor = await bench.visit();
    visitor.say('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    assert.match(await visitor.hear('\r\n\r\n'), /^HTTP\/1.1 505 /);
  });

  it('does not wait for ever to know which', async (t) => {
    const bench = await listenVisitors(t, { ...CLEARTEXT, headTimeoutMs: 200 });
    await closed(t, bench.transport.port, 'PRI * H');
    assert.deepEqual(bench.limits, ['head-timeout']);
  });
});
