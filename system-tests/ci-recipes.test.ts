/** The recipes of `deploy/` as far as they can be tried without their clouds. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findK6 } from '@sallyport/load-tests';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..');
const SALLYPORT = join(ROOT, 'node_modules/.bin/sallyport');
/** Of a ConfigMap: the operator's documentation, and Kubernetes' own limit. */
const MOST_CONFIG_MAP_BYTES = 1_048_576;

type Step = { uses?: string; run?: string };
type GitHub = { on: unknown; permissions: Record<string, string>; jobs: Record<string, { steps: Step[] }> };
type GitLab = Record<string, { image: string; script: string[]; after_script: string[] }>;
type TestRun = {
  apiVersion: string;
  kind: string;
  spec: { parallelism: number; script: { configMap: { file: string } }; runner: { image: string } };
};

const read = (file: string): string => readFileSync(join(ROOT, 'deploy', file), 'utf8');
const github = parse(read('ci/github-actions.yml')) as GitHub;
const gitlab = parse(read('ci/gitlab-ci.yml')) as GitLab;
const testRun = parse(read('k6-operator/testrun.yaml')) as TestRun;

const steps = Object.values(github.jobs).flatMap((job) => job.steps);
const githubScripts = steps.flatMap(({ run }) => run ?? []);
const gitlabScripts = Object.values(gitlab).flatMap((job) => [job.script.join('\n'), job.after_script.join('\n')]);

function skipWithoutK6(): string | false {
  try {
    findK6();
    return false;
  } catch (error) {
    return process.env['SALLYPORT_NO_SKIP'] === '1' ? false : (error as Error).message;
  }
}

test('the recipes’ scripts are shell', () => {
  for (const [shell, scripts] of [
    ['bash', githubScripts],
    ['sh', gitlabScripts],
  ] as const) {
    assert.ok(scripts.length > 1);
    for (const script of scripts) execFileSync(shell, ['-n', '-c', script]);
  }
});

test('a pull request has one comment, however often it is pushed to', () => {
  const comment = githubScripts.find((script) => script.startsWith('gh pr comment'));
  assert.match(comment ?? '', / --edit-last --create-if-none /);
});

test('each command of the recipes is one of ours, with flags that it has', () => {
  const commands = [...githubScripts, ...gitlabScripts].flatMap((script) =>
    [...script.matchAll(/npx sallyport ([^|\n]*)/g)].map(([, words = '']) => words.trim().split(/\s+/)),
  );
  assert.equal(commands.length, 2);
  for (const words of commands) {
    const names = words.slice(
      0,
      words.findIndex((word) => word.startsWith('-')),
    );
    const help = execFileSync(SALLYPORT, [...names, '--help'], { encoding: 'utf8' });
    assert.match(help, new RegExp(`^Usage: sallyport ${names.join(' ')} `, 'm'));
    for (const flag of words.filter((word) => word.startsWith('--'))) {
      assert.match(help, new RegExp(`^ +${flag} `, 'm'), `${words.join(' ')}: no ${flag}`);
    }
  }
});

test('the recipe for GitHub pins its actions, reads only, and puts no text of a stranger into its scripts', () => {
  const used = steps.flatMap(({ uses }) => uses ?? []);
  assert.ok(used.length > 0);
  for (const action of used) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  assert.deepEqual(github.permissions, { contents: 'read' });
  assert.deepEqual(Object.keys(github.on as object), ['pull_request']);
  for (const script of githubScripts) assert.doesNotMatch(script, /\$\{\{/);
});

test('the recipes’ images name a version', () => {
  const images = [...Object.values(gitlab).map(({ image }) => image), testRun.spec.runner.image];
  for (const image of images) assert.match(image, /^[\w/-]+:\d+\.\d+\.\d+/);
});

test(
  'the archive for many generators is packed as the manifest says, and fits',
  { skip: skipWithoutK6() },
  (context) => {
    assert.deepEqual([testRun.apiVersion, testRun.kind], ['k6.io/v1alpha1', 'TestRun']);
    const folder = mkdtempSync(join(tmpdir(), 'k6-archive-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const comment = read('k6-operator/testrun.yaml').replaceAll(/^# ?/gm, '').replaceAll('\\\n', ' ');
    const words = /^ *k6 (archive .*)$/m.exec(comment)?.[1]?.trim().split(/\s+/) ?? [];
    const { file } = testRun.spec.script.configMap;
    assert.ok(words.includes(file) && words.includes(`SHARDS=${testRun.spec.parallelism}`), words.join(' '));
    const archive = join(folder, file);
    const command = words.map((word) => (word === file ? archive : word));
    execFileSync(findK6(), command, { cwd: ROOT, stdio: 'ignore' });
    assert.ok(statSync(archive).size < MOST_CONFIG_MAP_BYTES);
    const { scenarios } = JSON.parse(execFileSync(findK6(), ['inspect', archive], { encoding: 'utf8' })) as {
      scenarios: Record<string, unknown>;
    };
    assert.deepEqual(Object.keys(scenarios).sort(), ['tunnel_0', 'tunnel_1', 'tunnel_2', 'tunnel_warm_up']);
  },
);
