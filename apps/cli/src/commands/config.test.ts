import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { configReference, configSchema } from '@sallyport/config';
import { eventsOf, runCli, temporaryFolder } from '../testing/cli.ts';

describe('config', { concurrency: 2, timeout: 300_000 }, () => {
  it('check says ok, and which file that is true of', async (t) => {
    const cwd = temporaryFolder(t);
    const without = await runCli(t, ['config', 'check'], { cwd });
    assert.deepEqual([without.code, without.stdout], [0, 'ok: no file: defaults, environment and flags\n']);
    writeFileSync(join(cwd, 'sallyport.yaml'), 'entry: { port: 8080 }\n');
    const { code, stdout } = await runCli(t, ['config', 'check'], { cwd });
    assert.deepEqual([code, stdout], [0, `ok: ${join(cwd, 'sallyport.yaml')}\n`]);
  });

  it('check prints each problem on a line with its place and its cure, and ends with 2', async (t) => {
    const file = join(temporaryFolder(t), 'broken.yaml');
    writeFileSync(file, 'entry:\n  prot: 8080\nserver:\n  port: high\n');
    const { code, stdout } = await runCli(t, ['config', 'check', file], { env: { SALLYPORT_LOG_LEVEL: 'loud' } });
    assert.equal(code, 2);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 3);
    assert.ok(lines[0]!.startsWith(`${file}:2: `) && lines[1]!.startsWith(`${file}:4: `), stdout);
    assert.match(lines[2]!, /^SALLYPORT_LOG_LEVEL: log\.level: /);
    const events = eventsOf((await runCli(t, ['config', 'check', file, '--json'])).stdout);
    assert.deepEqual(
      events.map(({ event, line }) => [event, line]),
      [
        ['problem', 2],
        ['problem', 4],
      ],
    );
  });

  it('print shows what is in force and where it came from, without secrets', async (t) => {
    const cwd = temporaryFolder(t);
    writeFileSync(join(cwd, 'sallyport.yaml'), 'client: { servers: ["wss://me:hunter2@tunnel.example.org"] }\n');
    const options = { cwd, env: { SALLYPORT_ENTRY_PORT: '8080' } };
    const { code, stdout } = await runCli(t, ['config', 'print', '--set', 'server.port=5'], options);
    assert.equal(code, 0);
    assert.match(stdout, /^ {2}port: 8080 # environment$/m);
    assert.match(stdout, /^ {2}port: 5 # flag$/m);
    assert.match(stdout, /^ {2}servers: .*wss:\/\/\*\*\*@tunnel\.example\.org.* # file$/m);
    const json = await runCli(t, ['config', 'print', '--json'], options);
    const [printed] = eventsOf(json.stdout) as unknown as [{ config: object; origins: Record<string, string> }];
    assert.equal(printed.origins['entry.port'], 'environment');
    assert.match(JSON.stringify(printed.config), /wss:\/\/\*\*\*@tunnel/);
    for (const text of [stdout, json.stdout, json.stderr]) assert.doesNotMatch(text, /hunter2/);
  });

  it('schema and reference print what the configuration is made from', async (t) => {
    const schema = await runCli(t, ['config', 'schema']);
    assert.deepEqual(JSON.parse(schema.stdout), configSchema());
    const reference = await runCli(t, ['config', 'reference']);
    assert.equal(reference.stdout, configReference());
  });
});
