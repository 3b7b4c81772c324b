/** Nothing that a setting names may hold a part up: neither its start nor, worse, a reload of one that serves. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { FileCredentials } from '@sallyport/credentials';
import { haveOpenssl, TestAuthority } from '../../proxy-entry/src/testing/authority.ts';
import { startCli, temporaryFolder } from './testing/cli.ts';
import { refusal } from './testing/refusal.ts';

const CREDENTIAL = 'nobody:0123456789abcdef\n';

/** A pipe that nobody writes to, and a credential. */
function files(t: TestContext) {
  const folder = temporaryFolder(t);
  const [pipe, credential] = [join(folder, 'pipe'), join(folder, 'credential')];
  execFileSync('mkfifo', [pipe]);
  writeFileSync(credential, CREDENTIAL, { mode: 0o600 });
  mkdirSync(join(folder, 'certificates'));
  return { folder, pipe, credential, certificates: join(folder, 'certificates') };
}

async function storeIn(folder: string): Promise<string> {
  const path = join(folder, 'store.json');
  const opened = await FileCredentials.open({ path, create: true });
  assert.ok(opened.ok);
  assert.ok((await opened.value.add({ principal: 'edge', role: 'entry', sessions: [] })).ok);
  return path;
}

describe('a pipe in the place of a file', { concurrency: 2, timeout: 300_000 }, () => {
  it('keeps a part from starting, in one line that names its setting', async (t) => {
    const { folder, pipe, credential, certificates } = files(t);
    const dials = ['--server', 'ws://127.0.0.1:1'];
    const entry = ['entry', '--port', '0', ...dials, '--set', 'entry.admin.port=0', '--credential-file', credential];
    const client = ['client', 'https://127.0.0.1:1', '--session', 'demo', ...dials];
    const sessions = join(folder, 'sessions.yaml');
    const session = { id: 'demo', backend: 'https://127.0.0.1:1', caFile: pipe };
    writeFileSync(sessions, JSON.stringify({ client: { servers: ['ws://127.0.0.1:1'], sessions: [session] } }));
    const tls = [...entry, '--set', 'entry.tls.port=0', '--set', `entry.tls.certificates=${certificates}`];
    const acme = ['entry.tls.acme.names=a.test', 'entry.tls.acme.termsAgreed=true'].flatMap((each) => ['--set', each]);
    const server = ['server', '--port', '0', '--set', 'server.admin.port=0'];
    const stored = [...server, '--credential-store', await storeIn(folder)];
    // Files are read before it is looked at what they hold.
    const instead = (...paths: string[]) => paths.flatMap((path) => ['--set', `${path}=${credential}`]);
    const set = (...paths: string[]) => paths.flatMap((path) => ['--set', `${path}=${pipe}`]);
    const rows: [string[], RegExp][] = [
      [[...entry, '--credential-file', pipe], /credentialFile/],
      [[...entry, '--config', pipe], /--config|YAML/],
      [[...entry, ...set('link.caFile')], /link\.caFile/],
      [[...entry, ...set('link.certificateFile', 'link.keyFile')], /link\.certificateFile/],
      [[...entry, ...instead('link.certificateFile'), ...set('link.keyFile')], /link\.keyFile/],
      [[...entry, ...set('entry.admin.credentials')], /entry\.admin\.credentials: /],
      [
        [...entry, '--set', 'tracing.endpoint=http://127.0.0.1:4318', ...set('tracing.headersFile')],
        /tracing\.headersFile/,
      ],
      [[...tls, '--set', 'entry.tls.clientCertificates=required', ...set('entry.tls.clientCaFile')], /clientCaFile/],
      [[...tls, ...set('entry.tls.ticketKeyFile')], /ticketKeyFile/],
      [[...tls, ...acme, ...set('entry.tls.acme.caFile')], /acme\.caFile/],
      [[...tls, ...acme, ...set('entry.tls.acme.accountKeyFile')], /acme\.accountKeyFile/],
      [[...client, '--credential-file', pipe], /credentialFile/],
      [['client', '--config', sessions, '--credential-file', credential], /caFile of session demo/],
      [[...server, '--credential-store', pipe], /server\.credentialStore: /],
      [[...stored, ...set('server.admin.credentials')], /server\.admin\.credentials: /],
      [[...stored, ...set('server.tls.certificateFile', 'server.tls.keyFile')], /server\.tls\.certificateFile/],
      [[...stored, ...instead('server.tls.certificateFile'), ...set('server.tls.keyFile')], /server\.tls\.keyFile/],
      [
        [...stored, ...instead('server.tls.certificateFile', 'server.tls.keyFile'), ...set('server.tls.clientCaFile')],
        /server\.tls\.clientCaFile/,
      ],
    ];
    for (const [args, name] of rows) {
      const line = await refusal(t, args);
      assert.match(line, name);
      assert.match(line, /pipe\b.*no regular file/);
    }
  });

  it('keeps an entry from starting where revocations should be', async (t) => {
    if (!haveOpenssl(t)) return;
    const authority = new TestAuthority();
    t.after(() => authority.remove());
    const { pipe, credential, certificates } = files(t);
    const settings = [
      'entry.admin.port=0',
      'entry.tls.port=0',
      `entry.tls.certificates=${certificates}`,
      'entry.tls.clientCertificates=required',
      `entry.tls.clientCaFile=${authority.caFile}`,
      `entry.tls.clientCrlFile=${pipe}`,
    ].flatMap((each) => ['--set', each]);
    const dials = ['--server', 'ws://127.0.0.1:1', '--credential-file', credential];
    const line = await refusal(t, ['entry', '--port', '0', ...dials, ...settings]);
    assert.match(line, /entry\.tls\.clientCrlFile: .*pipe is no regular file/);
  });

  for (const part of ['entry', 'client'] as const) {
    it(`is refused by a reload of the ${part}, which goes on, and takes a file behind links again`, async (t) => {
      const { folder, pipe, credential } = files(t);
      const used = join(folder, 'secret');
      copyFileSync(credential, used);
      const file = join(folder, 'sallyport.yaml');
      const settings = {
        entry: { port: 0, servers: ['ws://127.0.0.1:1'], credentialFile: used, admin: { port: 0 } },
        client: {
          servers: ['ws://127.0.0.1:1'],
          credentialFile: used,
          admin: { port: 0 },
          sessions: [{ id: 'demo', backend: 'http://127.0.0.1:1' }],
        },
      };
      writeFileSync(file, JSON.stringify(settings));
      const cli = startCli(t, [part, '--json', '--config', file]);
      const { admin } = await cli.event(part === 'entry' ? 'ready' : 'started');
      renameSync(pipe, used);
      cli.child.kill('SIGHUP');
      await cli.said(/secret is no regular file .*check credentialFile/);
      assert.equal((await fetch(`${String(admin)}/healthz`)).status, 200);
      symlinkSync('credential', `${used}.next`);
      renameSync(`${used}.next`, used);
      cli.child.kill('SIGHUP');
      await cli.said(/configuration reloaded/);
    });
  }
});
