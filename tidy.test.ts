/** House rules as a test: what a reviewer would otherwise have to remember. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = import.meta.dirname;
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '');
const sources = tracked.filter((file) => /\.(ts|js)$/.test(file));
const production = sources.filter((file) => !/\.test\.ts$|\/testing\/|^system-tests\//.test(file));

/** Nothing of a file that has gone meanwhile, as another test's may: it breaks no rule. */
function read(file: string): string {
  try {
    return readFileSync(join(ROOT, file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Module specifiers of static and dynamic imports. */
function importsOf(file: string): string[] {
  return [...read(file).matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s+'([^']+)'|import\(\s*'([^']+)'/g)].map(
    (match) => (match[1] ?? match[2])!,
  );
}

/** `packages/protocol`, `apps/cli`, `load-tests`: the room a file is in. */
function roomOf(file: string): string {
  const parts = file.split('/');
  return parts[0] === 'packages' || parts[0] === 'apps' ? `${parts[0]}/${parts[1]}` : parts[0]!;
}

/** Which room an import leads to; null for a library. */
function roomOfImport(file: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return roomOf(relative(ROOT, resolve(ROOT, dirname(file), specifier)));
  const name = /^@sallyport\/(.+)$/.exec(specifier)?.[1];
  if (name === undefined) return null;
  if (name === 'load-tests' || name === 'system-tests') return name;
  return ['protocol', 'http1', 'config', 'credentials', 'telemetry'].includes(name)
    ? `packages/${name}`
    : `apps/${name}`;
}

function mayImport(from: string, to: string): boolean {
  if (from === to || from === 'system-tests' || from === 'apps/cli') return true;
  if (from.startsWith('apps/')) return to.startsWith('packages/');
  return false;
}

test('apps import packages, packages import nobody, load-tests import nobody; the CLI and the system tests all', () => {
  const broken = sources.flatMap((file) =>
    importsOf(file)
      .map((specifier) => ({ specifier, to: roomOfImport(file, specifier) }))
      .filter(({ to }) => to !== null && !mayImport(roomOf(file), to))
      .map(({ specifier }) => `${file} imports ${specifier}`),
  );
  assert.deepEqual(broken, []);
});

test('nothing has a default export but k6 scripts, which must', () => {
  const broken = sources.filter((file) => !file.startsWith('load-tests/k6/') && /^export default\b/m.test(read(file)));
  assert.deepEqual(broken, []);
});

test('nothing is left to be done in a comment', () => {
  const marker = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${['XX', 'X'].join('')})\\b`);
  const broken = tracked.filter((file) => /\.(ts|js|md|yml|yaml)$/.test(file) && marker.test(read(file)));
  assert.deepEqual(broken, []);
});

test('no test is left running alone', () => {
  const broken = sources.filter((file) => /\b(test|it|describe)\.only\(/.test(read(file)));
  assert.deepEqual(broken, []);
});

/** Fields that hold what waits. */
const QUEUE_FIELD =
  /^\s*(?:readonly\s+)?#?(queue|pending|kept|held|waiting|inbox|early|urgent|backlog)\b[^=\n(]*=\s*(?:\[\]|new (?:Set|Map)\b|NOTHING)/i;

test('beside every queue its limit is named', () => {
  const broken = production.flatMap((file) => {
    const lines = read(file).split('\n');
    return lines.flatMap((line, index) => {
      if (!QUEUE_FIELD.test(line)) return [];
      const above = lines.slice(Math.max(0, index - 3), index + 1).join('\n');
      return /limit|bounded|at most/i.test(above) ? [] : [`${file}:${index + 1} ${line.trim()}`];
    });
  });
  assert.deepEqual(broken, []);
});

test('files stay small enough to keep in mind', () => {
  const most = 300;
  const broken = production
    .map((file) => ({ file, lines: read(file).split('\n').length }))
    .filter(({ lines }) => lines > most)
    .map(({ file, lines }) => `${file}: ${lines} lines`);
  assert.deepEqual(broken, []);
});

test('no document or source names a path of the machine it was written on', () => {
  // Put together from pieces, so that this file does not find itself.
  const places = ['/wo_rk/', '\\.\\./sha_red/', '/ro_ot/'].map((place) => place.replace('_', ''));
  const foreign = new RegExp(`(^|[\\s"'\`(])(${places.join('|')})`);
  const broken = tracked
    .filter((file) => file !== '.ci/run' && /\.(ts|js|md|yml|yaml|json)$/.test(file) && !file.includes('package-lock'))
    .filter((file) => foreign.test(read(file)));
  assert.deepEqual(broken, []);
});
