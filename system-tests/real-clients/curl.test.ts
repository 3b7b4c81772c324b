import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { needs } from '../harness/needs.ts';
import { realClient } from './clients.ts';
import type { Bench } from './clients.ts';
import { run } from './run.ts';
import { FILE, FILE_SHA256, sha256 } from './site.ts';
import type { UploadReport } from './site.ts';

const UPLOAD = Buffer.from(FILE.subarray(0, 2 * 1024 * 1024));
/** More than all windows and sockets on the way hold. */
const HUGE = Buffer.alloc(32 * 1024 * 1024, 'nobody reads this');

/** Before what curl tells of a transfer at its end. */
const TOLD = '@told@';

interface Given {
  readonly input?: Buffer;
  /** Where the body goes. */
  readonly out?: string;
}

interface Got {
  readonly code: number | null;
  readonly body: Buffer;
  /** Lines of `-v`: what was sent and what came. */
  readonly sent: string;
  readonly came: string;
  /** Of `--write-out`. */
  readonly told: Readonly<Record<string, number | string>>;
}

/** curl without its own configuration, which says what it sent and received. Over TLS it speaks HTTP/2. */
async function curl(
  t: TestContext,
  bench: Bench,
  path: string,
  args: readonly string[],
  given: Given = {},
): Promise<Got> {
  const { input, out = join(folderOf(t), 'body') } = given;
  const tls = bench.ca === null ? [] : ['--http2', '--cacert', bench.ca];
  const all = ['-q', '-sS', '-v', '-w', `%{stderr}${TOLD}%{json}\\n`, '-o', out, ...tls, ...args, bench.url + path];
  const { code, stderr } = await run(t, 'curl', all, input === undefined ? {} : { input });
  const lines = (mark: string) => stderr.split('\n').filter((line) => line.startsWith(`${mark} `));
  return {
    code,
    body: readIfThere(out),
    sent: lines('>').join('\n'),
    came: lines('<').join('\n'),
    told: JSON.parse(stderr.slice(stderr.lastIndexOf(TOLD) + TOLD.length)) as Got['told'],
  };
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-curl-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

function reportOf({ body }: Got): UploadReport {
  return JSON.parse(body.toString()) as UploadReport;
}

function common(bench: Bench): void {
  it('gets a file, and asks for its head', async (t) => {
    const got = await curl(t, bench, 'file', []);
    assert.deepEqual([got.code, got.told['http_code'], sha256(got.body)], [0, 200, FILE_SHA256]);
    const head = await curl(t, bench, 'file', ['--head']);
    assert.deepEqual([head.code, head.told['http_code'], head.told['size_download']], [0, 200, 0]);
    assert.match(head.came, new RegExp(`^< content-length: ${FILE.length}\r?$`, 'im'));
  });

  it('asks many things over one connection', async (t) => {
    const out = ['-o', '/dev/null'];
    const url = `${bench.url}cookies`;
    const { code, told, sent } = await curl(t, bench, 'cookies', [
      ...out,
      url,
      ...out,
      url,
      ...out,
      `${bench.url}file`,
    ]);
    assert.deepEqual([code, told['http_code'], told['num_connects']], [0, 200, 0]);
    assert.equal(sent.match(/^> GET /gm)?.length, 4);
  });

  it('gets the whole refusal of a body that nobody reads', async (t) => {
    const file = join(folderOf(t), 'upload');
    writeFileSync(file, HUGE);
    const got = await curl(t, bench, 'refuse', ['-H', 'Expect:', '-T', file]);
    // It may be told that the rest was not taken (55, 56): the answer has come before that.
    assert([0, 55, 56].includes(got.code ?? -1), `ended with ${got.code}`);
    assert.deepEqual([got.told['http_code'], got.body.toString()], [403, 'not from you\n']);
  });

  it('uploads in chunks what it does not know the length of', async (t) => {
    for (const expect of ['Expect:', 'Expect: 100-continue']) {
      const got = await curl(t, bench, 'upload', ['-H', expect, '-T', '-'], { input: UPLOAD });
      const { bytes, sha256: hash, isChunked } = reportOf(got);
      assert.deepEqual([got.code, bytes, hash, isChunked], [0, UPLOAD.length, sha256(UPLOAD), true]);
    }
  });

  it('posts a form', async (t) => {
    const got = await curl(t, bench, 'upload', ['-F', 'file=@-;filename=a.bin', '-F', 'name=value'], { input: UPLOAD });
    const { bytes, method } = reportOf(got);
    assert.deepEqual([got.code, method], [0, 'POST']);
    assert(bytes > UPLOAD.length);
  });

  it('gets a range, and resumes a download where it broke off', async (t) => {
    const part = await curl(t, bench, 'file', ['-r', '1000-1999']);
    assert.deepEqual([part.told['http_code'], sha256(part.body)], [206, sha256(FILE.subarray(1000, 2000))]);
    const begun = join(folderOf(t), 'begun');
    writeFileSync(begun, FILE.subarray(0, 1_000_000));
    const rest = await curl(t, bench, 'file', ['-C', '-'], { out: begun });
    assert.deepEqual([rest.code, rest.told['http_code']], [0, 206]);
    assert.equal(sha256(rest.body), FILE_SHA256);
  });

  it('is told that its copy is still good', async (t) => {
    const got = await curl(t, bench, 'file', ['-H', 'If-None-Match: "the-file"']);
    assert.deepEqual([got.code, got.told['http_code'], got.told['size_download']], [0, 304, 0]);
    assert.match(got.came, /^< etag: "the-file"\r?$/im);
  });

  it('gets it compressed, as the backend did', async (t) => {
    const got = await curl(t, bench, 'gzipped', ['--compressed']);
    assert.deepEqual([got.code, sha256(got.body)], [0, FILE_SHA256]);
    assert.match(got.came, /^< content-encoding: gzip\r?$/im);
  });

  it('follows a redirect and keeps cookies', async (t) => {
    const got = await curl(t, bench, 'redirect', ['-L']);
    assert.deepEqual([got.code, got.told['num_redirects'], sha256(got.body)], [0, 1, FILE_SHA256]);
    const url = `${bench.url}cookies`;
    const jar = await curl(t, bench, 'cookies', ['-b', '', '-o', '/dev/null', url]);
    assert.match(jar.sent, /^> cookie: (first=1; second=2|second=2; first=1)\r?$/im);
  });
}

realClient('curl over HTTP/1.1', needs('curl'), (bench) => {
  common(bench);

  it('uploads 2 MB with Expect, and sends them when the backend says 100', async (t) => {
    const file = join(folderOf(t), 'upload');
    writeFileSync(file, UPLOAD);
    // Above 1 MB it asks first by itself.
    const got = await curl(t, bench, 'upload', ['--expect100-timeout', '30', '-T', file]);
    assert.equal(got.code, 0);
    assert.match(got.came, /^< HTTP\/1\.1 100/);
    const { bytes, sha256: hash, isChunked, expect } = reportOf(got);
    assert.deepEqual([bytes, hash, isChunked, expect], [UPLOAD.length, sha256(UPLOAD), false, '100-continue']);
  });

  it('sends nothing of a body that the backend refuses where it was asked first', async (t) => {
    const file = join(folderOf(t), 'upload');
    writeFileSync(file, HUGE);
    const got = await curl(t, bench, 'refuse', ['--expect100-timeout', '30', '-T', file]);
    assert.equal(got.told['http_code'], 403);
    assert.deepEqual([got.code, got.body.toString(), got.told['size_upload']], [0, 'not from you\n', 0]);
    assert.doesNotMatch(got.came, /^< HTTP\/\S+ 100/m);
  });

  it('speaks HTTP/1.0: a counted answer, and one that ends with its connection', async (t) => {
    const counted = await curl(t, bench, 'file', ['--http1.0']);
    assert.deepEqual([counted.code, sha256(counted.body)], [0, FILE_SHA256]);
    const lines = await curl(t, bench, 'lines?n=3', ['--http1.0']);
    assert.deepEqual([lines.code, lines.body.toString()], [0, 'line 0\nline 1\nline 2\n']);
    assert.doesNotMatch(lines.came, /transfer-encoding/i);
  });
});

realClient('curl over HTTP/2', { ...needs('curl'), isSecure: true }, (bench) => {
  common(bench);

  it('speaks HTTP/2, to which HTTP/1.1 beside it is an offer', async (t) => {
    const second = await curl(t, bench, 'file', []);
    assert.deepEqual([second.code, second.told['http_version']], [0, '2']);
    const first = await curl(t, bench, 'file', ['--http1.1']);
    assert.deepEqual([first.code, first.told['http_version'], sha256(first.body)], [0, '1.1', FILE_SHA256]);
  });
});
