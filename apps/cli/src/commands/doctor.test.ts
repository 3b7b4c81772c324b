import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { FileCredentials } from '@sallyport/credentials';
import { untilReachable } from '../stack/reachable.ts';
import { freePort } from '../../../../packages/protocol/src/testing/free-port.ts';
import { startCli, runCli, eventsOf, temporaryFolder } from '../testing/cli.ts';
import type { CliOptions } from '../testing/cli.ts';

interface Deployment {
  readonly configFile: string;
  readonly target: string;
}

const QUIET: CliOptions = { env: { SALLYPORT_LOG_LEVEL: 'error' } };

/** A backend, a server, an entry and a client as somebody would start them, and the file that describes them. */
async function deploy(t: TestContext): Promise<Deployment> {
  const folder = temporaryFolder(t);
  const store = join(folder, 'sallyport-credentials.json');
  const opened = await FileCredentials.open({ path: store, create: true });
  assert.ok(opened.ok);
  for (const role of ['entry', 'client'] as const) {
    const issued = await opened.value.add({ principal: role, role, sessions: role === 'client' ? ['demo'] : [] });
    assert.ok(issued.ok);
    writeFileSync(join(folder, `${role}.secret`), `${issued.value.id}:${issued.value.secret}`, { mode: 0o600 });
  }
  // It tells its sessions when it is ready, and not this.
  const clientAdmin = await freePort();
  const start = async (args: readonly string[]) => {
    const part = args[0]!;
    const port = part === 'client' ? clientAdmin : 0;
    const admin = part === 'backend' ? [] : ['--set', `${part}.admin.port=${port}`];
    const ready = await startCli(t, [...args, ...admin, '--json'], QUIET).event('ready');
    return { url: String(ready['url']), port: portOf(ready['url']), admin: String(ready['admin']) };
  };
  const backend = await start(['backend', '--port', '0']);
  const server = await start(['server', '--port', '0', '--credential-store', store]);
  const dial = (role: string) => ['--server', server.url, '--credential-file', join(folder, `${role}.secret`)];
  const entry = await start(['entry', '--port', '0', ...dial('entry')]);
  await start(['client', backend.url, '--session', 'demo', ...dial('client')]);
  await untilReachable({ entry: entry.admin, server: server.admin, session: 'demo', clients: 1 });
  const configFile = join(folder, 'sallyport.yaml');
  writeFileSync(
    configFile,
    `entry: { port: ${entry.port}, connections: 100, servers: ['${server.url}'], credentialFile: entry.secret, admin: { port: ${portOf(entry.admin)} } }
server: { port: ${server.port}, maxLinks: 100, admin: { port: ${portOf(server.admin)} } }
client:
  servers: ['${server.url}']
  credentialFile: client.secret
  admin: { port: ${clientAdmin} }
  maxLongStreams: 100
  sessions: [{ id: demo, backend: '${backend.url}' }]
`,
  );
  return { configFile, target: `${entry.url}/session/demo/loadtest/get` };
}

function portOf(url: unknown): number {
  return typeof url === 'string' ? Number(new URL(url).port) : 0;
}

describe('doctor', { concurrency: 2, timeout: 300_000 }, () => {
  it('finds a deployment in order, in the order of its checks, and ends with 0', async (t) => {
    const examine = async () => {
      const { configFile, target } = await deploy(t);
      const ended = await runCli(t, ['doctor', '--config', configFile, '--target', target, '--json']);
      const findings = eventsOf(ended.stdout);
      return { ...ended, findings, wrong: findings.filter(({ status }) => status !== 'ok') };
    };
    let examined = await examine();
    // On a busy machine a part may really be late: then another deployment.
    for (let i = 0; i < 2 && examined.wrong.length > 0; i += 1) examined = await examine();
    const { code, stderr, findings, wrong } = examined;
    assert.deepEqual(wrong, []);
    assert.equal(code, 0, stderr);
    const checks = findings.map(({ check }) => String(check)).filter((check, index, all) => check !== all[index - 1]);
    assert.equal(
      checks.join(' '),
      'node configuration port store credential server link clock link server link clock link backend descriptors ready target clock',
    );
    assert.match(stderr, /^0 failed, 0 to look at, \d+ in order$/m);
  });

  it('says what is broken and how to fix it, and ends with 1', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(
      join(folder, 'sallyport.yaml'),
      'client: { servers: ["ws://127.0.0.1:1"], admin: { port: 0 }, sessions: [{ id: demo, backend: "http://127.0.0.1:1" }] }\n',
    );
    // With an admin port that is named, nobody is asked who happens to run at the default ones of this machine.
    const asked = ['--target', 'http://127.0.0.1:1/', '--admin', 'http://127.0.0.1:1'];
    const { code, stdout } = await runCli(t, ['doctor', ...asked], { cwd: folder });
    assert.equal(code, 1);
    assert.match(stdout, /^warn {2}look +not looked at: client \(no --admin leads to one\); /m);
    const failed = stdout.split('\n').filter((line) => line.startsWith('fail'));
    const checks = failed.map((line) => line.split(/\s+/)[1]);
    assert.deepEqual(checks, ['credential', 'server', 'backend', 'ready', 'target']);
    for (const line of failed) assert.match(line, /; \S/);
  });

  it('takes a configuration with problems for a finding, and still looks at the rest', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'sallyport.yaml'), 'entry:\n  prot: 1\n');
    const { code, stdout } = await runCli(t, ['doctor'], { cwd: folder });
    assert.equal(code, 1);
    assert.match(stdout, /^ok {4}node /m);
    assert.match(stdout, /^fail {2}configuration .*sallyport\.yaml:2: .*did you mean/m);
  });

  it('refuses a target or an admin port that is no URL, and a credential file that cannot be read', async (t) => {
    const refusals: [string[], RegExp][] = [
      [['--target', 'localhost:80'], /^sallyport: --target is not an http[^\n]*\n$/],
      [['--admin', 'http://127.0.0.1:1', '--admin', '12003'], /^sallyport: --admin is not an http[^\n]*\n$/],
      [['--credential-file', '/nowhere/admin.secret'], /^sallyport: \/nowhere\/admin\.secret cannot be read[^\n]*\n$/],
    ];
    for (const [args, message] of refusals) {
      const { code, stderr } = await runCli(t, ['doctor', ...args]);
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
  });
});
