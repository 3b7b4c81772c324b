/**
 * `npm run verdict-matrix`: plays the cases one after the other and counts verdicts right, wrong and inconclusive.
 *
 *   npm run verdict-matrix -- [--only NAME,…] [--list] [--again] [--results results/verdict-matrix.jsonl]
 *
 * Results are kept in a file of JSON lines; cases in it are not played again. `--only` takes names or parts of names and
 * plays these, be there a result or not; `--list` lists them; `--again` begins anew. All of them take about 40 minutes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readFlags, runMain, UsageError } from '../../load-tests/bench/script.ts';
import { ROOT } from '../harness/command.ts';
import { CASES } from './cases.ts';
import type { Case } from './case.ts';
import { COMMON_CORE } from './play.ts';
import { judged, summary } from './score.ts';
import type { Played, Result } from './score.ts';

const CASE_LIMIT_MS = 45_000;
const EXIT_TOO_MANY_WRONG = 99;
const WITH_LOOPBACK = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

async function main(): Promise<number> {
  const flags = readFlags({
    only: { type: 'string' },
    list: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    results: { type: 'string', default: join(ROOT, 'results/verdict-matrix.jsonl') },
  });
  if (flags.list) {
    for (const { name, expects } of CASES) say(`${name}\t${expects.fault}`);
    return 0;
  }
  const only = flags.only?.split(',');
  if (only !== undefined && !CASES.some(({ name }) => isAsked(name, only))) {
    throw new UsageError(`--only ${flags.only} names no case; --list lists them`);
  }
  mkdirSync(dirname(flags.results), { recursive: true });
  if (flags.again) rmSync(flags.results, { force: true });
  return play(flags.results, only);
}

async function play(file: string, only: readonly string[] | undefined): Promise<number> {
  const results = new Map(readResults(file).map((result) => [result.name, result]));
  const wanted = CASES.filter(({ name }) => (only === undefined ? !results.has(name) : isAsked(name, only)));
  for (const [index, each] of wanted.entries()) {
    const result = judged(each, await playApart(each));
    results.set(each.name, result);
    appendFileSync(file, `${JSON.stringify(result)}\n`);
    const { outcome, said } = result;
    say(`${index + 1}/${wanted.length} ${outcome.padEnd(12)} ${each.name}: ${said}`);
  }
  const shown = CASES.flatMap(({ name }) => results.get(name) ?? []);
  const { text, isGood } = summary(shown);
  say(text);
  return isGood ? 0 : EXIT_TOO_MANY_WRONG;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A whole name is that case alone; anything else is a part of names. */
function isAsked(name: string, only: readonly string[]): boolean {
  return only.some((part) => (CASES.some((each) => each.name === part) ? name === part : name.includes(part)));
}

/** The last result of each case counts. */
function readResults(file: string): Result[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Result);
}

/** Plays a case in a process of its own, on its core or in its network as it needs. */
async function playApart(played: Case): Promise<Played> {
  const prefix = prefixOf(played);
  if (prefix === null) return { skipped: 'this machine does not allow it (root, unshare, nft, taskset, two cores)' };
  const command = [...prefix, process.execPath, join(import.meta.dirname, 'case-main.ts'), played.name];
  // A case that is killed leaves its files, so they are where this process removes them.
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-case-'));
  const child = spawn(command[0] as string, command.slice(1), {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), CASE_LIMIT_MS);
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-1000)));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  rmSync(folder, { recursive: true, force: true });
  const line = output.split('\n').find((each) => each.startsWith('{"verdict"'));
  if (line === undefined) return { broke: `${signal ?? `exit ${code}`} ${errors.trim()}` };
  return JSON.parse(line) as Played;
}

/** What is put before the case's command; null where this machine does not allow it. */
function prefixOf({ lossPercent, burner }: Case): string[] | null {
  if (lossPercent !== undefined) return works(...WITH_LOOPBACK, 'nft', 'list', 'ruleset') ? WITH_LOOPBACK : null;
  if (burner === undefined) return [];
  const onTwoCores = works('taskset', '-c', '1', 'nice', '-n', '-15', 'true');
  return onTwoCores ? ['taskset', '-c', String(COMMON_CORE)] : null;
}

function works(...command: string[]): boolean {
  return spawnSync(command[0] as string, command.slice(1), { stdio: 'ignore' }).status === 0;
}

await runMain(main);
