/** From a real entry's access log to a profile: the two agree on the log's form without sharing a line of code. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadProfile, loadRecord } from '@sallyport/load-tests';
import { eventually } from './harness/deadline.ts';
import { useStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';

describe('what visitors did', () => {
  const used = useStack(() => ({ set: ['log.level=info', 'log.accessLog=true'] }));

  it('is in the access log, and becomes a profile: when, how, what, and how long a body', async (t) => {
    const { url, command } = used.stack;
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-recording-'));
    t.after(() => rmSync(folder, { recursive: true }));
    await visit(`${url}loadtest/get`);
    await visit(`${url}loadtest/echo?key=hunter2`, { method: 'POST', body: 'hello' });
    const requests = (): number => command.lines.filter((line) => line.includes('"msg":"request"')).length;
    await eventually(async () => (requests() >= 2 ? true : undefined), 'two lines of the access log');
    const accessLog = join(folder, 'entry.log');
    writeFileSync(accessLog, command.lines.join('\n'));
    const { notes, sessions } = await loadRecord({ accessLog, out: join(folder, 'seen.yaml') });
    assert.deepEqual([notes, sessions], [[], ['demo']]);
    const { trace } = loadProfile(join(folder, 'seen.yaml'));
    assert.deepEqual(
      trace?.map(({ method, path, bodyBytes }) => `${method} ${path} ${bodyBytes}`),
      ['GET /loadtest/get 0', 'POST /loadtest/echo?key= 5'],
    );
    assert.ok((trace?.[1]?.atMs ?? 0) > 0);
  });
});
