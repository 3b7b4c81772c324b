import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { finish } from '../src/finish.ts';
import { DurationHistogram } from '../engine/histogram.ts';
import { Transcript } from '../testing/fixture.ts';
import { HdrLog } from './hdr-log.ts';
import { openInBrowser } from './open.ts';
import { sampleReport } from './testing/sample.ts';
import { writeReports } from './write.ts';
import { mountSmall } from '../testing/small-disk.ts';

const FORMS = ['report.json', 'report.txt', 'report.md', 'junit.xml', 'report.svg', 'report.html'];
const REPORT = sampleReport();
const isLinux = process.platform === 'linux';

/** A folder for reports within one for temporary files, so that what goes there is found and taken away. */
function makeFolders(context: TestContext): { out: string; spare: string } {
  const root = mkdtempSync(join(tmpdir(), 'write-'));
  const [out, spare] = [join(root, 'out'), join(root, 'spare')];
  mkdirSync(out);
  mkdirSync(spare);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = spare;
  context.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(root, { recursive: true });
  });
  return { out, spare };
}

describe('the files of a report', () => {
  test('are all forms, report.json first', (context) => {
    const { out } = makeFolders(context);
    const { files, failed } = writeReports(REPORT, out);
    assert.deepEqual(
      files.map((file) => basename(file)),
      FORMS,
    );
    assert.deepEqual(failed, []);
    assert.deepEqual(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')), JSON.parse(JSON.stringify(REPORT)));
  });

  test(
    'are written each by itself: one that cannot be loses no other',
    { skip: !isLinux && 'needs /dev/full' },
    (context) => {
      const { out } = makeFolders(context);
      symlinkSync('/dev/full', join(out, 'report.md'));
      const { files, failed } = writeReports(REPORT, out);
      assert.deepEqual(failed, [{ file: join(out, 'report.md'), code: 'ENOSPC' }]);
      assert.deepEqual(
        files.map((file) => basename(file)),
        FORMS.filter((form) => form !== 'report.md'),
      );
    },
  );

  test(
    'keep what was measured elsewhere where the disk is full',
    { skip: !isLinux && 'needs /dev/full' },
    (context) => {
      const { out, spare } = makeFolders(context);
      for (const form of FORMS) symlinkSync('/dev/full', join(out, form));
      const { files, failed } = writeReports(REPORT, out);
      assert.equal(failed.length, FORMS.length);
      assert.ok(files.length === 1 && files[0]?.startsWith(spare));
      assert.equal(JSON.parse(readFileSync(files[0] ?? '', 'utf8')).schema, 'sallyport.load/1');
    },
  );

  test('on a disk of 64 KiB leave no half file behind', (context) => {
    const out = mountSmall(context, 64);
    if (out === null) return context.skip('this process may not mount');
    const { spare } = makeFolders(context);
    writeFileSync(join(out, 'other'), Buffer.alloc(32 << 10));
    const { files, failed } = writeReports(REPORT, out);
    assert.ok(failed.length > 0 && failed.every(({ code }) => code === 'ENOSPC'), JSON.stringify(failed));
    assert.deepEqual(readdirSync(spare).length, 1);
    const whole = files.filter((file) => file.startsWith(out)).map((file) => basename(file));
    assert.deepEqual(readdirSync(out).sort(), ['other', ...whole].sort());
    for (const file of files) assert.ok(statSync(file).size > 0);
  });
});

describe('the end of a load test', () => {
  test(
    'says in one line what was kept and where, and ends with 1',
    { skip: !isLinux && 'needs /dev/full' },
    async (context) => {
      const { out } = makeFolders(context);
      symlinkSync('/dev/full', join(out, 'report.html'));
      const [stdout, stderr] = [new Transcript(), new Transcript()];
      const failed = [{ file: join(out, 'tunnel.hdr'), code: 'ENOSPC' }];
      const outcome = await finish(REPORT, out, { target: '', stdout, stderr }, { files: [], failed, exitCode: 0 });
      assert.equal(outcome.exitCode, 1);
      assert.equal(stderr.text.split('\n').length, 2);
      assert.match(
        stderr.text,
        /^error: could not write .*tunnel\.hdr \(ENOSPC\), .*report\.html \(ENOSPC\); all that was measured is kept in .*out;/,
      );
      assert.match(stdout.text, /\nReport: .*report\.json\n$/);
    },
  );

  test(
    'says that all is lost where nothing could be written',
    { skip: !isLinux && 'needs /dev/full' },
    async (context) => {
      const { out, spare } = makeFolders(context);
      for (const form of FORMS) symlinkSync('/dev/full', join(out, form));
      rmSync(spare, { recursive: true });
      const stderr = new Transcript();
      assert.equal((await finish(REPORT, out, { target: '', stderr }, { files: [] })).exitCode, 1);
      assert.match(stderr.text, /^error: could not write .*; what was measured is lost; make room and run it again\n$/);
      mkdirSync(spare);
    },
  );

  test('names the page, and ends with the command’s own code where all was written', async (context) => {
    const { out } = makeFolders(context);
    const stdout = new Transcript();
    assert.equal((await finish(REPORT, out, { target: '', stdout }, { files: [], exitCode: 3 })).exitCode, 3);
    assert.match(stdout.text, /\nReport: .*report\.html\n$/);
  });
});

describe('an HdrHistogram log', () => {
  test(
    'on a full disk ends by itself, and the run goes on',
    { skip: !isLinux && 'needs /dev/full' },
    async (context) => {
      const { out } = makeFolders(context);
      symlinkSync('/dev/full', join(out, 'tunnel.hdr'));
      const log = new HdrLog(out, ['tunnel', 'direct']);
      const histogram = new DurationHistogram();
      histogram.record(1);
      const histograms = { tunnel: histogram.encode(), direct: histogram.encode() };
      const second = { atS: 0, lengthS: 1, arms: {} };
      for (let stepIndex = 0; stepIndex < 3; stepIndex += 1)
        log.write({ stepIndex, elapsedS: 1, arms: {}, second, histograms });
      await log.close();
      assert.deepEqual(log.failed, [{ file: join(out, 'tunnel.hdr'), code: 'ENOSPC' }]);
      assert.match(readFileSync(join(out, 'direct.hdr'), 'utf8'), /Tag=2,/);
    },
  );
});

describe('opening the page', () => {
  test('hands the file to the system’s own opener', { skip: !isLinux && 'needs xdg-open' }, async (context) => {
    const { out } = makeFolders(context);
    writeFileSync(join(out, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > "${out}/opened"\n`, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = `${out}:${before}`;
    const child = openInBrowser('a report.html', 'linux');
    process.env['PATH'] = before;
    await once(child, 'exit');
    assert.equal(readFileSync(join(out, 'opened'), 'utf8'), 'a report.html');
  });

  test('says nothing where there is no opener', async (context) => {
    const { out } = makeFolders(context);
    const before = process.env['PATH'];
    process.env['PATH'] = out;
    const child = openInBrowser('report.html', 'linux');
    process.env['PATH'] = before;
    const [error] = (await once(child, 'close').catch((reason: unknown) => [reason])) as [
      NodeJS.ErrnoException | number,
    ];
    assert.ok(typeof error === 'number' ? error !== 0 : error.code === 'ENOENT');
  });
});
