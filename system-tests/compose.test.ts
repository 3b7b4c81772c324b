/** The compose stack, built and used as a developer would; where no Docker engine runs, skipped by name. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const READY_WITHIN_MS = 60_000;
const POLL_MS = 500;
const run = promisify(execFile);

/** Docker is the one tool that may be absent even where every skip is a failure: it cannot be started everywhere. */
function hasDocker(): boolean {
  try {
    execFileSync('docker', ['info'], { stdio: 'ignore' });
    execFileSync('docker-compose', ['version'], { stdio: 'ignore' });
    execFileSync('docker', ['image', 'inspect', 'node:26-bookworm-slim', 'debian:bookworm-slim'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function compose(...args: string[]): Promise<string> {
  const { stdout } = await run('docker-compose', ['-p', 'sallyport-test', ...args], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

async function answerOf(path: string): Promise<Response> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:12000${path}`);
      if (response.status === 200 || Date.now() > deadline) return response;
      await response.body?.cancel();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    // Containers come up one after the other, and say so nowhere that a test could wait on.
    await setTimeout(POLL_MS);
  }
}

test('docker-compose up brings up the stack, and both sessions answer through the tunnel', async (t) => {
  if (!hasDocker()) {
    t.skip('no Docker engine with the base images here');
    return;
  }
  t.after(() => compose('down', '--volumes', '--timeout', '5'));
  await compose('up', '--build', '-d');
  const demo = await answerOf('/session/demo/loadtest/get');
  assert.equal(demo.status, 200);
  assert.match(demo.headers.get('server-timing') ?? '', /entry;dur=/);
  const httpbin = await answerOf('/session/httpbin/get');
  assert.equal(httpbin.status, 200);
  const { headers } = (await httpbin.json()) as { headers: Record<string, string> };
  assert.equal(headers['X-Forwarded-Prefix'], '/session/httpbin');
});
