import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { eventsOf, runCli, startCli, temporaryFolder } from './testing/cli.ts';
import type { Ended } from './testing/cli.ts';
import { refusal } from './testing/refusal.ts';

async function takenPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('the command line', { concurrency: 2, timeout: 300_000 }, () => {
  it('prints the version for every command', async (t) => {
    const ended = await Promise.all([['--version'], ['creds', 'add', '--version']].map((args) => runCli(t, args)));
    for (const { code, stdout } of ended) assert.deepEqual([code, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true]);
  });

  it('ends with 0 after --help, and with 2 after the help that nobody asked for', async (t) => {
    const asked = await runCli(t, ['up', '--help']);
    assert.deepEqual([asked.code, asked.stderr], [0, '']);
    assert.match(asked.stdout, /^Usage: sallyport up/);
    const unasked = await runCli(t, ['creds']);
    assert.deepEqual([unasked.code, unasked.stdout], [2, '']);
    assert.match(unasked.stderr, /^Usage: sallyport creds/);
  });

  it('refuses an unknown command in one line', async (t) => {
    assert.match(await refusal(t, ['sever']), /unknown command 'sever' \(Did you mean server\?\).*sallyport --help/);
    assert.match(await refusal(t, ['creds', 'frob']), /unknown command 'frob'; sallyport creds --help/);
  });

  it('refuses an unknown option, a missing one and a wrong value in one line', async (t) => {
    assert.match(await refusal(t, ['server', '--frob']), /unknown option '--frob'; sallyport server --help/);
    assert.match(await refusal(t, ['creds', 'add', 'x']), /'--for <use>' not specified; sallyport creds add --help/);
    assert.match(
      await refusal(t, ['server', '--port', 'abc']),
      /--port <n>.* 'abc' .*not a whole number from 0 to 65535/,
    );
  });

  it('says the same as a JSON line for scripts', async (t) => {
    const { code, stdout, stderr } = await runCli(t, ['server', '--frob', '--json']);
    const [event, ...others] = eventsOf(stdout);
    assert.deepEqual([code, event?.['event'], event?.['code'], others.length], [2, 'error', 'SP_USAGE', 0]);
    assert.equal(stderr, `sallyport: ${String(event?.['message'])}\n`);
  });

  it('goes on quietly when nobody reads its output any more', async (t) => {
    const cli = startCli(t, ['config', 'reference']);
    cli.child.stdout?.destroy();
    const { code, stderr } = await cli.ended;
    assert.deepEqual([code, stderr], [0, '']);
  });
});

describe('what has to be corrected before a part can start', { concurrency: 2, timeout: 300_000 }, () => {
  it('names the missing credential store and the command that makes it', async (t) => {
    const cwd = temporaryFolder(t);
    const line = await refusal(t, ['server', '--port', '0'], { cwd });
    assert.match(line, /sallyport-credentials\.json is not there; .*sallyport creds add/);
  });

  it('says that a protocol goes with a backend, and which there are', async (t) => {
    assert.match(await refusal(t, ['up', '--protocol', 'h2c']), /--protocol is about your own backend; .*--backend/);
    assert.match(await refusal(t, ['client', '--protocol', 'h2c']), /--protocol goes with a backend URL; .*sessions/);
    const wrong = ['client', 'http://127.0.0.1:1', '--session', 'a', '--protocol', 'h3'];
    assert.match(await refusal(t, wrong), /'h3' is invalid.* http1, h2, h2c/);
  });

  it('looks for the store beside the configuration file', async (t) => {
    const cwd = temporaryFolder(t);
    writeFileSync(join(cwd, 'there.yaml'), 'server: { port: 0 }\n');
    const line = await refusal(t, ['server', '--config', join(cwd, 'there.yaml')]);
    assert.ok(line.includes(join(cwd, 'sallyport-credentials.json')), line);
  });

  it('names file and line of broken YAML and of a setting that cannot be', async (t) => {
    const cwd = temporaryFolder(t);
    writeFileSync(join(cwd, 'sallyport.yaml'), 'entry:\n  port: 1\n  port: 2\n');
    assert.match(await refusal(t, ['backend'], { cwd }), /sallyport\.yaml:3: /);
    writeFileSync(join(cwd, 'sallyport.yaml'), 'entry:\n  port: high\n');
    assert.match(await refusal(t, ['backend'], { cwd }), /sallyport\.yaml:2: entry\.port: a text is not/);
  });

  it('names the port that is in use', async (t) => {
    const port = await takenPort(t);
    const free = ['entry.admin', 'server', 'server.admin', 'client.admin', 'backend'];
    const others = free.flatMap((part) => ['--set', `${part}.port=0`]);
    const commands = [
      ['backend', '--port', String(port)],
      ['up', '--entry-port', String(port), ...others],
      ['up', '--entry-port', String(port), '--split', ...others],
      ['up', '--set', 'entry.port=0', ...others, '--set', `server.admin.port=${port}`],
    ];
    for (const args of commands) {
      assert.match(await refusal(t, args), new RegExp(`127\\.0\\.0\\.1:${port}.* in use`));
    }
  });

  it('names a credential file that is missing, and a file of a setting that is', async (t) => {
    const client = ['client', 'http://127.0.0.1:9', '--session', 'demo'];
    assert.match(await refusal(t, [...client, '--credential-file', '/nowhere/x']), /\/nowhere\/x cannot be read/);
    const env = { SALLYPORT_CREDENTIAL: 'id:0123456789abcdef' };
    const line = await refusal(t, [...client, '--set', 'link.caFile=/nowhere/ca.pem'], { env });
    assert.match(line, /link\.caFile: \/nowhere\/ca\.pem cannot be read \(ENOENT\)/);
  });
});

it('never shows a stack trace', { timeout: 300_000 }, async (t) => {
  const broken: Ended[] = await Promise.all([
    runCli(t, ['config', 'check', '/']),
    runCli(t, ['creds', 'list', '--store', '/dev/null/x']),
    runCli(t, ['backend', '--set', 'backend.host=256.256.256.256']),
    runCli(t, ['up', '--entry-port', '0', '--set', 'server.host=203.0.113.1']),
  ]);
  for (const { code, stderr } of broken) {
    assert.equal(code, 2, stderr);
    assert.doesNotMatch(stderr, /^ {4}at /m);
  }
});
