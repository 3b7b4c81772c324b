import { headline } from './headline.ts';
import { count, loadText, ms, rate, signedMs } from './format.ts';
import { HOPS } from './model.ts';
import type { LoadReport, StepReport } from './model.ts';
import { sectionTables } from './section-tables.ts';
import type { Table } from './section-tables.ts';

const MARK = { good: '✅', bad: '❌', unsure: '⚠️' } as const;
/** Longer tables are folded, so that a comment on a pull request stays a comment. */
const MAX_OPEN_ROWS = 12;
const ZERO_WIDTH_SPACE = '\u200B';

/** `report.md`, for a pull request: the answer first, then what it rests on. GitHub's and GitLab's Markdown. */
export function markdownReport(report: LoadReport): string {
  const { tone, label, sentence, evidence, endings } = headline(report);
  const { tool, machine, profile, target } = report;
  const signs = [...evidence, ...endings].map((sign) => `- ${plain(sign)}\n`).join('');
  const about = [
    `load ${report.command}`,
    loadText(profile),
    `${target.method} ${target.tunnel}`,
    `${tool.engine} engine ${tool.version}`,
    `${machine.cpus} × ${machine.cpuModel}, ${machine.kernel}, Node ${tool.node}`,
    report.startedAt,
  ];
  return [
    `### ${MARK[tone]} ${plain(label)}\n\n${plain(sentence)}\n`,
    signs,
    ...sectionTables(report.sections).map((each) => tableText(each)),
    tableText(stepsTable(report.steps)),
    folded(hopsTable(report.steps)),
    `<sub>${about.map((part) => plain(part)).join(' · ')}</sub>\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function stepsTable(steps: readonly StepReport[]): Table {
  const rows = steps.map(({ rate: offered, complete, arms: { tunnel, direct }, addedMs }) => [
    `${rate(offered)}${complete ? '' : '*'}`,
    count(tunnel.requests),
    count(tunnel.failed),
    count(tunnel.dropped),
    ms(tunnel.latencyMs.p50),
    ms(tunnel.latencyMs.p99),
    direct === undefined ? '–' : ms(direct.latencyMs.p50),
    direct === undefined ? '–' : ms(direct.latencyMs.p99),
    addedMs === null ? '–' : signedMs(addedMs.p50),
  ]);
  const head = ['rate/s', 'requests', 'failed', 'dropped', 'p50 ms', 'p99', 'direct p50', 'p99', 'added p50'];
  const note = steps.some(({ complete }) => !complete) ? '* stopped inside this step' : null;
  return { title: 'Steps', note, head, rows, words: [] };
}

function hopsTable(steps: readonly StepReport[]): Table {
  const rows = steps.flatMap(({ rate: offered, hopsMs }) =>
    hopsMs === null ? [] : [[rate(offered), ...HOPS.map((hop) => `${ms(hopsMs[hop].p50)} / ${ms(hopsMs[hop].p99)}`)]],
  );
  return { title: 'Where the time went, p50 / p99 ms', note: null, head: ['rate/s', ...HOPS], rows, words: [] };
}

function tableText(table: Table): string {
  if (table.rows.length > MAX_OPEN_ROWS) return folded(table);
  return table.rows.length === 0 ? '' : `**${plain(table.title)}**\n\n${noteText(table)}${gridText(table)}`;
}

function folded(table: Table): string {
  if (table.rows.length === 0) return '';
  return `<details><summary>${plain(table.title)}</summary>\n\n${noteText(table)}${gridText(table)}\n</details>\n`;
}

function noteText({ note }: Table): string {
  return note === null ? '' : `${plain(note)}\n\n`;
}

function gridText({ head, rows, words }: Table): string {
  const ruler = `|${head.map((_, index) => (words.includes(index) ? ' :-- |' : ' --: |')).join('')}\n`;
  return gridLine(head) + ruler + rows.map((row) => gridLine(row)).join('');
}

function gridLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => plain(cell)).join(' | ')} |\n`;
}

/** Text that stays text: no markup, no table cell, no mention, one line. */
function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('@', `@${ZERO_WIDTH_SPACE}`)
    .replaceAll(/[\\`*_[\]|~#$!]/g, String.raw`\$&`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
