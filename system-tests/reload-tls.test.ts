/** What a reload changes of TLS: settings, and certificates that were replaced. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { opensslIsThere, TestAuthority } from '../apps/proxy-entry/src/testing/authority.ts';
import type { Made } from '../apps/proxy-entry/src/testing/authority.ts';
import { within } from './harness/deadline.ts';
import { visit } from './harness/visit.ts';
import { startEchoBackend } from './reload/echo-backend.ts';
import { Fleet } from './reload/fleet.ts';

const openssl = opensslIsThere() ? {} : { skip: 'openssl is not installed' };

interface Site {
  readonly fleet: Fleet;
  readonly authority: TestAuthority;
  readonly port: number;
  readonly ticketKeyFile: string;
  /** Puts a pair into the folder of certificates. */
  put(made: Made): void;
}

async function startSite(context: TestContext): Promise<Site> {
  const authority = new TestAuthority();
  context.after(() => authority.remove());
  const folder = join(authority.folder, 'certificates');
  mkdirSync(folder);
  const ticketKeyFile = join(authority.folder, 'ticket.secret');
  const put = ({ certFile, keyFile }: Made) => {
    copyFileSync(keyFile, join(folder, 'a.key'));
    copyFileSync(certFile, join(folder, 'a.crt'));
  };
  put(authority.issue('first', { names: 'DNS:a.test,IP:127.0.0.1' }));
  const backend = await startEchoBackend('one');
  context.after(() => backend.close());
  const fleet = await Fleet.start({
    'client.sessions': [{ id: 'demo', backend: backend.url }],
    'entry.hosts': { 'a.test': 'demo' },
    'entry.tls.port': 0,
    'entry.tls.certificates': folder,
    'entry.tls.ticketKeyFile': ticketKeyFile,
    'entry.tls.clientCertificates': 'optional',
    'entry.tls.clientCaFile': authority.caFile,
    'server.tls.certificateFile': join(folder, 'a.crt'),
    'server.tls.keyFile': join(folder, 'a.key'),
    'link.caFile': authority.caFile,
  });
  context.after(() => fleet.stop());
  const { tls = '' } = await fleet.entry.command.event<{ tls?: string }>('ready');
  return { fleet, authority, port: Number(new URL(tls).port), ticketKeyFile, put };
}

interface Handshake {
  readonly serial: string;
  /** Of the answer to one request. */
  readonly head: string;
}

/** Null: it was refused. */
async function shake({ port, authority }: Site, options: ConnectionOptions): Promise<Handshake | null> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: authority.ca,
    checkServerIdentity: () => undefined,
    ...options,
  });
  try {
    const secure = new Promise<boolean>((resolve) => {
      socket.once('secureConnect', () => resolve(true)).on('error', () => resolve(false));
    });
    if (!(await within(secure, 'a handshake'))) return null;
    const serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    await within(new Promise((resolve) => socket.once('close', resolve)), 'the end of an answer');
    return { serial, head: text.split('\r\n\r\n')[0] ?? '' };
  } finally {
    socket.destroy();
  }
}

describe('TLS and a reload', openssl, () => {
  it('of the entry: a default certificate, HTTPS alone and for good, a certificate asked for, a handshake in time', async (context) => {
    const site = await startSite(context);
    const { fleet } = site;
    assert.equal(await shake(site, {}), null, 'without a name');
    const before = await shake(site, { servername: 'a.test' });
    assert.match(before?.head ?? '', /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(before?.head ?? '', /strict-transport-security/i);
    await fleet.set('entry', {
      'entry.tls.defaultCertificate': 'a',
      'entry.tls.hstsMaxAgeS': 600,
      'entry.tls.redirectPort': 443,
    });
    assert.match((await shake(site, {}))?.head ?? '', /strict-transport-security: max-age=600/i);
    assert.equal((await visit(fleet.entry.url, { fields: { Host: 'a.test' } })).status, 308);
    await fleet.set('entry', { 'entry.tls.handshakeTimeoutMs': 100 });
    const silent = connectTcp(site.port, '127.0.0.1');
    silent.on('error', () => {}).resume();
    await within(new Promise((resolve) => silent.once('close', resolve)), 'a silent connection to be closed');
    // Nobody else is to be in such a hurry.
    await fleet.set('entry', {
      'entry.tls.handshakeTimeoutMs': 600_000,
      'entry.tls.clientCertificateHosts': ['a.test'],
    });
    assert.match((await shake(site, { servername: 'a.test' }))?.head ?? '', /^HTTP\/1\.1 403 /);
  });

  it('a certificate that was replaced is in force when the reload answers, at the entry and at the server', async (context) => {
    const site = await startSite(context);
    const { fleet, authority } = site;
    const first = await shake(site, { servername: 'a.test' });
    site.put(authority.issue('second', { names: 'DNS:a.test,IP:127.0.0.1' }));
    for (const part of ['entry', 'server'] as const) assert.equal((await fleet.reload(part)).status, 200);
    const second = await shake(site, { servername: 'a.test' });
    assert.ok(first !== null && second !== null);
    assert.notEqual(second.serial, first.serial);
    const links = connect({ port: Number(new URL(fleet.server.url).port), host: '127.0.0.1', ca: authority.ca });
    links.on('error', () => {});
    await within(new Promise((resolve) => links.once('secureConnect', resolve)), 'a handshake with the server');
    assert.equal(links.getPeerX509Certificate()?.serialNumber, second.serial);
    links.destroy();
  });

  it('a secret of tickets and authorities that cannot be used are refused by the name of their file', async (context) => {
    const site = await startSite(context);
    const { fleet } = site;
    const broken = join(fleet.folder, 'broken');
    writeFileSync(broken, 'x');
    writeFileSync(site.ticketKeyFile, 'x');
    const entry = await fleet.reload('entry');
    assert.equal(entry.status, 409);
    assert.match(entry.body.problems?.join() ?? '', /ticket\.secret is not a line of 64 hexadecimal digits/);
    fleet.write({ 'client.sessions': [{ id: 'demo', backend: 'https://127.0.0.1:9', caFile: broken }] });
    const client = await fleet.reload('client');
    assert.equal(client.status, 409);
    assert.match(
      client.body.problems?.join() ?? '',
      /caFile of session demo: .*broken is no file of whole certificates/,
    );
    writeFileSync(site.authority.caFile, 'x');
    fleet.write({ 'client.sessions': [] });
    assert.match((await fleet.reload('entry')).body.problems?.join() ?? '', /ca\.pem/);
  });

  it('one that has expired, or is good later only, is refused where that in force is good', async (context) => {
    const site = await startSite(context);
    const { fleet, authority } = site;
    const names = 'DNS:a.test,IP:127.0.0.1';
    for (const [made, why] of [
      [authority.issue('old', { names, secondsLeft: -60 }), /its certificate expired at .*, that in force has not/],
      [
        authority.issue('early', { names, secondsUntilGood: 3_600, secondsLeft: 7_200 }),
        /its certificate is good from .* only, that in force is good now/,
      ],
    ] as const) {
      site.put(made);
      for (const part of ['entry', 'server'] as const) {
        const { status, body } = await fleet.reload(part);
        assert.equal(status, 409, part);
        assert.match(body.problems?.join() ?? '', why);
      }
    }
  });

  it('one that cannot be used is refused with the rest of the configuration, and the one before stays', async (context) => {
    const site = await startSite(context);
    const { fleet } = site;
    const first = await shake(site, { servername: 'a.test' });
    writeFileSync(join(fleet.folder, 'unused'), '');
    site.put({ certFile: join(fleet.folder, 'unused'), keyFile: join(fleet.folder, 'unused'), cert: '', key: '' });
    fleet.write({ 'entry.tls.hstsMaxAgeS': 600, 'server.queue.limit': 5 });
    for (const part of ['entry', 'server'] as const) {
      const { status, body } = await fleet.reload(part);
      assert.equal(status, 409);
      assert.match(body.problems?.join() ?? '', /a\.crt|certificate a/);
    }
    const again = await shake(site, { servername: 'a.test' });
    assert.equal(again?.serial, first?.serial);
    assert.doesNotMatch(again?.head ?? '', /strict-transport-security/i);
  });
});
