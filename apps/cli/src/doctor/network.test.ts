import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { TestContext } from 'node:test';
import { MemoryCredentials } from '@sallyport/credentials';
import type { Role } from '@sallyport/credentials';
import { startEntry } from '@sallyport/proxy-entry';
import { createLogger } from '@sallyport/telemetry';
import { startServer } from '@sallyport/tunnel-server';
import { hasOpenssl, makeCertificate } from '../testing/certificates.ts';
import { temporaryFolder } from '../testing/cli.ts';
import { freePort } from '../../../../packages/protocol/src/testing/free-port.ts';
import { contextOf, httpServer, listening, verdicts } from '../testing/doctor.ts';
import { checkBackends } from './backends.ts';
import { checkServers } from './servers.ts';
import { checkTarget } from './target.ts';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const mustRun = process.env['SALLYPORT_NO_SKIP'] === '1';
const skip = hasOpenssl() || mustRun ? false : 'no openssl on PATH';
const QUIET = { level: 'silent', part: 'test', destination: 2 } as const;
const VERSION = '0.0.0';
/** Where no DNS server is reached its silence is as good an answer. */
const RESOLVING_MS = 1_000;

async function runningServer(t: TestContext): Promise<{ url: string; admin: string; issue: (role: Role) => string }> {
  const credentials = new MemoryCredentials();
  const { config } = contextOf({ set: { 'server.port': 0, 'server.admin.port': 0 } }).settings!;
  const running = await startServer({ config, credentials, logger: createLogger(QUIET), version: VERSION });
  t.after(() => running.stop());
  const issue = (role: Role) => {
    const issued = credentials.add({ principal: role, role, sessions: ['*'] });
    assert.ok(issued.ok);
    return `${issued.value.id}:${issued.value.secret}`;
  };
  return { url: running.url, admin: running.adminUrl, issue };
}

describe('checkServers', { timeout: 300_000 }, () => {
  it('finds a server that answers, agrees on the time and accepts the credential', async (t) => {
    const { url, issue } = await runningServer(t);
    const env = { SALLYPORT_CREDENTIAL: issue('client') };
    const found = await checkServers(contextOf({ set: { 'client.servers': [url] }, env }));
    assert.deepEqual(verdicts(found), ['ok server', 'ok link', 'ok clock', 'ok link']);
  });

  it('finds a credential that is refused, and one for another use', async (t) => {
    const { url, issue } = await runningServer(t);
    for (const credential of ['nobody:0123456789abcdef', issue('visitor')]) {
      const env = { SALLYPORT_CREDENTIAL: credential };
      const found = await checkServers(contextOf({ set: { 'entry.servers': [url] }, env }));
      assert.deepEqual(verdicts(found), ['ok server', 'ok link', 'ok clock', 'fail link']);
      assert.match(found[3]!.message, /credential is refused/);
      assert.ok(!JSON.stringify(found).includes(credential.split(':')[1]!));
    }
  });

  it('finds a credential that was made for another kind of part, and leaves no link behind', async (t) => {
    const { url, issue, admin } = await runningServer(t);
    for (const part of ['client', 'entry'] as const) {
      for (const kind of ['client', 'entry'] as const) {
        const env = { SALLYPORT_CREDENTIAL: issue(kind) };
        const found = await checkServers(contextOf({ set: { [`${part}.servers`]: [url] }, env }));
        assert.equal(verdicts(found).at(-1), part === kind ? 'ok link' : 'fail link');
        assert.match(found.at(-1)!.message, part === kind ? /: accepted$/ : /: the credential was made for/);
      }
    }
    const sessions = await fetch(`${admin}/api/sessions`, { headers: { Connection: 'close' } });
    assert.deepEqual(await sessions.json(), []);
  });

  it('finds clocks that are an hour apart', async (t) => {
    const { url } = await runningServer(t);
    const set = { 'client.servers': [url] };
    const found = await checkServers(contextOf({ set, nowMs: () => Date.now() - HOUR_MS }));
    assert.deepEqual(verdicts(found), ['ok server', 'ok link', 'warn clock']);
    assert.match(found[2]!.message, /ahead of this one/);
  });

  it('finds another service, nobody, and a name that does not resolve', async (t) => {
    const other = await httpServer(t, (_, response) => void response.end('hello'));
    const cases: [string, string[], RegExp][] = [
      [`ws://127.0.0.1:${other}`, ['ok server', 'fail link'], /answers 200, as no tunnel-server/],
      [`ws://127.0.0.1:${await freePort()}`, ['fail server'], /nothing listens there/],
      [`wss://127.0.0.1:${other}`, ['ok server', 'fail certificate'], /does not speak TLS/],
    ];
    for (const [url, expected, message] of cases) {
      const found = await checkServers(contextOf({ set: { 'client.servers': [url] } }));
      assert.deepEqual(verdicts(found), expected, url);
      assert.match(found.at(-1)!.message, message);
    }
    const set = { 'client.servers': ['wss://nowhere.invalid:1'] };
    const [nowhere] = await checkServers(contextOf({ set, timeoutMs: RESOLVING_MS }));
    assert.deepEqual([nowhere!.status, nowhere!.check], ['fail', 'server']);
    assert.match(nowhere!.message, /nowhere\.invalid/);
  });

  it('finds silence', async (t) => {
    const set = { 'client.servers': [`ws://127.0.0.1:${await listening(t, createServer())}`] };
    let found = await checkServers(contextOf({ set, timeoutMs: 500 }));
    // On a busy machine not even a connection may be made in so short a time.
    if (found.length === 1) found = await checkServers(contextOf({ set, timeoutMs: 10_000 }));
    assert.deepEqual(verdicts(found), ['ok server', 'fail link']);
    assert.match(found[1]!.message, /no answer \(ETIMEDOUT\)/);
  });

  it('names the page for a certificate that is not believed, and goes no further', { skip }, async (t) => {
    const made = makeCertificate(temporaryFolder(t), 'localhost', 30);
    const port = await listening(t, createTlsServer({ key: made.key, cert: made.cert }));
    const found = await checkServers(contextOf({ set: { 'client.servers': [`wss://localhost:${port}`] } }));
    assert.deepEqual(verdicts(found), ['ok server', 'fail certificate']);
    assert.equal(found[1]!.page, 'docs/runbooks/sp-link-tls.md');
  });

  it('only warns of a server that is not there while nothing is configured', async () => {
    const bare = await checkServers(contextOf({}));
    assert.ok(['warn server', 'ok server'].includes(verdicts(bare)[0]!));
    const meant = await checkServers(contextOf({ set: { 'client.links': 2 } }));
    assert.ok(['fail server', 'ok server'].includes(verdicts(meant)[0]!));
  });
});

describe('checkBackends', { timeout: 300_000 }, () => {
  it('connects to each backend, sockets in the file system included', async (t) => {
    const path = join(temporaryFolder(t), 'app.sock');
    const server = createServer().listen(path);
    t.after(() => void server.close());
    const port = await listening(t, createServer());
    const sessions = [
      { id: 'a', backend: `http://127.0.0.1:${port}` },
      { id: 'b', backend: `unix:${path}` },
      { id: 'c', backend: `http://127.0.0.1:${await freePort()}` },
      { id: 'd', backend: 'unix:/nowhere/app.sock' },
    ];
    const found = await checkBackends(contextOf({ set: { 'client.sessions': sessions } }));
    assert.deepEqual(verdicts(found), ['ok backend', 'ok backend', 'fail backend', 'fail backend']);
    assert.match(found[2]!.message, /^c at .*nothing listens/);
    assert.match(found[3]!.message, /^d at .*no such socket/);
  });

  it('judges certificates as the client would: by authority, name and days left', { skip }, async (t) => {
    const made = makeCertificate(temporaryFolder(t), 'localhost', 30);
    const port = await listening(t, createTlsServer({ key: made.key, cert: made.cert }));
    const check = async (session: object, nowMs = Date.now) => {
      const sessions = [{ id: 'a', backend: `https://localhost:${port}`, ...session }];
      const found = await checkBackends(contextOf({ set: { 'client.sessions': sessions }, nowMs }));
      assert.deepEqual(verdicts(found)[0], 'ok backend');
      return found[1]!;
    };
    const trusted = await check({ caFile: made.certFile });
    assert.equal(trusted.status, 'ok', trusted.message);
    assert.match(trusted.message, /DNS:localhost from Sallyport tests, valid for 30\.0 days still/);
    const untrusted = await check({});
    assert.match(untrusted.message, /self-signed/);
    assert.match(untrusted.fix!, /caFile/);
    assert.match((await check({ caFile: made.certFile, serverName: 'other.example' })).message, /other names/);
    assert.equal((await check({ caFile: made.certFile }, () => Date.now() + 24 * 24 * HOUR_MS)).status, 'warn');
    assert.equal((await check({ caFile: made.certFile }, () => Date.now() - YEAR_MS)).status, 'ok');
    assert.match((await check({ caFile: '/nowhere/ca.pem' })).message, /cannot be read \(ENOENT\)/);
  });
});

describe('checkTarget', { timeout: 300_000 }, () => {
  it('names the hop that a problem of the entry comes from', async (t) => {
    const set = { 'entry.port': 0, 'entry.admin.port': 0, 'entry.sessionSyncTimeoutMs': 0, 'log.accessLog': false };
    const { config } = contextOf({ set }).settings!;
    const entry = await startEntry({ config, logger: createLogger(QUIET), version: VERSION });
    t.after(() => entry.stop());
    const found = await checkTarget(contextOf({ target: `${entry.url}/session/demo/` }));
    assert.deepEqual(verdicts(found).slice(0, 2), ['ok target', 'fail target']);
    assert.match(found[1]!.message, /50\d SP_\w+ at the \w+/);
  });

  it('tells an answer through the tunnel from one that came another way', async (t) => {
    const plain = await httpServer(t, (_, response) => void response.end('hello'));
    const through = await httpServer(t, (_, response) => void response.setHeader('Via', '1.1 sallyport-local').end());
    const direct = await checkTarget(contextOf({ target: `http://127.0.0.1:${plain}/` }));
    assert.deepEqual(verdicts(direct), ['ok target', 'warn target', 'ok clock']);
    const tunnelled = await checkTarget(contextOf({ target: `http://127.0.0.1:${through}/` }));
    assert.deepEqual(verdicts(tunnelled), ['ok target', 'ok target', 'ok clock']);
  });

  it('stops at a name that does not resolve, at nobody, and at a certificate for another name', { skip }, async (t) => {
    const made = makeCertificate(temporaryFolder(t), 'other.example', 30);
    const tls = createTlsServer({ key: made.key, cert: made.cert, ALPNProtocols: ['http/1.1'] });
    const port = await listening(t, tls);
    const nobody = await checkTarget(contextOf({ target: `http://127.0.0.1:${await freePort()}/` }));
    assert.deepEqual(verdicts(nobody), ['fail target']);
    const nowhere = await checkTarget(contextOf({ target: 'http://nowhere.invalid/', timeoutMs: RESOLVING_MS }));
    assert.deepEqual(verdicts(nowhere), ['fail target']);
    const found = await checkTarget(contextOf({ target: `https://localhost:${port}/` }));
    assert.deepEqual(verdicts(found), ['ok target', 'fail certificate', 'ok alpn']);
    assert.match(found[2]!.message, /http\/1\.1/);
  });

  it('looks at nothing without a target', async () => {
    assert.deepEqual(await checkTarget(contextOf({})), []);
  });
});
