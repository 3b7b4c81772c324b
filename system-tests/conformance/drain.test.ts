/** Row 38: SIGTERM under load: what runs is finished, nothing new is taken, and all processes end. Each row has its own stack. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { CEILING_MS, eventually } from '../harness/deadline.ts';
import { Load } from '../harness/load.ts';
import { tally } from '../harness/load-outcomes.ts';
import type { Stack } from '../harness/stack.ts';
import { visit } from '../harness/visit.ts';
import { dial, valuesOf } from '../harness/wire.ts';
import { GET, POST } from './far-end.ts';
import { unlessHeldUp } from './held-up.ts';
import { assertEnds, ownStack } from './own-stack.ts';
import { conformance } from './rows.ts';

const BYTES = 4 * 1024 * 1024;
/** Longer than connections are left open for courtesy: a request that runs is not among those. */
const OVER_ANY_GRACE_MS = 2_500;
/** For so long a connection that is idle is answered still in a drain. */
const GRACE_MS = 1_000;
const PING = GET.replace('/x', '/loadtest/ping');
const SHORT_LIMITS = ['entry', 'server', 'client'].map((part) => `${part}.drainTimeoutMs=300`);

/** Returns once the entry takes no more connections. */
async function drain({ url, command }: Stack): Promise<void> {
  command.signal('SIGTERM');
  const refused = async () =>
    (await dial(url).then(
      (wire) => wire.close(),
      () => true,
    )) ?? undefined;
  await eventually(refused, 'the entry to take no new connections');
}

conformance('Drain', [], (row) => {
  row(
    38,
    'finishes in a drain every request that runs, says Connection: close, takes no new one, and exits with 0',
    async (bench, t) => {
      const { backend } = bench;
      const stack = await ownStack(t, bench, { backend: backend.url });
      const { url } = stack;
      const sent = Buffer.alloc(BYTES, 'to be drained');

      const waiting = await dial(url);
      waiting.send(GET);
      const forWaiting = await backend.accept();
      await forWaiting.readHead();

      const downloading = visit(`${url}download`);
      const forDownload = await backend.accept();
      await forDownload.readHead();
      forDownload.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BYTES}\r\n\r\n`);
      forDownload.send(sent.subarray(0, 1_000_000));

      const uploader = await dial(url);
      uploader.send(`${POST}Content-Length: ${BYTES}\r\n\r\n`);
      uploader.send(sent.subarray(0, 1_000));
      const forUpload = await backend.accept();
      await forUpload.readHead();

      const idle = await dial(url);
      await drain(stack);
      assert.equal((await idle.readAll()).bytes.length, 0);

      forDownload.send(sent.subarray(1_000_000));
      forWaiting.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfinished');
      uploader.send(sent.subarray(1_000));
      assert.equal(sha256(await forUpload.read(BYTES)), sha256(sent));
      forUpload.send('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');

      const { first, fields } = await waiting.readHead();
      assert.equal(first, 'HTTP/1.1 200 OK');
      assert.deepEqual(valuesOf(fields, 'connection'), ['close']);
      assert.equal((await waiting.readAll()).bytes.toString(), 'finished');
      assert.equal(sha256((await downloading).body), sha256(sent));
      const created = await uploader.readHead();
      assert.equal(created.first, 'HTTP/1.1 201 Created');
      assert.deepEqual(valuesOf(created.fields, 'connection'), ['close']);
      for (const wire of [waiting, uploader, idle]) wire.close();
      await assertEnds(stack);
    },
  );

  row(
    38,
    'answers in a drain a request that comes on a connection which was idle, says Connection: close, and ends it',
    async (bench, t) => {
      await unlessHeldUp(GRACE_MS, async (begin) => {
        const stack = await ownStack(t, bench, {});
        const visitor = await dial(stack.url);
        visitor.send(PING);
        await visitor.readThrough('pong\n');
        begin();
        await drain(stack);
        visitor.send(PING);
        const { first, fields } = await visitor.readHead();
        assert.equal(first, 'HTTP/1.1 200 OK');
        assert.deepEqual(valuesOf(fields, 'connection'), ['close']);
        assert.equal((await visitor.readAll()).bytes.toString(), 'pong\n');
        await assertEnds(stack);
        visitor.close();
      });
    },
  );

  row(38, 'cuts in a drain no request that a stream of visitors began', async (bench, t) => {
    const stack = await ownStack(t, bench, {});
    const { url, command } = stack;
    await using load = new Load(url, 20, CEILING_MS);
    await load.more(100);
    const slow = visit(`${url}loadtest/delay/${OVER_ANY_GRACE_MS}`);
    // More than all that ran before it: by then it has been taken, too.
    await load.more(60);
    command.signal('SIGTERM');
    assert.equal((await slow).status, 200);
    await assertEnds(stack);
    const outcomes = await load.stop();
    // No answer: a connection that was not taken any more.
    const bad = outcomes.filter(({ end }) => end !== 'answer' && end !== 'no-answer');
    assert.deepEqual(tally(bad), {});
  });

  row(38, 'cuts what has not finished within the limit of the drain, visibly, and exits with 0', async (bench, t) => {
    const { backend } = bench;
    const stack = await ownStack(t, bench, { backend: backend.url, set: SHORT_LIMITS });
    const visitor = await dial(stack.url);
    visitor.send(GET);
    const far = await backend.accept();
    await far.readHead();
    far.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n');
    await visitor.readThrough('5\r\nbegin\r\n');
    await drain(stack);
    assert.equal((await visitor.readAll()).bytes.toString(), '');
    await far.readAll();
    await assertEnds(stack);
    for (const wire of [visitor, far]) wire.close();
  });
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
