/** Links over TLS, with certificates on both sides, and through HTTP proxies: where clients live. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { connect as connectSecurely, rootCertificates } from 'node:tls';
import { createLogger } from '@sallyport/telemetry';
import { startServer } from '@sallyport/tunnel-server';
import { MemoryCredentials } from '@sallyport/credentials';
import { opensslIsThere } from '../apps/proxy-entry/src/testing/authority.ts';
import { Command } from './harness/command.ts';
import { eventually, within } from './harness/deadline.ts';
import { scrape, total } from './harness/metrics.ts';
import { needs } from './harness/needs.ts';
import { quietPort } from './harness/port.ts';
import { noteSecret } from './harness/secrets.ts';
import { SHAPES, startStack } from './harness/stack.ts';
import { startConnectProxy } from './links/connect-proxy.ts';
import { configOf, startBackend, startClient, startEntry, startSecureServer } from './links/secure-server.ts';
import type { Dialling, SecureServer } from './links/secure-server.ts';

const SECRET = noteSecret('p%40ss-hunter2');
const PROXY_LINE = `Basic ${noteSecret(Buffer.from('me:p@ss-hunter2').toString('base64'))}`;

/** It looks twice, a second apart. */
const DOCTOR_MS = 60_000;

function shown({ certFile, keyFile }: { certFile: string; keyFile: string }): string[] {
  return [`link.certificateFile=${certFile}`, `link.keyFile=${keyFile}`];
}

async function linksOf({ running }: SecureServer): Promise<number> {
  const response = await fetch(`${running.adminUrl}/api/links`, { headers: { Connection: 'close' } });
  return ((await response.json()) as unknown[]).length;
}

/** A visitor's answer through entry and client, both of which dial `url`. */
async function askThrough(t: TestContext, server: SecureServer, dialling: Dialling) {
  const entry = startEntry(t, server, dialling);
  const client = startClient(t, server, await startBackend(t), dialling);
  const { url } = await entry.event<{ url: string }>('ready');
  await Promise.all([entry.event('link-up'), client.event('ready')]);
  const ask = async () => {
    const response = await fetch(`${url}/session/demo/`, { headers: { Connection: 'close' } });
    const text = await response.text();
    return response.status === 200 ? text : undefined;
  };
  assert.equal(await eventually(ask, 'an answer through the links'), 'hello');
  return { entry, client };
}

/** Else doctor asks whoever runs at the default admin ports of this machine. */
const NO_ADMIN = ['--admin', 'http://127.0.0.1:1'];

/** What doctor finds on a client's way to its server; certificates of an hour end too soon. */
async function doctorOf(server: SecureServer, { url, set = [], environment = {} }: Dialling) {
  const settings = [`client.servers=${JSON.stringify([url].flat())}`, `link.caFile=${server.authority.caFile}`, ...set];
  const secret = ['--set', `client.credentialFile=${server.credentialFile('client')}`];
  const flags = [...secret, ...settings.flatMap((each) => ['--set', each])];
  const doctor = new Command(['doctor', '--json', ...NO_ADMIN, ...flags], environment);
  await within(doctor.ended, 'the end of doctor', DOCTOR_MS);
  const about = new Set(['proxy', 'server', 'certificate', 'link', 'clock']);
  return doctor.events.flatMap(({ status, check }) =>
    about.has(String(check)) ? [`${String(status)} ${String(check)}`] : [],
  );
}

const skip = opensslIsThere() ? {} : { skip: 'openssl is absent' };

void describe('links over TLS', skip, () => {
  for (const { shape, isSplit } of SHAPES) {
    it(`carry requests between parts that know each other by certificates (${shape})`, async (t) => {
      const server = await startSecureServer(t);
      const { certificateFile, keyFile } = server.files;
      const stack = await startStack({
        isSplit,
        set: [
          `server.tls.certificateFile=${certificateFile}`,
          `server.tls.keyFile=${keyFile}`,
          `server.tls.clientCaFile=${server.authority.caFile}`,
          `link.caFile=${server.authority.caFile}`,
          ...shown(server.issue('part')),
        ],
      });
      t.after(() => stack.command.stop());
      const response = await fetch(`${stack.url}loadtest/bytes/1000000`, { headers: { Connection: 'close' } });
      assert.equal((await response.bytes()).length, 1_000_000);
    });
  }

  it('are not made without a certificate that the server accepts, and the dialler says why', async (t) => {
    const server = await startSecureServer(t, { asksForCertificates: true });
    const backend = await startBackend(t);
    const url = `wss://127.0.0.1:${server.port}`;
    const none = startClient(t, server, backend, { url });
    const expired = startClient(t, server, backend, { url, set: shown(server.issue('late', -60)) });
    assert.match((await none.event<{ reason: string }>('link-lost')).reason, /asks for a certificate \(link\.cert/);
    assert.match((await expired.event<{ reason: string }>('link-lost')).reason, /may not accept the certificate/);
    assert.equal(await linksOf(server), 0);
    const set = shown(server.issue('good'));
    await startClient(t, server, backend, { url, set }).event('ready');
    const all = ['ok server', 'fail certificate', 'ok link', 'ok clock', 'ok link'];
    assert.deepEqual(await doctorOf(server, { url, set }), all);
    assert.deepEqual(await doctorOf(server, { url }), ['ok server', 'fail certificate', 'fail link']);
    await eventually(async () => ((await linksOf(server)) === 1 ? true : undefined), 'the link of the client alone');
    const metrics = await (await fetch(`${server.running.adminUrl}/metrics`)).text();
    assert.match(metrics, /sallyport_refused_total\{[^}]*SP_LINK_TLS[^}]*\} [1-9]/);
    assert.match(metrics, /sallyport_certificate_expiry_timestamp_seconds\{[^}]*name="links"[^}]*\} [1-9]/);
    assert.match(metrics, /sallyport_certificate_lifetime_seconds\{[^}]*name="links"[^}]*\} [1-9]/);
  });

  it('are not made with a server of another authority, and a ws:// dialler is turned away', async (t) => {
    const [server, stranger] = [await startSecureServer(t), await startSecureServer(t)];
    const wrong = startClient(t, server, await startBackend(t), { url: `wss://127.0.0.1:${stranger.port}` });
    assert.match((await wrong.event<{ reason: string }>('link-lost')).reason, /self-signed|issuer|verify/);
    const plain = connect(server.port, '127.0.0.1').on('error', () => {});
    plain.write('GET /link HTTP/1.1\r\nHost: a\r\n\r\n');
    plain.resume();
    await within(once(plain, 'close'), 'a plain request to be cut');
  });

  it('of a server whose certificate has expired are counted and told of, and so is the certificate', async (t) => {
    const log = new PassThrough();
    let told = '';
    log.on('data', (chunk) => (told += String(chunk)));
    const says = (what: RegExp) =>
      eventually(
        async () => (what.test(told) ? true : undefined),
        () => `${what} in ${told}`,
      );
    const server = await startSecureServer(t, { secondsLeft: -60, log });
    await says(/"level":"warn"[^\n]*TLS of links: diallers will not believe it: [^ ]*link\.crt expired at 2/);
    const refusals = async () => total(await scrape(server.running.adminUrl), 'sallyport_refused_total', 'SP_LINK_TLS');
    const look = connect(server.port, '127.0.0.1', () => look.end());
    await within(once(look.resume(), 'close'), 'a look whether the port is open');
    assert.equal(await refusals(), 0);
    const client = startClient(t, server, 'http://127.0.0.1:1', { url: `wss://127.0.0.1:${server.port}` });
    assert.match((await client.event<{ reason: string }>('link-lost')).reason, /expired/);
    await eventually(async () => ((await refusals()) > 0 ? true : undefined), 'a refusal to be counted');
    await says(/"reason":"hung up in the handshake: may not believe our certificate[^\n]*links refused/);
  });

  it('take a new certificate over without dropping a link, and keep the old one while its files are broken', async (t) => {
    const server = await startSecureServer(t);
    const { client } = await askThrough(t, server, { url: `wss://127.0.0.1:${server.port}` });
    const serial = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connectSecurely({ host: '127.0.0.1', port: server.port, ca: server.authority.ca }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        }).on('error', reject);
      });
    const first = await serial();
    writeFileSync(server.files.keyFile, 'half a ke');
    const isSeen = async () => {
      const metrics = await scrape(server.running.adminUrl);
      return total(metrics, 'sallyport_tls_reload_failures_total') > 0 ? true : undefined;
    };
    await eventually(isSeen, 'the server to see the broken key');
    assert.equal(await serial(), first);
    const isWhole = async () =>
      total(await scrape(server.running.adminUrl), 'sallyport_tls_last_reload_successful') === 1;
    assert.equal(await isWhole(), false);
    server.put(server.issue('renewed'));
    await eventually(async () => ((await serial()) === first ? undefined : true), 'the new certificate to be shown');
    assert.equal(await isWhole(), true);
    assert.equal(await linksOf(server), 2);
    const dials = async () => total(await scrape(server.running.adminUrl), 'sallyport_limit_used', '"link-dials"');
    await eventually(async () => ((await dials()) === 0 ? true : undefined), 'no connection besides links to be left');
    assert.doesNotMatch(client.stderr, /link lost/);
  });

  it('ask for certificates of the same authorities as before while their file is half written', async (t) => {
    const server = await startSecureServer(t, { asksForCertificates: true });
    const { caFile, folder } = server.authority;
    const whole = readFileSync(caFile, 'utf8');
    const ownFile = join(folder, 'own-ca.pem');
    writeFileSync(ownFile, whole);
    const set = [`link.caFile=${ownFile}`, ...shown(server.issue('good'))];
    writeFileSync(caFile, `${rootCertificates[0]!}\n${whole.slice(0, -100)}`);
    const isSeen = async () => {
      const metrics = await scrape(server.running.adminUrl);
      return total(metrics, 'sallyport_tls_reload_failures_total') > 0 ? true : undefined;
    };
    await eventually(isSeen, 'the server to see the file of authorities');
    const url = `wss://127.0.0.1:${server.port}`;
    await startClient(t, server, await startBackend(t), { url, set }).event('ready');
  });

  it('keep a certificate that is good where an expired one is put in its place, or one that is to come', async (t) => {
    const server = await startSecureServer(t);
    const scraped = async (name: string) => total(await scrape(server.running.adminUrl), name);
    const expiry = () => scraped('sallyport_certificate_expiry_timestamp_seconds');
    const before = await expiry();
    const early = server.authority.issue('early', {
      names: 'DNS:server.test',
      secondsUntilGood: 600,
      secondsLeft: 9_000,
    });
    for (const [index, made] of [server.issue('old', -60), early].entries()) {
      server.put(made);
      const isSeen = async () => ((await scraped('sallyport_tls_reload_failures_total')) > index ? true : undefined);
      await eventually(isSeen, `the server to refuse ${made.certFile}`);
      assert.equal(await expiry(), before);
      assert.equal(await scraped('sallyport_tls_last_reload_successful'), 0);
    }
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 600_000 });
    const isTaken = async () => ((await expiry()) > before ? true : undefined);
    await eventually(isTaken, 'the certificate to be taken over once it is good');
    assert.equal(await scraped('sallyport_tls_last_reload_successful'), 1);
  });

  it('end the start of a server or a client whose files cannot be used, with how to mend it', async (t) => {
    const server = await startSecureServer(t);
    const { authority } = server;
    const tls = {
      'server.port': 0,
      'server.admin.port': 0,
      'server.tls.certificateFile': server.files.certificateFile,
      'server.tls.keyFile': authority.issue('other').keyFile,
    };
    const logger = createLogger({ level: 'silent', part: 'server', destination: 2 });
    const start = (more: Record<string, string>) =>
      startServer({
        config: configOf({ ...tls, ...more }),
        credentials: new MemoryCredentials(),
        logger,
        version: '0',
      });
    await assert.rejects(start({}), { code: 'SP_LINK_TLS', message: /are no certificate and its key/ });
    await assert.rejects(start({ 'server.tls.keyFile': '/nowhere.key' }), { message: /nowhere\.key cannot be read/ });
    const noAuthority = { 'server.tls.keyFile': server.files.keyFile, 'server.tls.clientCaFile': server.files.keyFile };
    await assert.rejects(start(noAuthority), { message: /is no file of whole certificates/ });
    const set = [`link.certificateFile=${authority.caFile}`, `link.keyFile=${server.files.keyFile}`];
    const client = startClient(t, server, 'http://127.0.0.1:1', { url: `wss://127.0.0.1:${server.port}`, set });
    assert.equal((await within(client.ended, 'the client to end')).code, 2);
    assert.match(client.stderr, /are no certificate and its key; put both there/);
    const proxied = { url: 'wss://server.test', environment: { HTTPS_PROXY: 'socks5://me:hunter2@proxy' } };
    const socks = startClient(t, server, 'http://127.0.0.1:1', proxied);
    assert.equal((await within(socks.ended, 'the client to end')).code, 2);
    assert.match(socks.stderr, /HTTPS_PROXY does not name an HTTP proxy; write http/);
    assert.doesNotMatch(socks.stderr, /hunter2/);
  });
});

void describe('links through an HTTP proxy', skip, () => {
  it('carry requests by wss:// and by ws://, with the credentials of the environment, which nobody prints', async (t) => {
    for (const scheme of ['wss', 'ws']) {
      const proxy = await startConnectProxy(t, { authorization: PROXY_LINE });
      const address = `http://me:${SECRET}@127.0.0.1:${proxy.port}`;
      const environment = { HTTPS_PROXY: address, HTTP_PROXY: address };
      const server = await startSecureServer(t, { isPlain: scheme === 'ws' });
      const dialling = { url: `${scheme}://server.test:${server.port}`, set: ['link.allowPlain=true'], environment };
      const { entry, client } = await askThrough(t, server, dialling);
      assert.deepEqual(
        new Set(proxy.asked),
        new Set([`server.test:${server.port} ${PROXY_LINE}`]),
        'the name is the proxy’s to resolve',
      );
      const told = await doctorOf(server, dialling);
      const secure = scheme === 'wss' ? ['fail certificate'] : [];
      assert.deepEqual(told, ['ok proxy', ...secure, 'ok link', 'ok clock', 'ok link']);
      for (const { stderr } of [entry, client]) assert.doesNotMatch(stderr, /hunter2|Basic/);
    }
  });

  it('are told of in one line each where the proxy asks for credentials, refuses, or is not there', async (t) => {
    const server = await startSecureServer(t);
    const backend = await startBackend(t);
    const asking = await startConnectProxy(t, { authorization: PROXY_LINE });
    const refusing = await startConnectProxy(t, { authorization: 'none', refusal: '403 Forbidden' });
    const rows = [
      [`127.0.0.1:${asking.port}`, /the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) asks for credentials \(407\)/],
      [`me:wrong-hunter2@127.0.0.1:${asking.port}`, /refuses the credentials that it was given \(407\)/],
      [`127.0.0.1:${refusing.port}`, /does not connect to server\.test:\d+ \(403\)/],
      ['127.0.0.1:1', /the proxy 127\.0\.0\.1:1 \(HTTPS_PROXY\) gives no answer: ECONNREFUSED/],
    ] as const;
    for (const [address, expected] of rows) {
      const environment = { HTTPS_PROXY: `http://${address}` };
      const client = startClient(t, server, backend, { url: `wss://server.test:${server.port}`, environment });
      const { reason } = await client.event<{ reason: string }>('link-lost');
      assert.match(reason, expected);
      assert.doesNotMatch(client.stderr + reason, /hunter2/);
      const doctor = new Command(
        ['doctor', '--json', '--set', `client.servers=["wss://server.test:${server.port}"]`],
        environment,
      );
      assert.equal((await doctor.ended).code, 1);
      const told = doctor.events.find(({ check }) => check === 'proxy');
      assert.match(String(told?.['message']), expected);
    }
  });

  it('carry requests through a proxy that is itself asked by TLS', async (t) => {
    const server = await startSecureServer(t);
    const proxy = await startConnectProxy(t, { authorization: PROXY_LINE, tls: server.issue('proxy') });
    const environment = {
      HTTPS_PROXY: `https://me:${SECRET}@127.0.0.1:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: server.authority.caFile,
    };
    await askThrough(t, server, { url: `wss://server.test:${server.port}`, environment });
    assert.equal(new Set(proxy.asked).size, 1);
  });

  it('go straight where NO_PROXY says so, and to this machine', async (t) => {
    const server = await startSecureServer(t);
    const proxy = await startConnectProxy(t);
    const environment = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '0.0.0.0' };
    const backend = await startBackend(t);
    for (const host of ['127.0.0.1', '0.0.0.0']) {
      await startClient(t, server, backend, { url: `wss://${host}:${server.port}`, environment }).event('ready');
    }
    assert.deepEqual(proxy.asked, []);
  });

  it('carry requests through tinyproxy', needs('tinyproxy'), async (t) => {
    const server = await startSecureServer(t);
    const port = await startTinyproxy(t, server.authority.folder);
    // Not loopback, so that the proxy is used, and yet this machine.
    const url = `wss://0.0.0.0:${server.port}`;
    await askThrough(t, server, { url, environment: { HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${port}` } });
    const refused = startClient(t, server, 'http://127.0.0.1:1', {
      url,
      environment: { HTTPS_PROXY: `http://127.0.0.1:${port}` },
    });
    assert.match((await refused.event<{ reason: string }>('link-lost')).reason, /asks for credentials \(407\)/);
  });
});

async function startTinyproxy(t: TestContext, folder: string): Promise<number> {
  const port = await quietPort();
  const file = join(folder, 'tinyproxy.conf');
  writeFileSync(file, `Port ${port}\nListen 127.0.0.1\nTimeout 600\nAllow 127.0.0.1\nBasicAuth me hunter2\n`);
  const child = spawn('tinyproxy', ['-d', '-c', file], { stdio: 'ignore' });
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const listens = () =>
    new Promise<true | undefined>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(undefined)).on('connect', () => socket.destroy());
    });
  await eventually(listens, 'tinyproxy to listen');
  return port;
}
