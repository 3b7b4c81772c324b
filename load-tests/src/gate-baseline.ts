import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from '../engine/machine.ts';
import type { LoadReport } from '../report/model.ts';
import { bodyBytes } from '../engine/body.ts';
import { addressOf } from './assemble.ts';
import { contentHash } from './content-hash.ts';
import { LoadError } from './errors.ts';
import type { Prepared } from './options.ts';
import { readReport } from './read-report.ts';
import { commandIn } from './two-stacks.ts';

/** How what is sent is called where nothing shorter tells it apart. */
const HASH = 'what is sent (hash)';

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

/**
 * What is asked otherwise than in the report's run, as a sentence; null where nothing is. What an older report does not
 * tell is not compared.
 */
export function differentTraffic(report: LoadReport, prepared: Prepared): string | null {
  const { target, profile, tool } = report;
  const { plan } = prepared;
  const [tunnel, direct] = (['tunnel', 'direct'] as const).map((name) => plan.arms.find((arm) => arm.name === name));
  const first = tunnel?.requests[0];
  const here = {
    engine: prepared.engine,
    arrivals: (plan.trace ?? null) === null ? plan.arrivals : 'recorded',
    method: first?.method,
    protocol: tunnel?.protocol,
    'body (bytes)': bodyBytes(first?.body ?? null)?.byteLength ?? 0,
    'path through the tunnel': pathOf(addressOf(tunnel)),
    'path directly': pathOf(addressOf(direct)),
    [HASH]: contentHash(plan.arms),
  };
  const there = {
    engine: tool.engine,
    arrivals: profile.arrivals,
    method: target.method,
    protocol: target.protocol,
    'body (bytes)': target.bodyBytes,
    'path through the tunnel': pathOf(target.tunnel),
    'path directly': pathOf(target.direct ?? ''),
    [HASH]: target.content,
  };
  const keys = Object.keys(here) as (keyof typeof here)[];
  const unlike = keys.filter((key) => there[key] !== undefined && there[key] !== here[key]);
  if (unlike.length === 0) return null;
  // What else differs says more than the hash that it has changed.
  const told = unlike.length === 1 ? unlike : unlike.filter((key) => key !== HASH);
  const each = told.map((key) => `${key} was ${there[key]} and is ${here[key]}`);
  return `the baseline asked otherwise: ${each.join('; ')}; ask alike, or make another baseline with load overhead`;
}

function pathOf(address: string): string | undefined {
  return /^[a-z]+:\/\/[^/?#]*(.*)$/.exec(address)?.[1];
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
