import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { alternate, peakMemory } from './windows.ts';

const skip = !existsSync('/proc/self/stat') && 'CPU is read from /proc, which is not here';

test('windows are taken A-B-B-A and paired, and CPU is charged to the requests', { skip }, async (context) => {
  const server = createServer((_, res) => res.end('ok'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const targets = ['a', 'b'].map((name) => ({ name, url, pids: { us: process.pid } }));
  const order: string[] = [];
  const plan = { generator: 'builtin', connections: 2, seconds: 0.3, rounds: 1 } as const;
  const { signal } = new AbortController();
  const pairs = await alternate(targets, plan, signal, ({ target }) => order.push(target));
  assert.deepEqual(order, ['a', 'b', 'b', 'a']);
  assert.deepEqual(
    pairs.map((pair) => pair.map(({ target }) => target)),
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  );
  // A window of a busy machine may hold less than the 10 ms that CPU is counted in.
  const chargedUs = pairs.flat().map(({ cpuUsPerRequest }) => cpuUsPerRequest.us ?? NaN);
  assert.ok(chargedUs.every((us) => us >= 0) && Math.max(...chargedUs) > 0, chargedUs.join(' '));
  assert.ok((peakMemory(targets[0] ?? { name: '', url, pids: {} }).us ?? 0) > 1024 * 1024);
});

test('a process that is gone is an error and not a cost of nothing', async () => {
  const target = { name: 'a', url: 'http://127.0.0.1:9/', pids: { entry: 2 ** 30 } };
  const plan = { generator: 'builtin', connections: 1, seconds: 1, rounds: 1 } as const;
  const run = alternate([target], plan, new AbortController().signal, () => {});
  await assert.rejects(run, /^Error: a: the entry process 1073741824 is gone/);
});
