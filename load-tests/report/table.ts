import { HOPS } from './model.ts';
import type { LoadReport, StepReport } from './model.ts';
import { columns, ms, plainRate, signedMs } from './format.ts';
import { headline } from './headline.ts';
import { sectionTables } from './section-tables.ts';

/** More steps than this, and windows of one rate, are summed up by the command's section; report.txt has them all. */
const MAX_TERMINAL_STEPS = 12;

/** One line per step for the terminal: what came through the tunnel, and what it added. */
export function stepTable(steps: readonly StepReport[]): string {
  const hasAdded = steps.some((step) => step.addedMs !== null);
  const head = [
    'rate/s',
    'requests',
    'failed',
    'dropped',
    'p50 ms',
    'p95',
    'p99',
    ...(hasAdded ? ['added p50', 'p99'] : []),
  ];
  return columns([head, ...steps.map((step) => [...tunnelCells(step), ...(hasAdded ? addedCells(step) : [])])]);
}

/** The same with the medians of the hops, for the file. */
export function stepTableWithHops(steps: readonly StepReport[]): string {
  const head = ['rate/s', 'requests', 'failed', 'dropped', 'p50 ms', 'p95', 'p99', 'added p50', 'p99', ...HOPS];
  return columns([head, ...steps.map((step) => [...tunnelCells(step), ...addedCells(step), ...hopCells(step)])]);
}

/** Where the time went: the medians of the hops, step by step; empty without Server-Timing. */
function hopTable(steps: readonly StepReport[]): string {
  const timed = steps.filter((step) => step.hopsMs !== null);
  if (timed.length === 0) return '';
  const rows = timed.map((step) => [plainRate(step.rate), ...hopCells(step)]);
  return `\nWhere the time went, p50 ms:\n${columns([['rate/s', ...HOPS], ...rows])}`;
}

function hopCells({ hopsMs }: StepReport): string[] {
  return HOPS.map((hop) => (hopsMs === null ? '–' : ms(hopsMs[hop].p50)));
}

function tunnelCells(step: StepReport): string[] {
  const { requests, failed, dropped, latencyMs } = step.arms.tunnel;
  const rate = `${plainRate(step.rate)}${step.complete ? '' : '*'}`;
  return [rate, `${requests}`, `${failed}`, `${dropped}`, ms(latencyMs.p50), ms(latencyMs.p95), ms(latencyMs.p99)];
}

function addedCells({ addedMs }: StepReport): string[] {
  return addedMs === null ? ['–', '–'] : [signedMs(addedMs.p50), signedMs(addedMs.p99)];
}

/** What the command found beside the steps, each table under its title. */
export function sectionText(report: LoadReport): string {
  return sectionTables(report.sections)
    .map(({ title, note, head, rows, words }) => {
      const about = note === null ? '' : `  ${note}\n`;
      return `\n${title}:\n${about}${columns([head, ...rows], words)}`;
    })
    .join('');
}

/** What a person wants to see at the end of a run: table, findings, verdict, evidence, thresholds. */
export function terminalSummary(report: LoadReport): string {
  const { steps } = report;
  const stopped = steps.some((step) => !step.complete) ? '* stopped inside this step\n' : '';
  const areWindows = steps.length > 1 && new Set(steps.map(({ rate }) => rate)).size === 1;
  const tables =
    areWindows || steps.length > MAX_TERMINAL_STEPS ? '' : `\n${stepTable(steps)}${stopped}${hopTable(steps)}`;
  // Who asks whose fault it is wants that first.
  if (report.command === 'isolate') return `\n${verdictText(report)}${tables}${sectionText(report)}`;
  return `${tables}${sectionText(report)}\n${verdictText(report)}`;
}

/** The sentence in front, its evidence, and the thresholds that failed. */
export function verdictText(report: LoadReport): string {
  const { sentence, evidence, endings } = headline(report);
  const lines = [sentence, ...evidence.map((sign) => `  - ${sign}`), ...endings];
  return `${lines.join('\n')}\n`;
}
