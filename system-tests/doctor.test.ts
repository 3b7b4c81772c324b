/** From something sick to the page for it: what `sallyport doctor` says of a deployment that serves badly. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { certificateFolder, haveOpenssl, putPair, TestAuthority } from '../apps/proxy-entry/src/testing/authority.ts';
import { Command } from './harness/command.ts';
import type { CommandEvent } from './harness/command.ts';
import { eventually } from './harness/deadline.ts';
import { quietPort } from './harness/port.ts';
import { startStack } from './harness/stack.ts';
import type { Stack, StackOptions } from './harness/stack.ts';
import { visit } from './harness/visit.ts';

type Finding = CommandEvent & { readonly status: string; readonly message: string; readonly page?: string };

async function stackFor(t: TestContext, options: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  t.after(() => stack.command.stop());
  return stack;
}

/** What it finds that is not in order, of these parts alone. */
async function findings(t: TestContext, { admin }: Stack, ...more: readonly string[]): Promise<Finding[]> {
  const urls = [admin.server, admin.entry, ...admin.client];
  const doctor = new Command(['doctor', '--json', ...urls.flatMap((url) => ['--admin', url]), ...more]);
  t.after(() => doctor.stop());
  await doctor.ended;
  return (doctor.events as Finding[]).filter(({ status }) => status !== 'ok');
}

const HOURS_LEFT_S = 20 * 3_600;
/** Each look takes a second and more. */
const FOUND_WITHIN_MS = 60_000;

/** Asks until it finds something for this page. */
async function untilFound(t: TestContext, stack: Stack, page: string): Promise<Finding> {
  let seen: Finding[] = [];
  return eventually(
    async () => {
      seen = await findings(t, stack);
      return seen.find((each) => each.page === `docs/runbooks/${page}.md`);
    },
    () => `something for ${page}; found were ${JSON.stringify(seen)}`,
    FOUND_WITHIN_MS,
  );
}

/**
 * Asks until there is nothing of this kind among what it finds: on a machine that is held up for seconds it has something
 * to tell of that.
 */
async function untilNone(isSuch: (finding: Finding) => boolean, ...asked: Parameters<typeof findings>): Promise<void> {
  let left: Finding[] = [];
  await eventually(
    async () => {
      left = (await findings(...asked)).filter(isSuch);
      return left.length === 0 ? true : undefined;
    },
    () => `nothing to be wrong but ${JSON.stringify(left)}`,
    FOUND_WITHIN_MS,
  );
}

const isFault = ({ status, page }: Finding) => status === 'fail' && page !== undefined;

interface Backend {
  readonly backend: Server;
  readonly url: string;
  readonly port: number;
}

async function backendFor(t: TestContext, listener: RequestListener): Promise<Backend> {
  const backend = createServer(listener);
  t.after(() => {
    backend.close();
    backend.closeAllConnections();
  });
  // It may end and come back.
  const port = await listen(backend, await quietPort());
  return { backend, url: `http://127.0.0.1:${port}`, port };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function waitingAt({ admin }: Stack): Promise<number> {
  const response = await fetch(`${admin.server}/api/sessions`, { headers: { Connection: 'close' } });
  const [session] = (await response.json()) as { waiting: number }[];
  return session?.waiting ?? 0;
}

describe('doctor and a deployment that is sick', { concurrency: 2, timeout: 480_000 }, () => {
  it('finds a stack that serves in order', async (t) => {
    const stack = await stackFor(t, { isSplit: true });
    assert.equal((await visit(`${stack.url}loadtest/get`)).status, 200);
    // With nothing configured it looks at what it is told of, and at nothing of this machine.
    await untilNone(() => true, t, stack, '--target', `${stack.url}loadtest/get`);
  });

  it('names a backend that cannot be connected to, and nothing more once it is back', async (t) => {
    const { url, backend, port } = await backendFor(t, (_, response) => void response.end('here'));
    const stack = await stackFor(t, { isSplit: true, backend: url });
    backend.closeAllConnections();
    await new Promise((resolve) => backend.close(resolve));
    for (let i = 0; i < 4; i += 1) assert.equal((await visit(stack.url)).status, 502);
    const { message, status } = await untilFound(t, stack, 'sallyport-backend-down');
    const reason = `backend:demo: cannot connect to the backend ${url}: connect ECONNREFUSED`;
    assert.deepEqual([status, message.includes(reason)], ['fail', true], message);
    assert.equal((await visit(stack.url)).status, 502);
    const all = await findings(t, stack);
    assert.ok(
      all.some((each) => /SP_BACKEND_REFUSED/.test(each.message) && each.status === 'info'),
      JSON.stringify(all),
    );
    await listen(backend, port);
    await eventually(
      async () => ((await visit(stack.url)).status === 200 ? true : undefined),
      'the backend to be used again',
    );
    await untilNone(isFault, t, stack);
  });

  it('names a session whose queue is full, with who waits, and is content when it is not any more', async (t) => {
    const held: ServerResponse[] = [];
    const { url } = await backendFor(t, (_, response) => void held.push(response));
    const set = ['server.queue.limit=2', 'server.queue.timeoutMs=60000'];
    const stack = await stackFor(t, { isSplit: true, concurrency: 1, set, backend: url });
    const asked = Array.from({ length: 3 }, () => visit(stack.url, { limitMs: 120_000 }));
    // A slot and two places; who came last finds none.
    await eventually(async () => ((await waitingAt(stack)) === 2 ? true : undefined), 'two that wait');
    assert.equal((await visit(stack.url)).status, 503);
    const found = await findings(t, stack);
    const full = found.filter(({ page }) => page === 'docs/runbooks/sp-queue-full.md').map(({ message }) => message);
    const [line, ...more] = full;
    assert.match(
      line ?? JSON.stringify(found),
      /session demo: all 1 slots are busy, and 2 wait; its backend http:\S+ has answered nothing/,
    );
    assert.deepEqual(more, []);
    const over = found.filter(({ status }) => status === 'info').map(({ message }) => message);
    assert.ok(
      over.some((message) =>
        /^earlier, and not in the second that was looked at: .*1 × limit queue; .*1 × SP_QUEUE_FULL/.test(message),
      ),
      JSON.stringify(found),
    );
    for (let i = 0; i < asked.length; i += 1) {
      await eventually(async () => (held.length > i ? true : undefined), 'the next request');
      held[i]!.end('done');
    }
    for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200);
    await untilNone(isFault, t, stack);
  });

  it('names the backend that answers 5xx, and no more once it is mended', async (t) => {
    let status = 500;
    const { url } = await backendFor(t, (_, response) => void response.writeHead(status).end());
    const stack = await stackFor(t, { isSplit: true, backend: url });
    const asking = new AbortController();
    t.after(() => asking.abort());
    // It tells what goes on now, so that something has to.
    const visitors = (async () => {
      while (!asking.signal.aborted) await visit(stack.url);
    })();
    const { message } = await untilFound(t, stack, 'sallyport-success-low');
    assert.match(message, new RegExp(`are 5xx of the backend itself, ${url} of session demo$`));
    status = 200;
    assert.equal((await visit(stack.url)).status, 200);
    const left = (await findings(t, stack)).filter((each) => each.status === 'fail');
    assert.deepEqual(left, []);
    asking.abort();
    await visitors;
  });

  it('names the backend that failed the last request, however long ago, and not once it has answered', async (t) => {
    let isMended = false;
    const { url } = await backendFor(t, (request, response) => {
      if (isMended) response.end('here');
      else request.socket.destroy();
    });
    const stack = await stackFor(t, { isSplit: true, backend: url });
    assert.equal((await visit(stack.url)).status, 502);
    const { message } = await untilFound(t, stack, 'sallyport-backend-failing');
    assert.ok(message.includes(`: session demo: its backend ${url} failed the last request (20`), message);
    isMended = true;
    assert.equal((await visit(stack.url)).status, 200);
    await untilNone(({ page }) => page !== undefined, t, stack);
  });

  it('names the link of a client that hangs', async (t) => {
    // So that the link is late for long, and not closed.
    const stack = await stackFor(t, { isSplit: true, set: ['link.heartbeatMs=60000'] });
    const pid = stack.pids.client[0]!;
    process.kill(pid, 'SIGSTOP');
    try {
      // The client itself says nothing now, and would be waited for.
      const others = { ...stack, admin: { ...stack.admin, client: [] } };
      const { message } = await untilFound(t, others, 'sallyport-canary-late');
      assert.match(
        message,
        /server at .*: the link of up-client for demo from 127\.0\.0\.1:\d+ does not pass its canary/,
      );
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('names a certificate that has expired, one that could not be taken over, and none once it is mended', async (t) => {
    if (!haveOpenssl(t)) return;
    const authority = new TestAuthority();
    t.after(() => authority.remove());
    const folder = certificateFolder(authority);
    const names = 'DNS:app.example';
    putPair(folder, 'app', authority.issue('old', { names, secondsLeft: -60 }));
    const files = ['--set', `entry.tls.certificates=${folder}`];
    const stack = await stackFor(t, { isSplit: true, set: [`entry.tls.certificates=${folder}`] });
    const { message } = await untilFound(t, stack, 'sallyport-certificate-expired');
    assert.match(message, /certificate app, in force, has expired/);
    await writeFile(join(folder, 'app.crt'), 'half a certificate');
    await untilFound(t, stack, 'sallyport-certificate-reload-failed');
    const broken = await findings(t, stack, ...files);
    const said = `certificate app: its certificate is not whole, or is no PEM: ${join(folder, 'app.crt')} and app.key`;
    assert.ok(
      broken.some((each) => each.message.startsWith(said)),
      JSON.stringify(broken),
    );
    putPair(folder, 'app', authority.issue('new', { names, secondsLeft: HOURS_LEFT_S }));
    await untilNone(({ page = '' }) => /expired/.test(page), t, stack, ...files);
  });
});
