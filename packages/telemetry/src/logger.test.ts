import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { closeLogger, createLogger, destinationOf } from './logger.ts';
import { have } from './testing.ts';

const INDEX = new URL('index.ts', import.meta.url).href;

async function linesOf(run: (logger: ReturnType<typeof createLogger>) => void, level = 'info') {
  const destination = new PassThrough();
  const logger = createLogger({ level, part: 'entry', destination });
  run(logger);
  await closeLogger(logger);
  const all = text(destination);
  destination.end();
  return (await all)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A process of its own that logs to its standard output. */
const program = (body: string): string => `
  const { createLogger, closeLogger } = await import(${JSON.stringify(INDEX)});
  const { destinationOf } = await import(${JSON.stringify(new URL('logger.ts', INDEX).href)});
  const logger = createLogger({ level: 'info', part: 'client' });
  const lost = () => [...destinationOf(logger).lost.entries()].reduce((sum, [, count]) => sum + count, 0);
  ${body}`;

const nodeArguments = (body: string): string[] => ['--input-type=module', '--eval', program(body)];

test('a line is JSON with level, ISO time, part and pid', async () => {
  const [line] = await linesOf((logger) => logger.info({ session: 'demo' }, 'link open'));
  assert.match(String(line!['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  delete line!['time'];
  assert.deepEqual(line, { level: 'info', part: 'entry', pid: process.pid, session: 'demo', msg: 'link open' });
});

test('lines below the level are not written', async () => {
  assert.equal((await linesOf((logger) => logger.info('x'), 'warn')).length, 0);
  assert.equal((await linesOf((logger) => logger.fatal('x'), 'silent')).length, 0);
});

test('secrets are hidden in fields, in the bindings of children and of their children, and in errors', async () => {
  const lines = await linesOf((logger) => {
    const child = logger
      .child({ credential: { secret: 'hunter2' } })
      .child({ Authorization: 'hunter2' }, { level: 'info' });
    child.info({ headers: { 'set-cookie': ['hunter2'] } }, 'x');
    child.error(Object.assign(new Error('failed'), { token: 'hunter2' }));
  });
  assert.equal(lines.length, 2);
  assert.ok(!JSON.stringify(lines).includes('hunter2'));
  assert.equal((lines[1]!['err'] as Record<string, unknown>)['message'], 'failed');
});

test('a stream that fails loses lines, counted, and throws nothing', async () => {
  const destination = new PassThrough();
  const logger = createLogger({ level: 'info', part: 'entry', destination });
  destination.destroy(new Error('gone'));
  logger.info('x');
  await closeLogger(logger);
  assert.equal(destinationOf(logger)?.lost.get('write'), 1);
});

test('closing leaves the descriptor to its owner', async () => {
  const fd = openSync('/dev/null', 'w');
  await closeLogger(createLogger({ level: 'info', part: 'entry', destination: fd }));
  closeSync(fd);
});

test('a process that exits at once has written its lines', () => {
  const out = execFileSync(process.execPath, nodeArguments("logger.info('last words'); process.exit(0);"), {
    encoding: 'utf8',
  });
  assert.match(out, /last words/);
});

test('a process that dies of an exception has written its lines', () => {
  const child = spawnSync(process.execPath, nodeArguments("logger.info('last words'); throw new Error('x');"), {
    encoding: 'utf8',
  });
  assert.equal(child.status, 1);
  assert.match(child.stdout, /last words/);
});

test('with a full disk from the start, a fatal line and the exit return', (context) => {
  if (!have(context, '/dev/full', statSync('/dev/full', { throwIfNoEntry: false }) !== undefined)) return;
  const full = openSync('/dev/full', 'w');
  const body = "logger.info('x'); logger.fatal('y'); await closeLogger(logger); process.stderr.write(String(lost()));";
  const child = spawnSync(process.execPath, nodeArguments(body), {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
  });
  closeSync(full);
  assert.deepEqual([child.status, child.stderr], [0, '2']);
});

test('a file system of 64 KiB that fills up loses lines, counted, and takes them again when there is room', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  context.after(() => {
    spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true });
  });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]).status === 0;
  if (!have(context, 'the right to mount a tmpfs', mounted)) return;
  writeFileSync(join(directory, 'ballast'), Buffer.alloc(32 * 1024));
  const file = join(directory, 'log');
  const fd = openSync(file, 'a');
  const logger = createLogger({ level: 'info', part: 'entry', destination: fd, maxBufferedBytes: 64 * 1024 });
  const LINES = 2000;
  for (let i = 0; i < LINES; i++) logger.info({ i }, 'line');
  const failure = await new Promise<Error | undefined>((resolve) => destinationOf(logger)!.flush(resolve));
  assert.match(String(failure), /ENOSPC/);
  rmSync(join(directory, 'ballast'));
  await closeLogger(logger);
  closeSync(fd);
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const lost = [...destinationOf(logger)!.lost.entries()].reduce((sum, [, count]) => sum + count, 0);
  assert.ok(lost > 0);
  const whole = lines.filter((line) => line.endsWith('"line"}'));
  assert.equal(whole.length + lost, LINES);
});

test('a reader that goes away loses lines, counted, and the process goes on', async () => {
  const body = `
    let left = 6_000;
    const tick = setInterval(() => {
      logger.info('x');
      if (lost() === 0 && --left > 0) return;
      clearInterval(tick);
      process.stderr.write(lost() > 0 ? 'counted' : 'nothing lost');
    }, 10);`;
  const child = spawn(process.execPath, nodeArguments(body), { stdio: ['ignore', 'pipe', 'pipe'] });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.deepEqual([said, code], ['counted', 0]);
});

test('a pipe whose reader stops reading does not hold the process at its end', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'pipe');
  if (!have(context, 'mkfifo', spawnSync('mkfifo', [path]).status === 0)) return;
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, 'w');
  const body = `
    for (let i = 0; i < 2000; i++) logger.info({ pad: 'x'.repeat(200) }, 'x');
    destinationOf(logger).flush(() => process.exit(7));`;
  const child = spawn(process.execPath, nodeArguments(body), { stdio: ['ignore', writer, 'inherit'], timeout: 60_000 });
  const [code] = await once(child, 'exit');
  assert.equal(code, 7);
  closeSync(writer);
  closeSync(reader);
});
