import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from '../engine/machine.ts';
import type { LoadReport } from '../report/model.ts';
import { LoadError } from './errors.ts';
import { readReport } from './read-report.ts';
import { commandIn } from './two-stacks.ts';

/** What `--baseline` names. */
export type Baseline =
  | { kind: 'tunnel'; url: string }
  | { kind: 'report'; report: LoadReport }
  | { kind: 'checkout'; command: string };

/** @throws LoadError of exit code 2 where it is nothing of the kind */
export function baselineOf(given: string): Baseline {
  if (/^(https?|wss?):/.test(given)) return { kind: 'tunnel', url: given };
  const command = commandIn(given);
  const isFolder = statSync(given, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const hasReport = statSync(join(given, 'report.json'), { throwIfNoEntry: false }) !== undefined;
  if (isFolder && !hasReport) {
    if (command !== null) return { kind: 'checkout', command };
    const fix = 'run npm ci in it, or give a URL or a report.json';
    throw new LoadError(
      'SP_LOAD_OPTIONS',
      `--baseline ${given} is neither a checkout with node_modules/.bin/sallyport nor results; ${fix}`,
    );
  }
  return { kind: 'report', report: readReport(given) };
}

/** In which respect the report is from another machine; null where it is from this one. */
export function differentMachine({ machine, tool }: LoadReport): string | null {
  const here = { ...describeMachine(), node: process.version };
  const there = { ...machine, node: tool.node };
  const keys = Object.keys(here) as (keyof typeof here)[];
  const differing = keys.filter((key) => String(here[key]) !== String(there[key]));
  if (differing.length === 0) return null;
  const each = differing.map((key) => `${key} was ${there[key]} and is ${here[key]}`);
  return `the baseline is from another machine: ${each.join('; ')}`;
}
