import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { LogDestination } from './log-destination.ts';
import { MemorySink } from './testing.ts';

const flushed = (destination: LogDestination): Promise<Error | undefined> =>
  new Promise((resolve) => destination.flush(resolve));

const totalLost = (destination: LogDestination): number => {
  let total = 0;
  for (const [, count] of destination.lost.entries()) total += count;
  return total;
};

function open(context: TestContext, maxBufferedBytes?: number) {
  const sink = new MemorySink();
  const destination = new LogDestination(sink, maxBufferedBytes);
  context.after(() => {
    sink.failWith = null;
    sink.held = false;
    sink.answer();
    return destination.close();
  });
  return { sink, destination };
}

test('lines come out whole and in order, however few bytes a write takes', async (context) => {
  // However long a busy machine takes: closing gives up after 2 s.
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const line = fc.string({ unit: 'binary', maxLength: 50 }).map((text) => `${JSON.stringify(text)}\n`);
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 40 }), fc.integer({ min: 7, max: 500 }), async (lines, takesBytes) => {
      const sink = new MemorySink();
      sink.takesBytes = takesBytes;
      const destination = new LogDestination(sink);
      for (const text of lines) destination.write(text);
      await destination.close();
      assert.equal(sink.text, Buffer.from(lines.join('')).toString('latin1'));
      assert.equal(totalLost(destination), 0);
      assert.equal(destination.bufferedBytes, 0);
    }),
    { numRuns: 50 },
  );
});

test('lines of one moment go out in one write', async (context) => {
  const { sink, destination } = open(context);
  for (let i = 0; i < 100; i++) destination.write(`line ${i}\n`);
  await flushed(destination);
  assert.equal(sink.writes, 1);
});

test('a destination that never answers fills the buffer, and the rest is dropped and counted', (context) => {
  const { sink, destination } = open(context, 100);
  sink.held = true;
  for (let i = 0; i < 50; i++) destination.write('123456789\n');
  destination.flush();
  destination.write('123456789\n');
  assert.equal(destination.bufferedBytes, 100);
  assert.equal(destination.lost.get('buffer'), 41);
});

test('a full disk keeps lines until there is room again', async (context) => {
  const { sink, destination } = open(context);
  sink.failWith = 'ENOSPC';
  destination.write('kept\n');
  assert.match(String(await flushed(destination)), /ENOSPC/);
  assert.equal(destination.lost.get('write'), 0);
  sink.failWith = null;
  assert.equal(await flushed(destination), undefined);
  assert.equal(sink.text, 'kept\n');
});

test('a full disk is tried again without being asked', async (context) => {
  const { sink, destination } = open(context);
  sink.failWith = 'ENOSPC';
  destination.write('kept\n');
  await flushed(destination);
  sink.failWith = null;
  const arrived = new Promise<void>((resolve) => {
    sink.onAnswered = resolve;
  });
  // The retry's timer does not hold the process, so that the test has to.
  const hold = setInterval(() => undefined, 1000);
  await arrived;
  clearInterval(hold);
  assert.equal(sink.text, 'kept\n');
});

test('lines for a broken pipe are lost and counted, and later ones are still tried', async (context) => {
  const { sink, destination } = open(context);
  sink.failWith = 'EPIPE';
  for (let i = 0; i < 3; i++) destination.write('lost\n');
  await flushed(destination);
  assert.equal(destination.lost.get('write'), 3);
  assert.equal(destination.bufferedBytes, 0);
  sink.failWith = null;
  destination.write('back\n');
  await flushed(destination);
  assert.equal(sink.text, 'back\n');
});

test('closing over a full disk ends, and counts what it leaves, the torn line included', async () => {
  const sink = new MemorySink();
  const destination = new LogDestination(sink);
  sink.takesBytes = 7;
  for (let i = 0; i < 4; i++) destination.write('12345\n');
  // The answer is followed by the next write at once, so that this is the state of that one.
  sink.onAnswered = () => (sink.failWith = 'ENOSPC');
  await destination.close();
  assert.equal(sink.text, '12345\n1');
  assert.equal(destination.lost.get('write'), 3);
  assert.ok(sink.released);
});

test('closing waits out a full pipe', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sink = new MemorySink();
  const destination = new LogDestination(sink);
  sink.failWith = 'EAGAIN';
  destination.write('late\n');
  sink.onAnswered = () => {
    if (sink.writes === 5) sink.failWith = null;
    context.mock.timers.tick(5);
  };
  await destination.close();
  assert.equal(sink.text, 'late\n');
  assert.equal(totalLost(destination), 0);
});

test('a line after closing is counted and goes nowhere', async () => {
  const sink = new MemorySink();
  const destination = new LogDestination(sink);
  await destination.close();
  destination.write('late\n');
  assert.equal(sink.text, '');
  assert.equal(destination.lost.get('closed'), 1);
});

test('a synchronous flush gives up at the first error and keeps the lines', async (context) => {
  const { sink, destination } = open(context);
  sink.failWith = 'ENOSPC';
  destination.write('kept\n');
  destination.flushSync();
  sink.failWith = null;
  await flushed(destination);
  assert.equal(sink.text, 'kept\n');
});

test("the listener for the process's end is there while a destination is open, once for all", async () => {
  const before = process.listenerCount('exit');
  const open = Array.from({ length: 20 }, () => new LogDestination(new MemorySink()));
  assert.equal(process.listenerCount('exit'), before + 1);
  await Promise.all(open.map((destination) => destination.close()));
  assert.equal(process.listenerCount('exit'), before);
});
