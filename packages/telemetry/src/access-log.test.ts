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
  log.close();
  const [line] = await lines();
  assert.equal(line!['host'], '[redacted]@a.test');
  assert.equal(line!['target'], 'http://[redacted]@a.test/x?y=1#[redacted]');
});

test('a line tells the exchange, with its arrival, whole microseconds and no secret from the query', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger.child({ listener: 'tls' }));
  log.record(RECORD);
  log.close();
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

test('nothing is written while a request is recorded, and all of it later, without being asked', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger);
  for (let i = 0; i < 2000; i++) log.record({ ...RECORD, requestId: String(i) });
  assert.equal(log.queued, 2000);
  while (log.queued > 0) await new Promise((resolve) => setImmediate(resolve));
  const ids = (await lines()).map((line) => Number(line['requestId']));
  assert.deepEqual(
    ids,
    Array.from({ length: 2000 }, (_, i) => i),
  );
  log.close();
});

test('the queue goes round: nothing is lost or changes places while it is never full', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger, { maxQueued: 700 });
  let id = 0;
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 600; i++) log.record({ ...RECORD, requestId: String(id++) });
    while (log.queued > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  log.close();
  assert.equal(log.lost, 0);
  const ids = (await lines()).map((line) => Number(line['requestId']));
  assert.deepEqual(
    ids,
    Array.from({ length: 3000 }, (_, i) => i),
  );
});

test('a full queue leaves records out, counts them, and keeps the order of the others', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger, { maxQueued: 3 });
  for (let i = 0; i < 5; i++) log.record({ ...RECORD, requestId: String(i) });
  log.close();
  log.record(RECORD);
  assert.equal(log.lost, 3);
  assert.equal(destinationOf(logger)?.lost.get('access'), 3);
  assert.deepEqual(
    (await lines()).map((line) => line['requestId']),
    ['0', '1', '2'],
  );
});

test('texts that strangers choose are cut', async () => {
  const { logger, lines } = setUp();
  const log = createAccessLog(logger);
  log.record({ ...RECORD, target: `/${'x'.repeat(8000)}`, host: 'h'.repeat(8000) });
  log.close();
  const [line] = await lines();
  assert.equal(String(line!['target']).length, 2049);
  assert.equal(String(line!['host']).length, 2049);
});

test('a level above info leaves the access log out, and nothing counts as lost', async () => {
  const { logger, lines } = setUp('warn');
  const log = createAccessLog(logger);
  log.record(RECORD);
  log.close();
  assert.equal(log.lost, 0);
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
