import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type AccessRecord, createAccessLog } from './access-log.ts';
import { closeLogger, createLogger, destinationOf } from './logger.ts';

const RECORD: AccessRecord = {
  requestId: 'r1',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  arrivedMs: 1_790_000_000_000.0625,
  method: 'GET',
  host: 'demo.example.org',
  target: '/x?token=hunter2',
  status: 503,
  bytesIn: 1,
  bytesOut: 2,
  durationMs: 3.5,
  remote: '127.0.0.1',
  session: 'demo',
  code: 'SP_QUEUE_FULL',
  attempts: 1,
  hopsUs: Float64Array.from([1.4, 2, 3, 4, 5, 6, 7.6]),
};

function setUp(level = 'info') {
  const stream = new PassThrough();
  let written = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (written += chunk));
  const logger = createLogger({ level, part: 'entry', destination: stream });
  const lines = async (): Promise<Record<string, unknown>[]> => {
    await closeLogger(logger);
    return written
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  return { logger, lines };
}

test('a line shows no user, password or fragment of a target, nor a user in Host', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger);
  log.record({ ...RECORD, host: 'me:hunter2@a.test', target: 'http://me:hunter2@a.test/x?y=1#hunter2' });
  const [line] = await lines();
  assert.equal(line!['host'], '[redacted]@a.test');
  assert.equal(line!['target'], 'http://[redacted]@a.test/x?y=1#[redacted]');
});

test('a line tells the exchange, with its arrival, whole microseconds and no secret from the query', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger.child({ listener: 'tls' }));
  log.record(RECORD);
  const [line] = await lines();
  assert.match(String(line!['time']), /Z$/);
  delete line!['time'];
  assert.deepEqual(line, {
    ...RECORD,
    level: 'info',
    part: 'entry',
    pid: process.pid,
    listener: 'tls',
    arrivedMs: 1_790_000_000_000.063,
    target: '/x?token=[redacted]',
    hopsUs: [1, 2, 3, 4, 5, 6, 8],
    msg: 'request',
  });
});

test('lines come in the order of their exchanges, each with its own time', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger);
  const before = new Date().toISOString();
  for (let i = 0; i < 2000; i++) log.record({ ...RECORD, requestId: String(i) });
  const all = await lines();
  assert.deepEqual(
    all.map((line) => Number(line['requestId'])),
    Array.from({ length: 2000 }, (_, i) => i),
  );
  const times = all.map((line) => String(line['time']));
  assert.deepEqual(times, times.toSorted());
  assert(times[0]! >= before);
});

test('lines that the destination does not take are lost and counted, as all others', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger);
  await lines();
  log.record(RECORD);
  assert.equal(destinationOf(logger)?.lost.get('closed'), 1);
});

test('texts that strangers choose are cut', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger);
  log.record({ ...RECORD, target: `/${'x'.repeat(8000)}`, host: 'h'.repeat(8000) });
  const [line] = await lines();
  assert.equal(String(line!['target']).length, 2049);
  assert.equal(String(line!['host']).length, 2049);
});

test('a level above info leaves the access log out, and nothing counts as lost', async () => {
  const { logger, lines } = setUp('warn');
  const log = createAccessLog(logger);
  log.record(RECORD);
  assert.equal(destinationOf(logger)?.lost.get('closed'), 0);
  assert.deepEqual(await lines(), []);
});

test('a process that exits at once has written its access log', () => {
  const index = JSON.stringify(new URL('index.ts', import.meta.url).href);
  const body = `
    const { createLogger, createAccessLog } = await import(${index});
    createAccessLog(createLogger({ level: 'info', part: 'entry' })).record({ target: '/last', host: '', hopsUs: [] });
    process.exit(0);`;
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', body], { encoding: 'utf8' });
  assert.match(out, /"\/last"/);
});
