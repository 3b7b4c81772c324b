import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compareSentence, compareSteps } from '../analysis/compare.ts';
import type { ComparedSecond, ComparedStep } from '../analysis/compare.ts';
import { roundMs } from '../analysis/paired.ts';
import { rateText } from '../analysis/rate-text.ts';
import { median } from '../analysis/statistics.ts';
import type { LoadReport, StepReport } from '../report/model.ts';
import type { CompareSection } from '../report/sections.ts';
import { terminalSummary } from '../report/table.ts';
import { assemble } from './assemble.ts';
import { refuse } from './errors.ts';
import { finish } from './finish.ts';
import type { LoadOutcome } from './finish.ts';
import { mergeLogs } from './merge-logs.ts';
import type { LoadOptions } from './load-options.ts';
import { prepare } from './options.ts';
import { makeOutFolder } from './out-folder.ts';
import { readReport } from './read-report.ts';

/** A second with fewer answers says little about its median; the last of a step may be a part of one. */
const MIN_ANSWERS = 5;
const MIN_SECOND_S = 0.5;

export type CompareOptions = Pick<LoadOptions, 'out' | 'stdout' | 'stderr' | 'isOpening'> & { a: string; b: string };
/** A run to compare: a report, or only the steps of a log. */
type Side = { name: string; report: LoadReport | null; steps: ComparedStep[] };

/**
 * Two runs step by step: report.json files, folders of results, or HdrHistogram logs (`*.hdr`; their rates are from the
 * report.json beside them, or else the steps' numbers, from 1). Shows the differences; writes reports only where `out`
 * says. Exit code 0 whatever they are.
 * @throws LoadError of exit code 2 for files that are none, or have no step in common
 */
export async function loadCompare(options: CompareOptions): Promise<LoadOutcome> {
  const [a, b] = [await readSide(options.a), await readSide(options.b)];
  const comparison = compareSteps(a.steps, b.steps);
  if (comparison.rows.length === 0) {
    throw refuse(
      `${a.name} (${rates(a.steps)}/s) and ${b.name} (${rates(b.steps)}/s) have no rate in common; give others`,
    );
  }
  const sentence = compareSentence(comparison, reservations(a.report, b.report));
  const section: CompareSection = { a: a.name, b: b.name, rows: comparison.rows, sentence };
  const report = toReport(section, b.report);
  if (options.out === undefined) {
    options.stdout?.write(terminalSummary(report));
    return { exitCode: 0, report, files: [] };
  }
  const folder = makeOutFolder(options.out, new Date());
  return await finish(report, folder, { ...options, target: report.target.tunnel }, { files: [], exitCode: 0 });
}

function rates(steps: readonly ComparedStep[]): string {
  return steps.map(({ rate }) => rateText(rate)).join(', ') || 'none';
}

async function readSide(name: string): Promise<Side> {
  if (!name.endsWith('.hdr')) {
    const report = readReport(name);
    return { name, report, steps: byRate(report.steps) };
  }
  if (!existsSync(name)) throw refuse(`${name} is not there; give a report.json, a folder of results or a .hdr log`);
  const beside = join(dirname(name), 'report.json');
  const report = existsSync(beside) ? readReport(beside) : null;
  const steps = [...(await mergeLogs([name]))].map(([index, { all, seconds }]) => ({
    rate: report?.steps[index]?.rate ?? index + 1,
    p50: all.at(50),
    p99: all.at(99),
    seconds: seconds.map(({ p50, p99 }) => ({ answers: all.count / seconds.length, p50, p99, addedMs: null })),
  }));
  return { name, report, steps: together(steps) };
}

function byRate(steps: readonly StepReport[]): ComparedStep[] {
  return together(
    steps.map((step) => {
      const { p50, p99 } = step.arms.tunnel.latencyMs;
      return { rate: step.rate, p50, p99, seconds: secondsOf(step) };
    }),
  );
}

/** Steps of one rate are windows of it: their seconds count together, and their percentiles by the median. */
function together(steps: readonly ComparedStep[]): ComparedStep[] {
  const rates = [...new Set(steps.map(({ rate }) => rate))];
  return rates.map((rate) => {
    const same = steps.filter((step) => step.rate === rate);
    const middle = (metric: 'p50' | 'p99'): number => roundMs(median(same.map((step) => step[metric])));
    return { rate, p50: middle('p50'), p99: middle('p99'), seconds: same.flatMap(({ seconds }) => seconds) };
  });
}

function secondsOf({ seconds }: StepReport): ComparedSecond[] {
  return seconds.flatMap(({ lengthS, arms: { tunnel, direct } }) => {
    const answers = tunnel === undefined ? 0 : tunnel.ok + tunnel.failed;
    if (tunnel === undefined || lengthS < MIN_SECOND_S || answers < MIN_ANSWERS) return [];
    const addedMs = direct === undefined || direct.ok + direct.failed < MIN_ANSWERS ? null : tunnel.p50 - direct.p50;
    return [{ answers, p50: tunnel.p50, p99: tunnel.p99, addedMs }];
  });
}

/** In what the runs were not alike. */
function reservations(a: LoadReport | null, b: LoadReport | null): string[] {
  if (a === null || b === null) return ['no report.json lies beside a log: its steps go by number'];
  const facts: [string, (report: LoadReport) => unknown][] = [
    ['machine', ({ machine }) => `${machine.cpus} × ${machine.cpuModel}`],
    ['kernel', ({ machine }) => machine.kernel],
    ['node', ({ tool }) => tool.node],
    ['engine', ({ tool }) => tool.engine],
    ['arrivals', ({ profile }) => profile.arrivals],
    ['model', ({ profile }) => profile.model ?? 'open'],
    ['method', ({ target }) => target.method],
  ];
  const differing = facts.filter(([, read]) => read(a) !== read(b));
  return differing.map(([name, read]) => `${name} ${String(read(a))} in A and ${String(read(b))} in B`);
}

/** The comparison in the form of a report: B's, or one without steps of logs that lie alone. */
function toReport(section: CompareSection, b: LoadReport | null): LoadReport {
  const base = b ?? emptyReport(section.b);
  return {
    ...base,
    command: 'compare',
    thresholds: [],
    stopped: null,
    verdict: { ...base.verdict, sentence: section.sentence, evidence: [] },
    sections: { compare: section },
  };
}

function emptyReport(name: string): LoadReport {
  const prepared = prepare({ target: 'http://127.0.0.1/', rate: 1, durationS: 1 });
  const nothing = { measurements: [], steps: [], totals: null, stopped: null, startedAt: new Date() };
  const report = assemble({ command: 'compare', prepared, version: '0.0.0', ...nothing });
  return { ...report, target: { ...report.target, tunnel: name } };
}
