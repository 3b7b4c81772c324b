import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { needs, PYTHON } from '../harness/needs.ts';
import { realClient } from './clients.ts';
import { run } from './run.ts';
import { FILE, FILE_SHA256 } from './site.ts';

const SCRIPT = join(import.meta.dirname, 'clients.py');
const SEEN = {
  file: FILE_SHA256,
  streamed: FILE_SHA256,
  head: String(FILE.length),
  range: [206, `bytes 1000-1999/${FILE.length}`, 1000],
  gzipped: FILE_SHA256,
  lines: ['line 0', 'line 1', 'line 2'],
  cookies: 'first=1; second=2',
  redirected: FILE_SHA256,
  counted: { isWhole: true, isChunked: false },
  chunked: { isWhole: true, isChunked: true },
  form: true,
  missing: 404,
};

for (const [name, library, version, isSecure] of [
  ["Python's requests", 'requests', undefined, false],
  ["Python's requests over TLS", 'requests', undefined, true],
  ["Python's httpx", 'httpx', 'HTTP/1.1', false],
  ["Python's httpx over HTTP/2", 'httpx', 'HTTP/2', true],
] as const) {
  realClient(name, { ...needs(library), isSecure }, (bench) => {
    it('gets, streams, resumes, uploads, keeps cookies and follows redirects', async (t) => {
      const args = [SCRIPT, library, bench.url, ...(bench.ca === null ? [] : [bench.ca])];
      const { code, stdout, stderr } = await run(t, PYTHON, args);
      assert.equal(code, 0, stderr);
      assert.deepEqual(JSON.parse(stdout.toString()), version === undefined ? SEEN : { ...SEEN, version });
    });
  });
}
