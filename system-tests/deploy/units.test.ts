/** The systemd units: read by systemd's own tools, and held against the program that they start. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadConfig } from '@sallyport/config';
import { ROOT } from '../harness/command.ts';
import { needs } from '../harness/needs.ts';
import { environmentOf, INSTALLED, milliseconds, services, serviceOf, sockets, unitFiles, UNITS } from './units.ts';
import type { Unit } from './units.ts';

/** Of 100, where 0 is the least that a service can do harm. */
const MOST_EXPOSURE = 20;
const PARTS = ['server', 'entry', 'client'] as const;
/** What each unit has of its own in [Service]; all else is the same in all. */
const OWN = new Set([
  'ExecStart',
  'Environment',
  'StateDirectory',
  'StateDirectoryMode',
  'CacheDirectory',
  'LoadCredential',
]);

function shared(unit: Unit) {
  return unit.section('Service').filter(([key]) => !OWN.has(key));
}

/** A template cannot be started, nor looked at. */
function instance(file: string): string {
  return file.replace('@.', '@web.');
}

function defaults() {
  const loaded = loadConfig({ env: {}, overrides: [], cwd: '/' });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

describe('the systemd units', () => {
  const config = defaults();

  it('leave each part time for its drain, and its links time to be called dead before the watchdog bites', () => {
    for (const part of PARTS) {
      const unit = serviceOf(part);
      assert.ok(milliseconds(unit, 'TimeoutStopSec') > config[part].drainTimeoutMs, unit.file);
      assert.ok(milliseconds(unit, 'WatchdogSec') > 2 * config.link.heartbeatMs, unit.file);
    }
  });

  it('set nothing that is not a setting', () => {
    for (const unit of services) {
      const env = Object.entries(environmentOf(unit)).filter(([name]) => name.startsWith('SALLYPORT_'));
      const loaded = loadConfig({ env: Object.fromEntries(env), overrides: [], cwd: '/' });
      assert.ok(loaded.ok, JSON.stringify(loaded));
    }
  });

  it('are equally hard, and tell systemd in the same way', () => {
    const [first, ...others] = services;
    for (const other of others) assert.deepEqual(shared(other), shared(first!), `${first!.file} and ${other.file}`);
  });

  it('start the entry with the flags of the launcher, which cannot hand sockets on', () => {
    const launcher = readFileSync(join(ROOT, 'apps/cli/bin/sallyport.js'), 'utf8');
    const flags = [...launcher.matchAll(/const (?:NEWER_)?FLAGS = \[(.*)\]/g)].flatMap(([, list]) =>
      list!.split(',').map((flag) => flag.trim().slice(1, -1)),
    );
    const words = serviceOf('entry').value('ExecStart').split(' ');
    assert.deepEqual(words.slice(1, 1 + flags.length), flags);
    assert.ok(flags.length > 1);
  });

  it('name the sockets of the entry as it knows them', () => {
    assert.deepEqual(
      sockets.map((unit) => [unit.value('FileDescriptorName'), unit.value('ListenStream'), unit.value('Service')]),
      [
        ['http', '80', 'sallyport-entry.service'],
        ['https', '443', 'sallyport-entry.service'],
      ],
    );
  });
});

describe('systemd itself', needs('systemd'), () => {
  let folder = '';
  before(() => {
    // As installed, but in the checkout: systemd looks whether what is started is there.
    folder = mkdtempSync(join(tmpdir(), 'sallyport-units-'));
    cpSync(UNITS, folder, { recursive: true });
    for (const file of unitFiles) {
      const text = readFileSync(join(UNITS, file), 'utf8').replaceAll(INSTALLED, ROOT);
      writeFileSync(join(folder, file), text);
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8', cwd: folder });

  it('finds nothing to complain about in the units', () => {
    const files = unitFiles.map((file) => join(folder, instance(file)));
    const { status, stderr } = analyze('verify', '--man=no', ...files);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  });

  it('would say so of a key that it does not know', () => {
    const path = join(folder, 'misspelt.service');
    writeFileSync(
      path,
      readFileSync(join(folder, serviceOf('server').file), 'utf8').replace('ProtectHome', 'ProtectHomes'),
    );
    assert.match(analyze('verify', '--man=no', path).stderr, /'ProtectHomes'/);
  });

  for (const { file } of services) {
    it(`finds ${file} to be safe`, (t) => {
      const { status, stdout, stderr } = analyze(
        'security',
        '--offline=yes',
        `--threshold=${MOST_EXPOSURE}`,
        join(folder, file),
      );
      const score = /Overall exposure level for .*: ([\d.]+) /.exec(stdout)?.[1];
      t.diagnostic(`exposure level ${score ?? 'unknown'} of 10`);
      assert.equal(status, 0, stdout + stderr);
      assert.ok(score !== undefined);
    });
  }
});
