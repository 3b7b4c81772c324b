import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { certificateFolder, haveOpenssl, putPair, TestAuthority } from '../testing/authority.ts';
import type { Made } from '../testing/authority.ts';
import { listenTls, openMaterial, tlsConfig } from '../testing/tls-bench.ts';
import type { TlsBench } from '../testing/tls-bench.ts';
import { TlsMaterial } from './material.ts';
import { TlsError } from './tls-error.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 300_000;
const POLL_MS = 20;
const SUCCESSFUL = 'sallyport_tls_last_reload_successful{part="entry"}';
const GET = 'GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n';

/** Asks until it is so; the time limit is the test's. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** Which certificate a visitor gets: its serial number; or why none. */
async function serial(bench: TlsBench, name: string): Promise<string> {
  try {
    const { socket } = await bench.secure(name);
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed';
  }
}

describe('the certificates of the entry', { timeout: CEILING_MS }, () => {
  let authority: TestAuthority;
  let first: Made;
  let second: Made;
  before((t) => {
    if (!haveOpenssl(t as never)) return;
    authority = new TestAuthority();
    first = authority.issue('first', { names: 'DNS:a.test' });
    second = authority.issue('second', { names: 'DNS:a.test', secondsLeft: 7_200 });
  });
  after(() => authority.remove());

  it('are read again when they change, and no connection is dropped', async (t) => {
    const folder = certificateFolder(authority);
    putPair(folder, 'a', first);
    const bench = await listenTls(t, authority, { certificates: folder });
    const old = await bench.secure('a.test');
    const before = await serial(bench, 'a.test');
    putPair(folder, 'a', second);
    await until(async () => (await serial(bench, 'a.test')) !== before);
    old.say(GET);
    const { exchange } = await bench.arrival();
    exchange.head(204, 'No Content', [], false);
    exchange.end([]);
    assert.match(await old.hear('\r\n\r\n'), /^HTTP\/1.1 204/);
    const expires = await bench.metric('sallyport_certificate_expiry_timestamp_seconds{part="entry",name="a"}');
    assert.ok(Math.abs(expires - Date.now() / 1_000 - 7_200) < 1_000);
    const lifetime = await bench.metric('sallyport_certificate_lifetime_seconds{part="entry",name="a"}');
    const { validFromDate, validToDate } = new X509Certificate(second.cert);
    assert.equal(lifetime, (validToDate.getTime() - validFromDate.getTime()) / 1_000);
  });

  it('come and go with their files', async (t) => {
    const folder = certificateFolder(authority);
    const bench = await listenTls(t, authority, { certificates: folder });
    await until(() => bench.log().includes('no certificate yet'));
    assert.match(await serial(bench, 'a.test'), /HANDSHAKE_FAILURE/);
    putPair(folder, 'a', first);
    await until(async () => !(await serial(bench, 'a.test')).includes('FAILURE'));
    unlinkSync(join(folder, 'a.crt'));
    unlinkSync(join(folder, 'a.key'));
    await until(async () => (await serial(bench, 'a.test')).includes('FAILURE'));
  });

  it('are read again when their whole folder is swapped behind symbolic links, as Kubernetes does it', async (t) => {
    const folder = certificateFolder(authority);
    for (const [version, made] of [
      ['..first', first],
      ['..second', second],
    ] as const) {
      mkdirSync(join(folder, version));
      putPair(join(folder, version), 'a', made);
    }
    symlinkSync('..first', join(folder, '..data'));
    for (const file of ['a.crt', 'a.key']) symlinkSync(join('..data', file), join(folder, file));
    const bench = await listenTls(t, authority, { certificates: folder });
    const before = await serial(bench, 'a.test');
    assert.match(before, /^[0-9A-F]+$/);
    symlinkSync('..second', join(folder, '..draft'));
    renameSync(join(folder, '..draft'), join(folder, '..data'));
    await until(async () => (await serial(bench, 'a.test')) !== before);
    assert.match(await serial(bench, 'a.test'), /^[0-9A-F]+$/);
  });

  it('are the good ones of a folder with tricks in it: pipes, devices, folders, loops, other keys, more than they may be', async (t) => {
    const folder = certificateFolder(authority);
    putPair(folder, 'a', first);
    const at = (name: string) => join(folder, name);
    execFileSync('mkfifo', [at('pipe.crt'), at('half.key')]);
    symlinkSync('/dev/zero', at('device.crt'));
    symlinkSync('loop.crt', at('loop.crt'));
    mkdirSync(at('folder.crt'));
    writeFileSync(at('huge.crt'), first.cert + ' '.repeat(1_100_000));
    putPair(folder, 'other', first);
    copyFileSync(second.keyFile, at('other.key'));
    for (const name of ['half.crt', '.hidden.crt']) copyFileSync(first.certFile, at(name));
    for (const stem of ['pipe', 'device', 'loop', 'folder', 'huge']) copyFileSync(first.keyFile, at(`${stem}.key`));
    const bench = await listenTls(t, authority, { certificates: folder });
    assert.match(await serial(bench, 'a.test'), /^[0-9A-F]+$/);
    await until(() => bench.log().includes('certificates in force'));
    assert.match(bench.log(), /"certificates":\["a"\]/);
    for (const why of [
      /pipe\.crt is no regular file/,
      /half\.key is no regular file/,
      /device\.crt is no regular file/,
      /loop\.crt cannot be read \(ELOOP\)/,
      /folder\.crt is no regular file/,
      /huge\.crt has more than 1048576 bytes/,
      /certificate other: its key belongs to another certificate/,
    ]) {
      assert.match(bench.log(), why);
    }
    assert.doesNotMatch(bench.log(), /hidden/);
    // And what comes later is still seen.
    putPair(folder, 'b', authority.issue('b', { names: 'DNS:b.test' }));
    await until(async () => /^[0-9A-F]+$/.test(await serial(bench, 'b.test')));
  });

  it('stay as they were while a pair is broken, and one line says so', async (t) => {
    const folder = certificateFolder(authority);
    putPair(folder, 'a', first);
    const bench = await listenTls(t, authority, { certificates: folder });
    const before = await serial(bench, 'a.test');
    const breakers: readonly [() => void, RegExp][] = [
      [() => writeFileSync(join(folder, 'a.crt'), second.cert.slice(0, 300)), /certificate is not whole/],
      [() => copyFileSync(second.certFile, join(folder, 'a.crt')), /its key belongs to another certificate/],
      [() => unlinkSync(join(folder, 'a.crt')), /a\.crt cannot be read \(ENOENT\)/],
      [() => writeFileSync(join(folder, 'a.key'), 'nothing'), /cannot be read|its key is not whole/],
    ];
    for (const [breakIt, why] of breakers) {
      const from = bench.log().length;
      breakIt();
      await until(() => why.test(bench.log().slice(from)));
      assert.equal(await serial(bench, 'a.test'), before);
      assert.equal(await bench.metric(SUCCESSFUL), 0);
    }
    assert.match(bench.log(), /what was in force stays so/);
    assert.doesNotMatch(bench.log(), /none from before/);
    putPair(folder, 'a', second);
    await until(async () => (await serial(bench, 'a.test')) !== before);
    assert.equal(await bench.metric(SUCCESSFUL), 1);
    const failures = await bench.metric('sallyport_tls_reload_failures_total{part="entry"}');
    assert.ok(failures >= breakers.length, String(failures));
  });

  it('that have expired take the place of those that have expired too, but not of good ones', async (t) => {
    const folder = certificateFolder(authority);
    const [expired, older] = [-60, -120].map((secondsLeft) =>
      authority.issue(`expired${secondsLeft}`, { names: 'DNS:a.test', secondsLeft }),
    );
    putPair(folder, 'a', expired!);
    const bench = await listenTls(t, authority, { certificates: folder });
    const expiry = () => bench.metric('sallyport_certificate_expiry_timestamp_seconds{part="entry",name="a"}');
    const before = await expiry();
    const told = /"level":"warn"[^\n]*TLS: visitors will not believe it: certificate a expired at 2/;
    await until(() => told.test(bench.log()));
    putPair(folder, 'a', older!);
    await until(async () => (await expiry()) < before);
    assert.equal(await bench.metric(SUCCESSFUL), 1);
    putPair(folder, 'a', first);
    await until(async () => (await expiry()) > before);
    putPair(folder, 'a', expired!);
    await until(() => /certificate a: its certificate expired at .*, that in force has not/.test(bench.log()));
    assert.ok((await expiry()) > before);
    assert.equal(await bench.metric(SUCCESSFUL), 0);
  });

  it('that are not good yet wait until they are where there is one that is good now', async (t) => {
    const folder = certificateFolder(authority);
    putPair(folder, 'a', second);
    let nowMs = Date.now();
    const bench = await listenTls(t, authority, { certificates: folder }, {}, () => nowMs);
    const { material } = bench;
    const expiry = () => bench.metric('sallyport_certificate_expiry_timestamp_seconds{part="entry",name="a"}');
    const before = await expiry();
    const dates = { secondsUntilGood: 3_600, secondsLeft: 90_000 };
    const early = authority.issue('early', { names: 'DNS:a.test', ...dates });
    putPair(folder, 'a', early);
    const why = /certificate a: its certificate is good from .* only, that in force is good now/;
    await until(() => why.test(bench.log()));
    await assert.rejects(material.check(material.config), why);
    assert.equal(await expiry(), before);
    assert.equal(await bench.metric(SUCCESSFUL), 0);
    nowMs = new X509Certificate(early.cert).validFromDate.getTime();
    await material.check(material.config);
    await material.configure(material.config);
    assert.ok((await expiry()) > before);
    assert.equal(await bench.metric(SUCCESSFUL), 1);
  });

  it('are none for the names of a pair that is broken at the start, and the log and a gauge say so until it is whole', async (t) => {
    const folder = certificateFolder(authority);
    putPair(folder, 'a', first);
    copyFileSync(second.certFile, join(folder, 'a.crt'));
    const bench = await listenTls(t, authority, { certificates: folder });
    assert.equal(await bench.metric(SUCCESSFUL), 0);
    assert.match(await serial(bench, 'a.test'), /HANDSHAKE_FAILURE/);
    await until(() => /there is none from before/.test(bench.log()));
    assert.doesNotMatch(bench.log(), /what was in force stays so/);
    putPair(folder, 'a', second);
    await until(async () => (await bench.metric(SUCCESSFUL)) === 1);
    assert.match(await serial(bench, 'a.test'), /^[0-9A-F]+$/);
  });

  it('for one name: that one which is good for longer', async (t) => {
    const folder = certificateFolder(authority);
    putPair(folder, 'z-first', first);
    putPair(folder, 'a-second', second);
    const bench = await listenTls(t, authority, { certificates: folder });
    const { socket } = await bench.secure('a.test');
    assert.equal(socket.getPeerCertificate().subject.CN, 'second');
  });

  it('are refused at the start where the folder, the authorities or the key of tickets cannot be used', async (t) => {
    const { material } = await openMaterial(t, { certificates: certificateFolder(authority) });
    const deps = { logger: {} as never, telemetry: { counter: () => ({}), labelledCounter: () => ({}) } as never };
    const open = (set: object) => TlsMaterial.open(tlsConfig(set), { ...deps, nowMs: Date.now });
    const certificates = material.config.certificates!;
    const ca = { certificates, clientCertificates: 'optional', clientCaFile: authority.caFile };
    for (const [set, code] of [
      [{ certificates: join(certificates, 'nowhere') }, 'SP_TLS_FOLDER'],
      [{ certificates: authority.caFile }, 'SP_TLS_FOLDER'],
      [{ ...ca, clientCaFile: first.keyFile }, 'SP_TLS_FILE'],
      [{ ...ca, clientCaFile: first.certFile }, 'SP_TLS_FILE'],
      [{ ...ca, clientCrlFile: authority.caFile }, 'SP_TLS_FILE'],
      [{ certificates, ticketKeyFile: authority.caFile }, 'SP_TLS_FILE'],
    ] as const) {
      await assert.rejects(open(set), (error) => error instanceof TlsError && error.code === code, JSON.stringify(set));
    }
    assert.equal(await open({}), null);
  });
});

/** A ticket of `bench`, in hand once an answer has come. */
async function ticketOf(authority: TestAuthority, bench: TlsBench, options: ConnectionOptions = {}): Promise<Buffer> {
  const own = { port: bench.port, host: '127.0.0.1', ca: authority.ca, servername: 'a.test' };
  const socket = connect({ ...own, ...options });
  let session: Buffer | undefined;
  socket.on('session', (given) => (session = given));
  await once(socket, 'secureConnect');
  await until(() => session !== undefined);
  socket.destroy();
  return session!;
}

/** And served. */
async function isResumed(bench: TlsBench, session: Buffer, options: ConnectionOptions = {}): Promise<boolean> {
  const visitor = await bench.secure('a.test', { session, ...options });
  const isReused = visitor.socket.isSessionReused();
  visitor.say(GET);
  const { exchange } = await bench.arrival();
  assert.equal(exchange.request.peer.covers?.('a.test'), true);
  assert.equal(exchange.request.peer.covers?.('elsewhere.test'), false);
  exchange.head(204, 'No Content', [], true);
  exchange.end([]);
  await visitor.hearAll();
  return isReused;
}

describe('a session ticket', { timeout: CEILING_MS }, () => {
  let authority: TestAuthority;
  let folder: string;
  before((t) => {
    if (!haveOpenssl(t as never)) return;
    authority = new TestAuthority();
    folder = certificateFolder(authority);
    putPair(folder, 'a', authority.issue('a', { names: 'DNS:a.test' }));
  });
  after(() => authority.remove());

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`is taken by every entry that shares the file of secrets, in ${maxVersion}`, async (t) => {
      const ticketKeyFile = join(authority.folder, `ticket-${maxVersion}.key`);
      const set = { certificates: folder, ticketKeyFile };
      const bench = await listenTls(t, authority, set);
      const other = await listenTls(t, authority, set);
      const stranger = await listenTls(t, authority, { certificates: folder });
      const session = await ticketOf(authority, bench, { maxVersion });
      assert.equal(await isResumed(bench, session, { maxVersion }), true);
      assert.equal(await isResumed(other, session, { maxVersion }), true);
      assert.equal(await isResumed(stranger, session, { maxVersion }), false);
    });
  }

  it('is not taken any more once the secret is another', async (t) => {
    const ticketKeyFile = join(authority.folder, 'rotated.key');
    const bench = await listenTls(t, authority, { certificates: folder, ticketKeyFile });
    const session = await ticketOf(authority, bench);
    rmSync(ticketKeyFile);
    writeFileSync(ticketKeyFile, 'f'.repeat(64));
    await until(async () => !(await isResumed(bench, session)));
    assert.equal(await isResumed(bench, await ticketOf(authority, bench)), true);
  });

  it('is taken after certificates were read again', async (t) => {
    const own = certificateFolder(authority);
    putPair(own, 'a', authority.issue('own', { names: 'DNS:a.test' }));
    const bench = await listenTls(t, authority, { certificates: own });
    const session = await ticketOf(authority, bench);
    putPair(own, 'b', authority.issue('b', { names: 'DNS:b.test' }));
    await until(async () => !(await serial(bench, 'b.test')).includes('FAILURE'));
    assert.equal(await isResumed(bench, session), true);
  });

  it('for a name whose certificate was taken away opens nothing in TLS 1.3, and reaches no host in TLS 1.2', async (t) => {
    const own = certificateFolder(authority);
    putPair(own, 'a', authority.issue('gone', { names: 'DNS:a.test' }));
    const bench = await listenTls(t, authority, { certificates: own });
    const old = await ticketOf(authority, bench, { maxVersion: 'TLSv1.2' });
    const session = await ticketOf(authority, bench);
    unlinkSync(join(own, 'a.crt'));
    unlinkSync(join(own, 'a.key'));
    await until(async () => (await serial(bench, 'a.test')).includes('FAILURE'));
    const visitor = await bench.secure('a.test', { session });
    assert.equal((await visitor.hearAll()).text, '');
    await until(() => bench.transport.connections === 0);
    (await bench.secure('a.test', { session: old, maxVersion: 'TLSv1.2' })).say(GET);
    const { peer } = (await bench.arrival()).exchange.request;
    assert.equal(peer.covers?.('a.test'), false);
  });
});
