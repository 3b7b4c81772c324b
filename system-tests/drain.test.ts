/** SIGTERM under load: what runs is finished, nothing new is taken, and all processes end. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { isAlive } from './harness/command.ts';
import { CEILING_MS, eventually, within } from './harness/deadline.ts';
import { Load } from './harness/load.ts';
import { tally } from './harness/load-outcomes.ts';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { SHAPES, startStack } from './harness/stack.ts';
import type { Stack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { dial, valuesOf } from './harness/wire.ts';

const BYTES = 4 * 1024 * 1024;
/** Longer than connections are left open for courtesy: a request that runs is not among those. */
const OVER_ANY_GRACE_MS = 2_500;

for (const { shape, isSplit } of SHAPES) {
  describe(`SIGTERM to ${shape} under load`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());

    it('finishes every request that runs, takes no new one, ends with 0 and leaves no process', async (t) => {
      const { url, pids, command } = await startStack({ isSplit, backend: backend.url });
      t.after(() => command.signal('SIGKILL'));
      const sent = Buffer.alloc(BYTES, 'to be drained');

      const waiting = visit(`${url}waiting`);
      const forWaiting = await backend.accept();
      await forWaiting.readHead();

      const downloading = visit(`${url}download`);
      const forDownload = await backend.accept();
      await forDownload.readHead();
      forDownload.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BYTES}\r\n\r\n`);
      forDownload.send(sent.subarray(0, 1_000_000));

      const uploader = await dial(url);
      const head = `POST /session/demo/upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${BYTES}\r\n\r\n`;
      uploader.send(head);
      uploader.send(sent.subarray(0, 1_000));
      const forUpload = await backend.accept();
      await forUpload.readHead();

      command.signal('SIGTERM');
      const refused = async () =>
        (await dial(url).then(
          (wire) => wire.close(),
          () => true,
        )) ?? undefined;
      await eventually(refused, 'the entry to take no new connections');

      forDownload.send(sent.subarray(1_000_000));
      forWaiting.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfinished');
      uploader.send(sent.subarray(1_000));
      assert.equal(sha256(await forUpload.read(BYTES)), sha256(sent));
      forUpload.send('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');

      const { status, body, fields } = await waiting;
      assert.deepEqual([status, body.toString()], [200, 'finished']);
      assert.deepEqual(valuesOf(fields, 'connection'), ['close']);
      assert.equal(sha256((await downloading).body), sha256(sent));
      assert.equal((await uploader.readHead()).first, 'HTTP/1.1 201 Created');
      uploader.close();

      await assertEnds({ pids, command });
    });

    it('cuts no request that a stream of visitors began', async (t) => {
      const { url, pids, command } = await startStack({ isSplit });
      t.after(() => command.signal('SIGKILL'));
      await using load = new Load(url, 20, CEILING_MS);
      await load.more(100);
      const slow = visit(`${url}loadtest/delay/${OVER_ANY_GRACE_MS}`);
      await load.more(20);
      command.signal('SIGTERM');
      assert.equal((await slow).status, 200);
      await assertEnds({ pids, command });
      const outcomes = await load.stop();
      // No answer: a connection that was not taken any more.
      const bad = outcomes.filter(({ end }) => end !== 'answer' && end !== 'no-answer');
      assert.deepEqual(tally(bad), {});
    });
  });
}

async function assertEnds({ pids, command }: Pick<Stack, 'pids' | 'command'>): Promise<void> {
  const ended = await within(command.ended, () => `the end of the stack:\n${command.stderr}`);
  assert.deepEqual(ended, { code: 0, signal: null }, command.stderr);
  const all = [pids.entry, pids.server, ...pids.client];
  assert.deepEqual(all.filter(isAlive), [], 'processes that are left');
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
