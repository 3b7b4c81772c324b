import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Processes } from './arms.ts';

const backend = createServer((req, res) => {
  const { method, url, headers } = req;
  res.writeHead(req.url === '/teapot' ? 418 : 200, ['X-Seen', 'yes', 'X-Seen', 'twice']);
  res.end(Buffer.from(JSON.stringify({ method, url, asked: headers['x-asked'], body: 'h\u00e4lt \u2713' })));
});
const processes = new Processes();

/** Processes that end with the test, however it ends: one left running would keep the whole run from ending. */
function processesOf(context: { after(fn: () => Promise<void>): void }): Processes {
  const own = new Processes();
  context.after(() => own.stop());
  return own;
}

let backendUrl = '';
before(async () => {
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  backendUrl = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
});
after(async () => {
  await processes.stop();
  backend.closeAllConnections();
  backend.close();
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** An executable that stands in for `sallyport`. */
async function fakeCommand(context: { after(fn: () => Promise<void>): void }, lines: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  context.after(() => rm(folder, { recursive: true }));
  const command = join(folder, 'sallyport');
  await writeFile(command, `#!${process.execPath}\n${lines}\n`, { mode: 0o755 });
  return command;
}

test('a hundred requests at once through the sketch each get their own answer', async () => {
  const sketch = await processes.startSketch(backendUrl);
  const ask = async (index: number): Promise<void> => {
    const answer = await fetch(`${sketch.url}/path/${index}?q=1`, { headers: { 'x-asked': String(index) } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('x-seen'), 'yes, twice');
    const expected = { method: 'GET', url: `/path/${index}?q=1`, asked: String(index), body: 'h\u00e4lt \u2713' };
    assert.deepEqual(await answer.json(), expected);
  };
  await Promise.all(Array.from({ length: 100 }, (_, index) => ask(index)));
  const teapot = await fetch(`${sketch.url}/teapot`);
  assert.equal(teapot.status, 418);
  await teapot.text();
});

test('stop ends every process that was started', async (context) => {
  const own = processesOf(context);
  const { pids } = await own.startSketch(backendUrl);
  const { pid } = await own.startBackend();
  const all = [...Object.values(pids), pid];
  assert.deepEqual(all.map(isRunning), [true, true, true, true]);
  await own.stop();
  assert.deepEqual(all.map(isRunning), [false, false, false, false]);
});

test('the tunnel is found by the ready line of sallyport up, whatever comes before it', async (context) => {
  const ready = { event: 'ready', url: 'http://127.0.0.1:9/session/demo/', pids: { entry: 0, server: 0, client: [0] } };
  const command = await fakeCommand(
    context,
    `console.log('{"event":"listening"}');
     const ready = ${JSON.stringify(ready)};
     ready.pids.entry = ready.pids.server = ready.pids.client[0] = process.pid;
     ready.args = process.argv.slice(2);
     console.log(JSON.stringify(ready));
     setInterval(() => {}, 1000);`,
  );
  const own = processesOf(context);
  const arm = await own.startSallyport(backendUrl, { command });
  assert.equal(arm.url, 'http://127.0.0.1:9/session/demo');
  assert.deepEqual(Object.keys(arm.pids), ['entry', 'server', 'client']);
  await own.stop();
  assert.equal(isRunning(arm.pids.entry), false);
});

test('a process that ends before it is ready is named in the error', async (context) => {
  const command = await fakeCommand(context, 'process.exit(2);');
  const own = processesOf(context);
  await assert.rejects(
    own.startSallyport(backendUrl, { command }),
    /^Error: sallyport up ended with 2 before it was ready$/,
  );
  await assert.rejects(own.startSallyport(backendUrl, { command: `${command}-missing` }), { code: 'ENOENT' });
});
