import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { eventsOf, startCli, temporaryFolder } from './testing/cli.ts';
import type { RunningCli } from './testing/cli.ts';
import { isAlive, stillAlive } from './testing/processes.ts';

interface Ready {
  readonly url: string;
  readonly entry: string;
  readonly direct: string;
  readonly pids: { entry: number; server: number; client: number[]; backend: number | null };
  readonly admin: { server: string; entry: string; client: string[] };
}

const UP = ['up', '--entry-port', '0', '--json'];

async function readyOf(cli: RunningCli): Promise<Ready> {
  return (await cli.event('ready')) as unknown as Ready;
}

function pidsOf({ pids }: Ready): number[] {
  return [pids.entry, pids.server, ...pids.client, ...(pids.backend === null ? [] : [pids.backend])];
}

describe('up', { concurrency: 2, timeout: 300_000 }, () => {
  for (const split of [[], ['--split']]) {
    it(`says where everything is and serves until SIGTERM, and leaves nothing (${split.join('') || 'up'})`, async (t) => {
      const cli = startCli(t, [...UP, ...split, '--clients', '2']);
      const ready = await readyOf(cli);
      assert.deepEqual(Object.keys(ready), ['event', 'url', 'entry', 'direct', 'pids', 'admin']);
      assert.deepEqual(Object.keys(ready.pids), ['entry', 'server', 'client', 'backend']);
      assert.deepEqual(Object.keys(ready.admin), ['server', 'entry', 'client']);
      assert.deepEqual([ready.pids.client.length, ready.admin.client.length], [2, 2]);
      assert.equal(ready.url, `${ready.entry}/session/demo/`);
      assert.equal(ready.pids.entry === ready.pids.server, split.length === 0);
      assert.ok(pidsOf(ready).every(isAlive));
      for (const url of [`${ready.url}loadtest/get`, `${ready.direct}/loadtest/get`]) {
        assert.equal((await fetch(url)).status, 200, url);
      }
      for (const admin of [ready.admin.server, ready.admin.entry, ...ready.admin.client]) {
        assert.equal((await fetch(`${admin}/readyz`)).status, 200, admin);
      }
      cli.child.kill('SIGTERM');
      const { code, stderr } = await cli.ended;
      assert.deepEqual([code, stderr.split('\n').length], [0, 2], stderr);
      assert.deepEqual(await stillAlive(pidsOf(ready)), []);
    });
  }

  it('finishes the requests that run when it is told to stop', async (t) => {
    const cli = startCli(t, UP);
    const ready = await readyOf(cli);
    const running = fetch(`${ready.url}loadtest/stream/100`);
    // Its head is here, its end is a second away.
    const answer = await running;
    cli.child.kill('SIGTERM');
    const text = await answer.text();
    assert.equal(text.trim().split('\n').length, 100);
    assert.equal((await cli.ended).code, 0);
  });

  it('stops at once with 130 on the second signal, and leaves nothing', async (t) => {
    const cli = startCli(t, [...UP, '--split']);
    const ready = await readyOf(cli);
    const answer = await fetch(`${ready.url}loadtest/stream/100000`);
    assert.equal(answer.status, 200);
    cli.child.kill('SIGTERM');
    await cli.said(/stopping/);
    cli.child.kill('SIGTERM');
    assert.equal((await cli.ended).code, 130);
    await assert.rejects(answer.text());
    assert.deepEqual(await stillAlive(pidsOf(ready)), []);
  });

  for (const part of ['backend', 'client', 'server'] as const) {
    it(`ends with 1 and one line that names it when the ${part} is killed`, async (t) => {
      const cli = startCli(t, [...UP, '--split']);
      const ready = await readyOf(cli);
      const victim = [ready.pids[part]].flat()[0]!;
      process.kill(victim, 'SIGKILL');
      const { code, stdout, stderr } = await cli.ended;
      assert.equal(code, 1, stderr);
      const said = stderr.split('\n').filter((line) => line.startsWith('sallyport: '));
      assert.deepEqual(said, [`sallyport: the ${part} (pid ${victim}) died: SIGKILL`]);
      assert.doesNotMatch(stderr, /^ {4}at /m);
      assert.deepEqual(
        eventsOf(stdout).map(({ event }) => event),
        ['ready', 'error'],
      );
      assert.deepEqual(await stillAlive(pidsOf(ready)), []);
    });
  }

  for (const [flags, asked] of [
    [[], '/'],
    [['--load-path', '/get?page=2'], '/get?page=2'],
  ] as const) {
    it(`loads a service of one’s own at ${asked} (${flags.join(' ') || 'by default'})`, async (t) => {
      const paths = new Set<string | undefined>();
      const backend = createServer((request, response) => {
        paths.add(request.url);
        response.end('own');
      });
      backend.listen(0, '127.0.0.1');
      await once(backend, 'listening');
      t.after(() => backend.close().closeAllConnections());
      const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
      const cli = startCli(t, [...UP, '--backend', url, '--load', 'smoke', ...flags], { cwd: temporaryFolder(t) });
      const { exitCode } = await cli.event('load');
      assert.ok([0, 3].includes(exitCode as number));
      assert.deepEqual([...paths], [asked]);
      cli.child.kill('SIGTERM');
      assert.equal((await cli.ended).code, 0);
    });
  }

  it('fronts the backend it is given, and says so', async (t) => {
    const backend = startCli(t, ['backend', '--port', '0', '--json']);
    const { url } = await backend.event('ready');
    const cli = startCli(t, [...UP, '--backend', String(url), '--session', 'mine']);
    const ready = await readyOf(cli);
    assert.deepEqual([ready.pids.backend, ready.direct], [null, url]);
    assert.equal((await fetch(`${ready.entry}/session/mine/loadtest/ping`)).status, 200);
    cli.child.kill('SIGTERM');
    assert.equal((await cli.ended).code, 0);
  });
});
