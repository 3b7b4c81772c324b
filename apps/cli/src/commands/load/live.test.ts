import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { startCli, temporaryFolder } from '../../testing/cli.ts';
import { refusal } from '../../testing/refusal.ts';

const RAMP = ['load', 'ramp', '--target', 'http://127.0.0.1:9/session/demo/'];
const REQUESTS = 100;

/** `mayEnd`: the last of the requests is answered then. */
async function startBackend(t: TestContext, mayEnd?: Promise<void>): Promise<{ url: string; port: number }> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    if (asked === REQUESTS) void mayEnd?.then(() => response.end('{}'));
    else response.end('{}');
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/session/demo/`, port };
}

describe('load with --metrics-port', { timeout: 300_000 }, () => {
  it('serves its figures while it runs, says where, and ends once the last are fetched', async (t) => {
    const mayEnd = Promise.withResolvers<void>();
    const { url } = await startBackend(t, mayEnd.promise);
    const load = ['--target', url, '--rate', '100', '--duration', '1', '--warm-up', '0', '--timeout', '60000'];
    const run = startCli(t, ['load', 'ramp', ...load, '--metrics-port', '0', '--out', temporaryFolder(t)]);
    let said = '';
    run.child.stderr!.on('data', (text: string) => (said += text));
    await run.said(/figures {3}http\S+\n/);
    const where = /figures {3}(\S+)/.exec(said)?.[1] ?? '';
    const seen = new Set<number>();
    // Until nobody answers any more.
    for (let text: string | null = ''; text !== null;) {
      text = await fetch(where, { headers: { connection: 'close' } }).then(
        (response) => response.text(),
        () => null,
      );
      const count = /^sallyport_load_requests_total\{arm="tunnel",outcome="ok"\} (\d+)$/m.exec(text ?? '')?.[1];
      if (count === undefined || count === '0') continue;
      seen.add(Number(count));
      mayEnd.resolve();
    }
    // 3: a machine that is busy with other tests has spoilt its figures.
    assert.ok([0, 3].includes((await run.ended).code ?? -1), said);
    assert.equal(Math.max(...seen), REQUESTS);
    assert.ok(seen.size > 1, `${[...seen].join(', ')}: only at the end`);
  });

  it('names a port that is in use, a number that is none, and a host without a port', async (t) => {
    const { port } = await startBackend(t);
    const wrong: [string[], RegExp][] = [
      [['--metrics-port', String(port)], new RegExp(`127\\.0\\.0\\.1:${port} is in use`)],
      [['--metrics-port', '70000'], /--metrics-port 70000 is no port/],
      [['--metrics-port', '0x10'], /--metrics-port 0x10 is no port/],
      [['--metrics-host', '0.0.0.0'], /--metrics-host has nothing to serve; give --metrics-port N as well/],
    ];
    for (const [flags, pattern] of wrong) assert.match(await refusal(t, [...RAMP, ...flags]), pattern);
  });
});
