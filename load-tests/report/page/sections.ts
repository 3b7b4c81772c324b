import { ms, signedMs } from '../format.ts';
import { chartsOf } from '../charts.ts';
import { markup } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { LoadReport } from '../model.ts';
import { sectionTables } from '../section-tables.ts';
import type { Interval, Sections } from '../sections.ts';
import { chartBlock } from './blocks.ts';
import type { Block } from './page.ts';
import { tableBlock } from './tables.ts';

const HEADINGS: Readonly<Record<keyof Sections, string>> = {
  gate: 'Gate',
  overhead: 'Overhead',
  capacity: 'Capacity',
  soak: 'Trends',
  compare: 'Comparison',
  tls: 'TLS',
};

/** What the command found: intervals drawn where there are some, the fitted curve, then the tables. */
export function sectionBlocks(report: LoadReport): Block[] {
  const names = Object.keys(HEADINGS) as (keyof Sections)[];
  return names.flatMap((name): Block[] => {
    const section = report.sections[name];
    if (section === undefined) return [];
    const only: Sections = { [name]: section };
    const curve = name === 'capacity' ? chartsOf(report).filter(({ id }) => id === 'capacity') : [];
    const body = markup`${intervalsBlock(rowsOf(only))}${curve.map((chart) => chartBlock(chart))}${sectionTables(only).map((each) => tableBlock(each))}`;
    return [{ id: name, heading: HEADINGS[name], body }];
  });
}

/** A difference in milliseconds to draw; `marginMs` is where it would begin to matter. */
type Row = { name: string; medianMs: number; ci95: Interval | null; marginMs: number | null; said: string };

function rowsOf({ gate, overhead, compare, tls }: Sections): Row[] {
  const gateRows = gate?.rows.map((row) => ({
    ...row,
    name: row.metric,
    medianMs: row.differenceMs,
    said: row.outcome,
  }));
  const control = gate?.control?.map((row) => ({
    name: `control ${row.metric}`,
    medianMs: row.differenceMs,
    ci95: row.ci95,
    marginMs: null,
    said: row.isFit ? 'fit' : 'not fit',
  }));
  const plain = { marginMs: null, said: '' };
  const added = overhead?.added.map(({ metric, medianMs, ci95 }) => ({ name: metric, medianMs, ci95, ...plain }));
  const compared = compare?.rows
    .filter(({ ci95 }) => ci95 !== null)
    .map(({ rate, metric, differenceMs, ci95 }) => ({
      name: `${rate}/s ${metric}`,
      medianMs: differenceMs,
      ci95,
      ...plain,
    }));
  const modes = tls?.flatMap(({ mode, added: own }) =>
    own.map(({ metric, medianMs, ci95 }) => ({ name: `${mode} ${metric}`, medianMs, ci95, ...plain })),
  );
  return [...(gateRows ?? []), ...(control ?? []), ...(added ?? []), ...(compared ?? []), ...(modes ?? [])];
}

/** Room beside the outermost figure, as a part of the whole. */
const ROOM = 0.06;

/** Intervals on one axis of milliseconds, with zero and the margins. */
function intervalsBlock(rows: readonly Row[]): Markup | null {
  if (rows.length === 0) return null;
  const values = [0, ...rows.flatMap(({ medianMs, ci95, marginMs }) => [medianMs, ...(ci95 ?? []), marginMs ?? 0])];
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const at = (value: number): string => `${(100 * (ROOM + (1 - 2 * ROOM) * ((value - low) / span))).toFixed(2)}%`;
  return markup`<div class="intervals" role="list">${rows.map(({ name, medianMs, ci95, marginMs, said }) => {
    const text = `${name}: ${signedMs(medianMs)} ms${ci95 === null ? '' : `, 95 % between ${signedMs(ci95[0])} and ${signedMs(ci95[1])}`}${marginMs === null ? '' : `, margin ${ms(marginMs)}`}${said === '' ? '' : `, ${said}`}`;
    return markup`<div role="listitem" aria-label="${text}"><span class="name">${name}</span><svg aria-hidden="true"><line class="zero" x1="${at(0)}" x2="${at(0)}" y1="0" y2="100%"/>${
      marginMs === null
        ? null
        : markup`<line class="margin" x1="${at(marginMs)}" x2="${at(marginMs)}" y1="0" y2="100%"/>`
    }${
      ci95 === null
        ? null
        : markup`<line class="range" x1="${at(ci95[0])}" x2="${at(ci95[1])}" y1="50%" y2="50%"/><line class="range" x1="${at(ci95[0])}" x2="${at(ci95[0])}" y1="30%" y2="70%"/><line class="range" x1="${at(ci95[1])}" x2="${at(ci95[1])}" y1="30%" y2="70%"/>`
    }<circle class="median" cx="${at(medianMs)}" cy="50%" r="4.5"/></svg><span class="difference">${signedMs(medianMs)} ms</span><span class="said">${said}</span></div>`;
  })}<p class="key">solid line: no difference${rows.some(({ marginMs }) => marginMs !== null) ? '; dashed line: the margin' : ''}; dot: median; bar: 95 % interval</p></div>
`;
}
