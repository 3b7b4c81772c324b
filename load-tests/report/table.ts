import { HOPS } from './model.ts';
import type { LoadReport, StepReport } from './model.ts';
import { columns, ms, signedMs } from './format.ts';

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
export function hopTable(steps: readonly StepReport[]): string {
  const timed = steps.filter((step) => step.hopsMs !== null);
  if (timed.length === 0) return '';
  const rows = timed.map((step) => [`${step.rate}`, ...hopCells(step)]);
  return `\nWhere the time went, p50 ms:\n${columns([['rate/s', ...HOPS], ...rows])}`;
}

function hopCells({ hopsMs }: StepReport): string[] {
  return HOPS.map((hop) => (hopsMs === null ? '–' : ms(hopsMs[hop].p50)));
}

function tunnelCells(step: StepReport): string[] {
  const { requests, failed, dropped, latencyMs } = step.arms.tunnel;
  const rate = `${step.rate}${step.complete ? '' : '*'}`;
  return [rate, `${requests}`, `${failed}`, `${dropped}`, ms(latencyMs.p50), ms(latencyMs.p95), ms(latencyMs.p99)];
}

function addedCells({ addedMs }: StepReport): string[] {
  return addedMs === null ? ['–', '–'] : [signedMs(addedMs.p50), signedMs(addedMs.p99)];
}

/** What a person wants to see at the end of a run: table, verdict, evidence, thresholds. */
export function terminalSummary(report: LoadReport): string {
  const stopped = report.steps.some((step) => !step.complete) ? '* stopped inside this step\n' : '';
  return `\n${stepTable(report.steps)}${stopped}${hopTable(report.steps)}\n${verdictText(report)}`;
}

/** The verdict's sentence, its evidence, and the thresholds that failed. */
export function verdictText({ verdict, thresholds, stopped }: LoadReport): string {
  const lines = [verdict.sentence, ...verdict.evidence.map((sign) => `  - ${sign}`)];
  for (const { expression, failedAt, worst } of thresholds) {
    if (failedAt.length === 0) continue;
    lines.push(
      `Failed: ${expression} at ${failedAt.join(', ')} requests/s (worst ${worst === null ? '–' : ms(worst)})`,
    );
  }
  if (stopped !== null) lines.push(`Stopped: ${stopped.message}`);
  return `${lines.join('\n')}\n`;
}
