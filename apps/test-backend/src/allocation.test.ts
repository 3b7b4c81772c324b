/** Fixed answers are built once. V8's sampling heap profiler says who allocates while 100,000 requests are served. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { HeapProfiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBackend } from './index.ts';
import { handleRequest } from './routes.ts';

const CLIENTS = join(import.meta.dirname, 'testing/keep-alive-clients.ts');
const CONNECTIONS = 20;
const SAMPLING_INTERVAL_BYTES = 1024;
/** For the optimising compiler, mostly, to have finished: compiled code lives on the heap as well. */
const WARM_UP_REQUESTS = 30_000;
const REQUESTS = 100_000;
/** The least that a request can allocate is 8 bytes. The compiler replaces a function's code now and then: 1 or 2 KB in all. */
const MOST_BYTES_A_REQUEST = 1;

async function request(port: number, path: string, requests: number): Promise<void> {
  const clients = fork(CLIENTS, [port, path, CONNECTIONS, requests].map(String));
  const [answered] = (await once(clients, 'message')) as [number];
  assert.equal(answered, requests);
}

/** Bytes allocated by functions of this app, by name, also those already collected; and by everything else. */
async function profileAllocations(port: number, path: string, requests: number) {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLING_INTERVAL_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await request(port, path, requests);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  const ours = new Map<string, number>();
  let elsewhereBytes = 0;
  const visit = ({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode): void => {
    const isOurs = callFrame.url.includes('/apps/test-backend/') && !callFrame.url.endsWith('.test.ts');
    const isControl = callFrame.functionName.startsWith('allocating');
    if (selfSize > 0 && (isOurs || isControl)) {
      ours.set(callFrame.functionName, (ours.get(callFrame.functionName) ?? 0) + selfSize);
    } else elsewhereBytes += selfSize;
    children.forEach(visit);
  };
  visit(profile.head);
  return { ours, elsewhereBytes };
}

test('serving the fixed answers allocates nothing in a function of the backend', async (context) => {
  const backend = await startBackend({ host: '127.0.0.1', port: 0 });
  context.after(() => backend.close());
  for (const path of ['/loadtest/ping', '/loadtest/get', '/loadtest/fast']) {
    await request(backend.port, path, WARM_UP_REQUESTS);
    const { ours, elsewhereBytes } = await profileAllocations(backend.port, path, REQUESTS);
    const each = [...ours].filter(([, bytes]) => bytes >= MOST_BYTES_A_REQUEST * REQUESTS);
    assert.deepEqual(each, [], `allocations while serving ${path}`);
    assert.ok(elsewhereBytes > 100_000, 'the profiler has seen what node:http allocates for each request');
  }
});

test('the profile shows a handler that builds one string per request', async (context) => {
  let served = 0;
  // What the backend would be with a counter in its answer's path: the control that keeps the test above honest.
  const server = createServer(function allocatingHandler(req, res) {
    req.url = `/loadtest/ping?${served++}`.slice(0, 14);
    handleRequest(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { ours } = await profileAllocations(port, '/loadtest/ping', 10_000);
  assert.ok((ours.get('allocatingHandler') ?? 0) > MOST_BYTES_A_REQUEST * 10_000, 'the control allocates and is seen');
});
