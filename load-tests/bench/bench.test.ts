/** The command as people run it, short. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(script: string, ...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, script), ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
  } catch {
    return Number.NaN;
  }
}

const skip = !existsSync('/proc/self/stat') && 'CPU is read from /proc, which is not here';
const SHORT = ['--seconds', '1', '--rounds', '1', '--generator', 'builtin'];

test('the sketch alone is measured, printed and written as JSON', { skip }, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'bench.json');
  const run = await bench('bench.ts', '--only', 'sketch', '--connections', '5', '--json', file, ...SHORT);
  assert.equal(run.code, 0, run.stderr);
  assert.match(
    run.stdout,
    /^5 connections\n {2}sketch +\d+ requests\/s .*\(entry .*, server .*, client .*, backend .*\)\n$/,
  );
  const report = JSON.parse(await readFile(file, 'utf8'));
  assert.equal(report.schema, 'sallyport.bench/1');
  const [arm] = report.results[0].arms;
  assert.equal(arm.failed, 0);
  assert.ok(arm.tunnelCpuUs > 0 && arm.requestsPerSecond > 0);
  assert.equal(report.results[0].pairs.length, 2);
  assert.deepEqual(Object.keys(report.peakRssBytes.sketch), ['entry', 'server', 'client', 'backend']);
});

test('the backend is measured against the least that node:http can do', { skip }, async () => {
  const run = await bench('backend.ts', '--connections', '5', ...SHORT);
  // Which of the verdicts it is depends on the machine of the moment.
  assert.ok([0, 3, 99].includes(run.code), run.stderr);
  assert.match(
    run.stdout,
    // A window of a second may hold no tick of a process's CPU time.
    /^requests\/s, backend to bare: [\d.]+ \(.*\)\nCPU a request, backend to bare: (?:[\d.]+|Infinity|NaN) \(.*\)\n$/,
  );
});

test('what logs and traces cost is measured against neither', { skip }, async () => {
  const run = await bench('telemetry.ts', '--connections', '5', '--sample-ratio', '0.5', ...SHORT);
  assert.equal(run.code, 0, run.stderr);
  const cost = String.raw`[+-][\d.]+ us a request \(.*\) {2}ratio (?:[\d.]+|Infinity|NaN) \(.*\)`;
  const rows = ['logs', 'traces', 'both'].flatMap((name) => [`${name}, tunnel: ${cost}`, `${name}, entry: ${cost}`]);
  assert.match(run.stdout, new RegExp(`^${rows.join('\\n')}\\n$`));
});

test('Ctrl-C ends the run with 130, and all its processes with it', { skip }, async () => {
  const script = join(import.meta.dirname, 'bench.ts');
  const run = spawn(process.execPath, [script, '--only', 'sketch', '--seconds', '60', '--generator', 'builtin'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // The first line comes when all has been started and load begins.
  await once(run.stderr, 'data');
  const children = childrenOf(run.pid as number);
  assert.ok(children.length >= 4, `backend, entry, server and client: ${children.join(' ')}`);
  run.kill('SIGINT');
  const [code] = (await once(run, 'exit')) as [number];
  assert.equal(code, 130);
  // A child that outlived its parent would have another one now: it is looked for by its own number.
  assert.deepEqual(
    children.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
  );
});

test('a wrong flag is one line and exit code 2', async () => {
  for (const [args, line] of [
    [['--nonsense'], /^Unknown option '--nonsense'/],
    [['--only', 'frp'], /^--only is sketch or sallyport, not "frp" \(--help says more\)\n$/],
    [['--rounds', '0'], /^--rounds takes a whole number from 1 to 100, not "0" \(--help says more\)\n$/],
    [['--connections', '50,x'], /^--connections takes a whole number from 1 to 400, not "x" \(--help says more\)\n$/],
    [['--generator', 'ab'], /^--generator is wrk or builtin, not "ab" \(--help says more\)\n$/],
  ] as const) {
    const run = await bench('bench.ts', ...args);
    assert.equal(run.code, 2);
    assert.match(run.stderr, line);
  }
});
