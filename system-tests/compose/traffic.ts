/** Which ends of requests are right while a service of the stack is away. */
import assert from 'node:assert/strict';
import { Load } from '../harness/load.ts';
import { tally } from '../harness/load-outcomes.ts';
import type { End, Outcome } from '../harness/load.ts';

/** Every request ends, whatever happens; one that has not by then counts as hanging. */
const HANG_MS = 60_000;
const WORKERS = 10;
const BEFORE = 50;
const AFTER = 100;

export interface Fault {
  readonly service: string;
  /** Ends that may be besides whole answers. */
  readonly ends: readonly End[];
  /** Codes of the problems among them. */
  readonly codes?: RegExp;
}

/** Load on `url` before, during and after `fault`, which resolves when all is said to be well again. */
export async function loadAround(url: string, fault: () => Promise<unknown>): Promise<readonly Outcome[]> {
  await using load = new Load(url, WORKERS, HANG_MS);
  await load.more(BEFORE);
  await fault();
  await load.more(AFTER);
  return load.stop();
}

export function assertEnds(outcomes: readonly Outcome[], { ends, codes = /^$/ }: Fault): void {
  const told = JSON.stringify(tally(outcomes), null, 2);
  for (const { end, code } of outcomes) {
    assert(end === 'answer' || ends.includes(end), `${end}:\n${told}`);
    if (end === 'problem') assert.match(code, codes, told);
  }
}

/** How many ended how, and how long the longest took. */
export function summary(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { end, code } of outcomes) {
    const name = code === '' ? end : code;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const longestMs = Math.max(...outcomes.map(({ startedMs, endedMs }) => endedMs - startedMs));
  const ends = [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
  return `${ends}; the longest took ${Math.round(longestMs)} ms`;
}
