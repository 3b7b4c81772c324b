import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { haveOpenssl, putPair } from '../testing/authority.ts';
import type { TestAuthority } from '../testing/authority.ts';
import { listenTls, newAuthority } from '../testing/tls-bench.ts';
import type { TlsBench } from '../testing/tls-bench.ts';
import { Visitor, whenClosed } from '../testing/visitors.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 300_000;
const GET = 'GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n';

async function answered(visitor: Visitor, bench: TlsBench): Promise<string> {
  visitor.say(GET);
  const { exchange } = await bench.arrival();
  exchange.head(200, 'OK', ['Content-Length', '4'], false);
  exchange.write(Buffer.from('body'));
  exchange.end([]);
  return visitor.hear('body');
}

/** OpenSSL's name of the alert that a handshake ended with, or Node's code. */
async function refusal(handshake: Promise<unknown>): Promise<string> {
  try {
    await handshake;
    return 'none';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

describe('the port for TLS', { timeout: CEILING_MS }, () => {
  let authority: TestAuthority;
  let folder: string;
  before((t) => {
    if (!haveOpenssl(t as never)) return;
    ({ authority, folder } = newAuthority());
    putPair(folder, 'a', authority.issue('a.test', { names: 'DNS:a.test,DNS:other.test' }));
    putPair(folder, 'wild', authority.issue('wild', { names: 'DNS:*.apps.test' }));
    putPair(folder, 'exact', authority.issue('exact', { names: 'DNS:one.apps.test' }));
    putPair(folder, 'address', authority.issue('address', { names: 'IP:127.0.0.1' }));
  });
  after(() => authority.remove());

  it('has the certificate for the name that is asked for: exactly, else by a wildcard', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder });
    for (const [name, owner] of [
      ['a.test', 'a.test'],
      ['A.Test', 'a.test'],
      ['one.apps.test', 'exact'],
      ['two.apps.test', 'wild'],
    ] as const) {
      const { socket } = await bench.secure(name, { checkServerIdentity: () => undefined });
      assert.equal(socket.getPeerCertificate().subject.CN, owner, name);
    }
  });

  it('relays what comes over it, and says that it came by TLS', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder });
    const visitor = await bench.secure('a.test');
    visitor.say(GET);
    const { exchange } = await bench.arrival();
    const { peer } = exchange.request;
    assert.deepEqual([peer.scheme, peer.remoteAddress, peer.clientCertificate], ['https', '127.0.0.1', undefined]);
    assert.deepEqual(
      ['a.test', 'other.test', 'one.apps.test'].map((host) => peer.covers?.(host)),
      [true, true, false],
    );
    assert.equal(bench.transport.connections, 1);
  });

  it('refuses in the handshake a name that no certificate is for, and who asks for no name', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const name of ['b.test', 'a.b.apps.test', 'apps.test', '']) {
        const ended = await refusal(bench.secure(name, { maxVersion }));
        assert.equal(ended, 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', `${maxVersion} ${name}`);
      }
    }
    assert.equal(await bench.metric('sallyport_tls_handshake_failures_total{part="entry",cause="no_certificate"}'), 8);
    assert.equal(bench.transport.connections, 0);
  });

  it('shows the default certificate to those, where one is configured', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder, defaultCertificate: 'address' });
    for (const name of ['b.test', '']) {
      const { socket } = await bench.secure(name, { checkServerIdentity: () => undefined });
      assert.equal(socket.getPeerCertificate().subject.CN, 'address');
    }
    const visitor = await bench.secure('');
    visitor.say(GET);
    const { peer } = (await bench.arrival()).exchange.request;
    assert.deepEqual([peer.covers?.('127.0.0.1'), peer.covers?.('a.test')], [true, false]);
  });

  it('agrees on HTTP/2 with who offers it, and on HTTP/1.1 with everybody else', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder });
    const both = await bench.secure('a.test', { ALPNProtocols: ['http/1.1', 'h2'] });
    assert.equal(both.socket.alpnProtocol, 'h2');
    const old = await bench.secure('a.test', { ALPNProtocols: ['http/1.1'] });
    assert.equal(old.socket.alpnProtocol, 'http/1.1');
    assert.match(await answered(await bench.secure('a.test'), bench), /^HTTP\/1.1 200 OK/);
    assert.match(await refusal(bench.secure('a.test', { ALPNProtocols: ['spdy/3'] })), /ALERT_NO_APPLICATION_PROTOCOL/);
  });

  it('speaks TLS 1.2 and 1.3, or 1.3 alone', async (t) => {
    const both = await listenTls(t, authority, { certificates: folder });
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { socket } = await both.secure('a.test', { minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
    }
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    assert.match(await refusal(both.secure('a.test', old)), /PROTOCOL_VERSION/);
    const weak = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256:AES128-SHA' } as const;
    assert.match(await refusal(both.secure('a.test', weak)), /HANDSHAKE_FAILURE/);
    const strict = await listenTls(t, authority, { certificates: folder, minVersion: '1.3' });
    assert.match(await refusal(strict.secure('a.test', { maxVersion: 'TLSv1.2' })), /PROTOCOL_VERSION/);
  });

  it('ends a handshake that takes too long, though a byte comes now and then', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder, handshakeTimeoutMs: 300 });
    const socket = connect({ port: bench.port, host: '127.0.0.1' });
    t.after(() => socket.destroy());
    // A record and a ClientHello that would be whole after 508 bytes more.
    socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
    const drip = setInterval(() => socket.write(Buffer.alloc(1)), 50);
    t.after(() => clearInterval(drip));
    socket.on('error', () => {}).resume();
    await whenClosed(socket);
    assert.deepEqual(bench.limits, ['handshake']);
    assert.equal(await bench.metric('sallyport_tls_handshake_failures_total{part="entry",cause="late"}'), 1);
    assert.equal(bench.transport.connections, 0);
  });

  it('answers HTTP in clear text with 400, in clear text, and ends', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder });
    const socket = connect({ port: bench.port, host: '127.0.0.1' });
    t.after(() => socket.destroy());
    const visitor = new Visitor(socket);
    visitor.say(GET);
    const { text, end } = await visitor.hearAll();
    assert.match(text, /^HTTP\/1.1 400 clear-text\r\n[^]*\r\nDate: [^]*\r\nConnection: close\r\n/);
    assert.equal(end, 'end');
    assert.equal(await bench.metric('sallyport_tls_handshake_failures_total{part="entry",cause="clear_text"}'), 1);
  });

  it('survives what is neither', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder });
    for (const bytes of ['\x16\x03\x01\x00\x05hello', '\0\0\0\0\0\0', 'SSH-2.0-x\r\n', '\x80\x2e\x01\x00\x02']) {
      const socket = connect({ port: bench.port, host: '127.0.0.1' });
      t.after(() => socket.destroy());
      socket.on('error', () => {}).resume();
      socket.end(bytes, 'latin1');
      await whenClosed(socket);
    }
    assert.match(await answered(await bench.secure('a.test'), bench), /200/);
    assert.equal(bench.transport.connections, 1);
  });

  it('counts its connections with those of the plain port, handshakes too', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder }, { connections: 3 });
    await bench.secure('a.test');
    const waiting = connect({ port: bench.port, host: '127.0.0.1' });
    t.after(() => waiting.destroy());
    await once(waiting, 'connect');
    const plain = await bench.visit();
    plain.say(GET);
    await bench.arrival();
    while (bench.transport.connections < 3) await new Promise((resolve) => setImmediate(resolve));
    for (const port of [bench.port, bench.transport.port]) {
      const socket = connect({ port, host: '127.0.0.1' });
      t.after(() => socket.destroy());
      await whenClosed(socket.on('error', () => {}).resume());
    }
    assert.deepEqual(bench.limits, ['connections', 'connections']);
  });

  it('shows a cut as a reset of the connection, where its end would be the end of the body', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder });
    const visitor = await bench.secure('a.test');
    visitor.say('GET / HTTP/1.0\r\n\r\n');
    const { exchange } = await bench.arrival();
    exchange.head(200, 'OK', [], true);
    exchange.write(Buffer.from('part'));
    await visitor.hear('part');
    exchange.cut();
    assert.deepEqual(await visitor.hearAll(), { text: '', end: 'reset' });
  });

  it('lets nobody renegotiate', async (t) => {
    const bench = await listenTls(t, authority, { certificates: folder });
    const { socket } = await bench.secure('a.test', { maxVersion: 'TLSv1.2' });
    let isDone = false;
    socket.renegotiate({}, (error) => (isDone = error === null));
    await whenClosed(socket.on('error', () => {}).resume());
    assert.equal(isDone, false);
  });
});
