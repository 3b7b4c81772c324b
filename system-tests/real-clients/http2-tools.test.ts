/** nghttp2's own tools. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { needs } from '../harness/needs.ts';
import { realClient } from './clients.ts';
import { run } from './run.ts';
import { FILE } from './site.ts';

const REQUESTS = 2_000;
/** More of them at once than slots: nobody may leave the queue because a machine that is busy is late. */
const PATIENT = ['server.queue.timeoutMs=60000'];

realClient('nghttp', { ...needs('nghttp'), isSecure: true }, (bench) => {
  it('gets many files over one connection', async (t) => {
    const urls = Array.from({ length: 5 }, (_, i) => `${bench.url}file?${i}`);
    const { code, stdout, stderr } = await run(t, 'nghttp', ['-nv', '--no-verify-peer', ...urls]);
    assert.equal(code, 0, stderr);
    const text = stdout.toString();
    assert.equal(text.match(/:status: 200/g)?.length, urls.length, text);
    assert.equal(text.match(new RegExp(`content-length: ${FILE.length}`, 'g'))?.length, urls.length);
    assert.doesNotMatch(text, /recv (GOAWAY|RST_STREAM)/);
  });

  it('uploads with Expect, and sends when it is told to', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-nghttp-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'upload');
    writeFileSync(file, FILE);
    const args = [
      '-v',
      '--no-verify-peer',
      '--expect-continue',
      '-H',
      ':method: PUT',
      '-d',
      file,
      `${bench.url}upload`,
    ];
    const { code, stdout, stderr } = await run(t, 'nghttp', args);
    assert.equal(code, 0, stderr);
    const text = stdout.toString();
    assert(text.indexOf(':status: 100') < text.indexOf(':status: 200'), text);
    assert.match(text, new RegExp(`"bytes":${FILE.length}`));
  });
});

realClient('h2load', { ...needs('h2load'), isSecure: true, set: PATIENT }, (bench) => {
  it(`has ${REQUESTS} requests answered over two connections, 50 at a time on each`, async (t) => {
    const { stdout } = await run(t, 'h2load', ['-n', String(REQUESTS), '-c', '2', '-m', '50', `${bench.url}cookies`]);
    const text = stdout.toString();
    assert.match(text, new RegExp(`${REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout`), text);
  });
});
