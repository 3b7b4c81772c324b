import assert from 'node:assert/strict';
import fs, { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { inflateSync } from 'node:zlib';
import { sampleReport } from '../report/testing/sample.ts';
import { Transcript } from '../testing/fixture.ts';
import { finish } from './finish.ts';
import { findChromium } from './picture.ts';

const timeout = 60_000;
const PNG_START = '89504e470d0a1a0a';
/** Where the header's fields stand (PNG, third edition, §11.2.1). */
const WIDTH_AT = 16;
const HEIGHT_AT = 20;

function skipWithoutChromium(): string | false {
  try {
    findChromium();
    return false;
  } catch (error) {
    return process.env['SALLYPORT_NO_SKIP'] === '1' ? false : (error as Error).message;
  }
}

function makeFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'picture-'));
  // A child of the browser may still write there.
  context.after(() => rmSync(folder, { recursive: true, maxRetries: 20 }));
  return folder;
}

/** The environment with the variable, until the test's end. */
function setVariable(context: TestContext, name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  context.after(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

/** How different the picture's bytes are: a blank one has hardly any. */
function bytesUsed(png: Buffer): number {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
  }
  return new Set(inflateSync(Buffer.concat(parts))).size;
}

describe('chart.png', () => {
  test(
    'is the main chart, whole and twice its size in pixels',
    { skip: skipWithoutChromium(), timeout },
    async (context) => {
      const [out, temporary] = [makeFolder(context), makeFolder(context)];
      setVariable(context, 'TMPDIR', temporary);
      const [stdout, stderr] = [new Transcript(), new Transcript()];
      const rm = context.mock.method(fs, 'rmSync');
      syncBuiltinESMExports();
      const outcome = await finish(
        sampleReport(),
        out,
        { target: '', png: true, stdout, stderr },
        { files: [], exitCode: 0 },
      );
      rm.mock.restore();
      syncBuiltinESMExports();
      assert.equal(stderr.text, '');
      assert.equal(outcome.exitCode, 0);
      const file = join(out, 'chart.png');
      assert.ok(outcome.files.includes(file));
      const png = readFileSync(file);
      assert.equal(png.subarray(0, 8).toString('hex'), PNG_START);
      assert.deepEqual([png.readUInt32BE(WIDTH_AT), png.readUInt32BE(HEIGHT_AT)], [1760, 880]);
      assert.ok(bytesUsed(png) > 100, `${bytesUsed(png)}`);
      const drops = rm.mock.calls.filter(({ arguments: [path] }) => String(path).startsWith(temporary));
      assert.equal(drops.length, 1);
      // It stays only where a child of the browser went on writing there for as long as deleting was tried.
      const profiles = readdirSync(temporary).filter((name) => name.startsWith('sallyport-chart-'));
      assert.ok(drops[0]?.error !== undefined || profiles.length === 0, 'the browser’s profile is gone');
    },
  );

  test('without a Chromium is refused before the run, with the way to get one', () => {
    const how = /apt-get install chromium, or name one in SALLYPORT_CHROMIUM/;
    assert.throws(() => findChromium({ PATH: '/nowhere' }), { code: 'SP_LOAD_NO_CHROMIUM', exitCode: 2, message: how });
    assert.throws(() => findChromium({ SALLYPORT_CHROMIUM: '/no/chromium' }), {
      message: /^SALLYPORT_CHROMIUM=\/no\/chromium is not/,
    });
  });

  test('of a report without a chart is no error', async (context) => {
    const stderr = new Transcript();
    const options = { target: '', png: true, stderr };
    const outcome = await finish({ ...sampleReport(), steps: [] }, makeFolder(context), options, {
      files: [],
      exitCode: 0,
    });
    assert.equal(outcome.exitCode, 0);
    assert.match(stderr.text, /^note: no chart\.png: this report has no chart/);
  });

  test('is there though the browser’s folder cannot be deleted, for a child of it still writes there', async (context) => {
    const [out, temporary] = [makeFolder(context), makeFolder(context)];
    setVariable(context, 'TMPDIR', temporary);
    const chromium = join(out, 'chromium.sh');
    writeFileSync(chromium, '#!/bin/sh\nfor a; do case $a in --screenshot=*) echo png > "${a#*=}";; esac; done\n', {
      mode: 0o755,
    });
    setVariable(context, 'SALLYPORT_CHROMIUM', chromium);
    const notEmpty = Object.assign(new Error('ENOTEMPTY: directory not empty'), { code: 'ENOTEMPTY' });
    const deleteNow = fs.rmSync;
    const rm = context.mock.method(fs, 'rmSync', (path: string, options: fs.RmOptions) => {
      if (path.startsWith(join(temporary, 'sallyport-chart-'))) throw notEmpty;
      deleteNow(path, options);
    });
    syncBuiltinESMExports();
    const stderr = new Transcript();
    const outcome = await finish(sampleReport(), out, { target: '', png: true, stderr }, { files: [], exitCode: 0 });
    rm.mock.restore();
    syncBuiltinESMExports();
    assert.equal(rm.mock.calls.filter(({ error }) => error === notEmpty).length, 1);
    assert.deepEqual([outcome.exitCode, stderr.text], [0, '']);
    assert.ok(existsSync(join(out, 'chart.png')));
  });

  test('that cannot be drawn is one line that says how to draw it later, and loses nothing', async (context) => {
    const out = makeFolder(context);
    setVariable(context, 'SALLYPORT_CHROMIUM', '/bin/true');
    const stderr = new Transcript();
    const outcome = await finish(sampleReport(), out, { target: '', png: true, stderr }, { files: [], exitCode: 0 });
    assert.equal(outcome.exitCode, 1);
    assert.match(stderr.text, /^error: no chart\.png: .*; then: sallyport load report .* --png\n$/);
    assert.ok(existsSync(join(out, 'report.html')) && !existsSync(join(out, 'chart.png')));
  });
});
