import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readHeadersFile, TracingError } from './headers-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-headers-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'collector.headers');

function read(text: string): Promise<Record<string, string>> {
  writeFileSync(path, text);
  return readHeadersFile(path);
}

test('a file of fields has one a line, with comments and empty lines between', async () => {
  assert.deepEqual(await read('# the token\nAuthorization: Bearer a b:c\r\n\n  X-Scope-OrgID:  tenant-1  \n'), {
    authorization: 'Bearer a b:c',
    'x-scope-orgid': 'tenant-1',
  });
  assert.deepEqual(await read(''), {});
});

test('a line that is no field is named by its number, and never repeated', async () => {
  for (const line of [
    'hunter2',
    'A b: hunter2',
    'X: hunter2\u0007',
    'X:',
    ': hunter2',
    'X: hünter2',
    'Host: hunter2',
    'Keep-Alive: hunter2',
    'proxy-connection: hunter2',
  ]) {
    await assert.rejects(read(`# first\n${line}\n`), (error: TracingError) => {
      assert(error instanceof TracingError, line);
      assert.match(error.message, /collector\.headers:2 /, line);
      assert.doesNotMatch(`${error.message} ${error.fix}`, /hunter2|hünter2/, line);
      return true;
    });
  }
});

test('a field that is there twice, in whatever case, is refused: both would be sent as one', async () => {
  await assert.rejects(
    read('Authorization: a\nX: 1\nauthorization: b\n'),
    /headers:3 names a field that is there already/,
  );
});

test('what is no regular file is refused at once: a pipe that nobody writes to, a folder', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await assert.rejects(readHeadersFile(pipe), /pipe is no regular file/);
  await assert.rejects(readHeadersFile(folder), /is no regular file/);
});

test('what cannot be read, is too long or has too many lines is refused by name', async () => {
  await assert.rejects(readHeadersFile(join(folder, 'none')), /none cannot be read \(ENOENT\)/);
  await assert.rejects(read('X: 1\n'.repeat(20_000)), /too long/);
  const many = Array.from({ length: 65 }, (_, i) => `X-${i}: 1`).join('\n');
  await assert.rejects(read(many), /more than 64 fields/);
});
