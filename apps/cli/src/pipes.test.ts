/** Nothing that a setting names may hold a part up: neither its start nor, worse, a reload of one that serves. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
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

describe('a pipe in the place of a file', { concurrency: 2, timeout: 120_000 }, () => {
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
    const set = (...paths: string[]) => paths.flatMap((path) => ['--set', `${path}=${pipe}`]);
    const rows: [string[], RegExp][] = [
      [[...entry, '--credential-file', pipe], /credentialFile/],
      [[...entry, '--config', pipe], /--config|YAML/],
      [[...entry, ...set('link.caFile')], /link\.caFile/],
      [[...entry, ...set('link.certificateFile', 'link.keyFile')], /link\.certificateFile/],
      [[...entry, ...set('entry.admin.credentials')], /cannot be read/],
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
      [[...server, '--credential-store', pipe], /cannot be read/],
    ];
    for (const [args, name] of rows) {
      const line = await refusal(t, args);
      assert.match(line, name);
      assert.match(line, /pipe\b.*no regular file/);
    }
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
