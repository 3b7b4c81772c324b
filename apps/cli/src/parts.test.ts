import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { FileCredentials } from '@sallyport/credentials';
import { eventsOf, startCli, temporaryFolder } from './testing/cli.ts';
import type { RunningCli } from './testing/cli.ts';

const QUIET = ['--json', '--set', 'log.level=error'];
/** Nothing listens at port 1, and it is nobody's to take. */
const NOBODY = 'ws://127.0.0.1:1';

interface Server {
  readonly url: string;
  readonly cli: RunningCli;
  readonly adminUrl: string;
  /** A file with a credential for a client of the session `demo`. */
  readonly credentialFile: string;
  /** The same for an entry. */
  readonly entryFile: string;
}

/** The credentials are there before the server, which looks for new ones once a second. */
async function startServer(t: TestContext): Promise<Server> {
  const folder = temporaryFolder(t);
  const path = join(folder, 'store.json');
  const opened = await FileCredentials.open({ path, create: true });
  assert.ok(opened.ok);
  const issue = async (role: 'client' | 'entry', sessions: string[]) => {
    const issued = await opened.value.add({ principal: role, role, sessions });
    assert.ok(issued.ok);
    const file = join(folder, `${role}.secret`);
    writeFileSync(file, `${issued.value.id}:${issued.value.secret}\n`, { mode: 0o600 });
    return file;
  };
  const credentialFile = await issue('client', ['demo']);
  const entryFile = await issue('entry', []);
  const args = ['server', '--port', '0', '--credential-store', path, '--set', 'server.admin.port=0', ...QUIET];
  const cli = startCli(t, args);
  const { url, admin } = await cli.event('ready');
  return { url: String(url), adminUrl: String(admin), cli, credentialFile, entryFile };
}

function startClient(t: TestContext, server: string, credentialFile: string): RunningCli {
  const flags = ['--session', 'demo', '--server', server, '--credential-file', credentialFile];
  return startCli(t, ['client', 'http://127.0.0.1:9', ...flags, '--set', 'client.admin.port=0', ...QUIET]);
}

function startEntry(t: TestContext, server: string, credentialFile: string): RunningCli {
  const flags = ['--port', '0', '--server', server, '--credential-file', credentialFile];
  return startCli(t, ['entry', ...flags, '--set', 'entry.admin.port=0', ...QUIET]);
}

function wrongCredential(t: TestContext): string {
  const file = join(temporaryFolder(t), 'wrong.secret');
  writeFileSync(file, 'nobody:0123456789abcdef\n', { mode: 0o600 });
  return file;
}

describe('parts in processes of their own', { concurrency: 2, timeout: 300_000 }, () => {
  it('connects a client with a credential of the server, and both stop on SIGTERM with 0', async (t) => {
    const server = await startServer(t);
    const client = startClient(t, server.url, server.credentialFile);
    assert.deepEqual((await client.event('link-up'))['server'], server.url);
    assert.deepEqual((await client.event('ready'))['sessions'], ['demo']);
    client.child.kill('SIGTERM');
    assert.equal((await client.ended).code, 0);
    server.cli.child.kill('SIGTERM');
    assert.equal((await server.cli.ended).code, 0);
  });

  it('ends client and entry at once with 2 when the server refuses the credential', async (t) => {
    const server = await startServer(t);
    const file = wrongCredential(t);
    const refused = await Promise.all([startClient(t, server.url, file).ended, startEntry(t, server.url, file).ended]);
    for (const { code, stdout, stderr } of refused) {
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^sallyport: the server refused the credential[^\n]*sallyport creds add[^\n]*\n$/m);
      assert.equal(eventsOf(stdout).at(-1)?.['code'], 'SP_CREDENTIAL_REFUSED');
    }
  });

  it('ends a client with the credential of an entry, and an entry with that of a client, before they are up', async (t) => {
    const server = await startServer(t);
    const client = await startClient(t, server.url, server.entryFile).ended;
    const entry = await startEntry(t, server.url, server.credentialFile).ended;
    for (const [{ code, stdout, stderr }, what, use] of [
      [client, 'entries, and this is a client', 'client --sessions SESSION'],
      [entry, 'clients, and this is an entry', 'entry'],
    ] as const) {
      assert.equal(code, 2, stderr);
      const line = stderr.trimEnd().split('\n').at(-1) ?? '';
      assert.ok(line.startsWith('sallyport: the server refused the credential '), line);
      assert.ok(line.includes(`: it is for ${what}`), line);
      assert.ok(line.includes(`"sallyport creds add NAME --for ${use}"`), line);
      assert.ok(line.endsWith('; SP_CREDENTIAL_REFUSED, see docs/runbooks/sp-credential-refused.md'), line);
      const events = eventsOf(stdout);
      assert.equal(events.at(-1)?.['code'], 'SP_CREDENTIAL_REFUSED');
      assert.ok(!events.some(({ event }) => event === 'link-up' || event === 'link-lost'), stdout);
    }
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
    assert.match(metrics, /^sallyport_refused_total\{[^}]*SP_LINK_UNAUTHORIZED[^}]*\} 2$/m);
  });

  it('ends a client with 2 when the credential is for other sessions', async (t) => {
    const server = await startServer(t);
    const flags = ['--session', 'other', '--server', server.url, '--credential-file', server.credentialFile];
    const client = startCli(t, ['client', 'http://127.0.0.1:9', ...flags, '--set', 'client.admin.port=0', ...QUIET]);
    const { code, stdout, stderr } = await client.ended;
    assert.equal(code, 2, stderr);
    assert.equal(eventsOf(stdout).at(-1)?.['code'], 'SP_SESSION_REFUSED');
  });

  it('goes on dialling a server that cannot be reached, and says so each time', async (t) => {
    const client = startClient(t, NOBODY, wrongCredential(t));
    const lost = await client.event('link-lost');
    assert.deepEqual([lost['session'], lost['server']], ['demo', NOBODY]);
    assert.match(String(lost['reason']), /ECONNREFUSED/);
    assert.equal(typeof lost['retryInMs'], 'number');
    await client.event('link-lost');
    client.child.kill('SIGTERM');
    const { code, stdout } = await client.ended;
    assert.equal(code, 0);
    assert.equal(eventsOf(stdout)[0]?.event, 'started');
  });
});
