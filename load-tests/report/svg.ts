import { headline } from './headline.ts';
import { rate } from './format.ts';
import type { Chart, Line, Span } from './chart.ts';
import { mainChart } from './charts.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import type { LoadReport } from './model.ts';
import { scaleOf } from './scale.ts';

export const CHART_WIDTH_PX = 880;
export const CHART_HEIGHT_PX = 440;
const PLOT = { left: 64, right: 752, top: 84, bottom: 384 } as const;
/** Labels at the lines' ends stand at least this far apart. */
const LABEL_GAP_PX = 16;
const MAX_TITLE = 96;

const S_PER_MIN = 60;

const STYLE = `
.page{fill:#fcfcfb}.grid{stroke:#e6e7e4}.axis{stroke:#b9bdb8}text{font:13px system-ui,sans-serif;fill:#5a625f}
.title{font-weight:600;font-size:16px;fill:#1b211f}.line{fill:none;stroke-width:1.5;stroke-linejoin:round}.bold{stroke-width:2.5}
.span{fill:#c2410c;fill-opacity:.08}.edge{stroke:#c2410c;stroke-dasharray:2 3}.note{fill:#a53a0b;font-weight:600}
.tunnel{stroke:#0f6a73}.direct{stroke:#a3661a}.baseline{stroke:#5b53a6}.control{stroke:#7a7f7c}.twin{stroke:#3b7bbf}.plain{stroke:#7a7f7c}.error{stroke:#b42318}
.dot{fill:#fcfcfb;stroke-width:1.5}
@media (prefers-color-scheme:dark){.page{fill:#141817}.grid{stroke:#272d2b}.axis{stroke:#47504d}text{fill:#a3ada9}
.title{fill:#edf1ef}.span{fill:#fb923c;fill-opacity:.12}.edge{stroke:#fb923c}.note{fill:#fdba74}
.tunnel{stroke:#4fc3cd}.direct{stroke:#e0a458}.baseline{stroke:#a9a2ee}.control{stroke:#9aa19d}.twin{stroke:#7fb2e6}.plain{stroke:#9aa19d}.error{stroke:#f97066}
.dot{fill:#141817}}`;

/** `report.svg`: the main chart as a picture for a pull request, light or dark as its reader. Null without steps. */
export function svgReport(report: LoadReport): string | null {
  const chart = mainChart(report);
  const view = chart?.views[0];
  if (chart === null || view === undefined) return null;
  const { label, sentence } = headline(report);
  const x = scaleOf(view.xs, chart.x.isLog);
  const y = scaleOf(
    view.lines.flatMap(({ values }) => values.filter((value) => value !== null)),
    chart.y.isLog,
  );
  const place: Place = {
    x: (value) => PLOT.left + x.place(value) * (PLOT.right - PLOT.left),
    y: (value) => PLOT.bottom - y.place(value) * (PLOT.bottom - PLOT.top),
  };
  const xTicks = chart.x.kind === 'rate' && view.xs.length <= TICKS_AT_VALUES ? view.xs : x.ticks;
  const picture = markup`<svg xmlns="http://www.w3.org/2000/svg" width="${CHART_WIDTH_PX}" height="${CHART_HEIGHT_PX}" viewBox="0 0 ${CHART_WIDTH_PX} ${CHART_HEIGHT_PX}" role="img" aria-label="${`${chart.title}. ${sentence}`}">
<style>${STYLE}</style>
<rect class="page" width="100%" height="100%" rx="8"/>
<text class="title" x="24" y="34">${label}</text>
<text x="24" y="56">${shortened(`${chart.title}, ${chart.y.label}, ${chart.note} · ${report.target.tunnel}`)}</text>
${chart.spans.filter(({ label: name }) => name === 'knee').map((span) => spanMarkup(span, place))}
${y.ticks.map((tick) => markup`<path class="grid" d="M${PLOT.left} ${px(place.y(tick))}H${PLOT.right}"/><text x="${PLOT.left - 10}" y="${px(place.y(tick) + 4)}" text-anchor="end">${figure(tick, chart.y.kind)}</text>`)}
<path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/>
${xTicks.map((tick) => markup`<path class="axis" d="M${px(place.x(tick))} ${PLOT.bottom}v5"/><text x="${px(place.x(tick))}" y="${PLOT.bottom + 22}" text-anchor="middle">${figure(tick, chart.x.kind)}</text>`)}
<text x="${(PLOT.left + PLOT.right) / 2}" y="${CHART_HEIGHT_PX - 14}" text-anchor="middle">${chart.x.label}</text>
${view.lines.map((line) => lineMarkup(line, view.xs, place))}
${endLabels(view.lines, place)}
</svg>
`;
  return picture.text;
}

/** A chart of so few rates has its ticks where they were measured. */
const TICKS_AT_VALUES = 8;

type Place = { x: (value: number) => number; y: (value: number) => number };

function spanMarkup({ from, to, label }: Span, place: Place): Markup {
  const [left, right] = [place.x(from), place.x(to)];
  const middle = px((left + right) / 2);
  return markup`<rect class="span" x="${px(left)}" y="${PLOT.top}" width="${px(right - left)}" height="${PLOT.bottom - PLOT.top}"/><path class="edge" d="M${px(right)} ${PLOT.top}V${PLOT.bottom}"/><text class="note" x="${middle}" y="${PLOT.top - 8}" text-anchor="middle">${label}</text>`;
}

function lineMarkup({ colour, isBold, dash, isScattered, mark, values }: Line, xs: number[], place: Place): Markup {
  const points = values.flatMap((value, index) =>
    value === null ? [] : [{ x: px(place.x(xs[index] ?? 0)), y: px(place.y(value)) }],
  );
  const path = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('');
  const classes = `line ${colour}${isBold ? ' bold' : ''}`;
  const marks = points.map(({ x, y }) => {
    if (mark === 'dot') return markup`<circle class="dot ${colour}" cx="${x}" cy="${y}" r="${isBold ? 4 : 3}"/>`;
    return mark === 'cross' ? markup`<path class="line ${colour}" d="M${x - 4} ${y - 4}l8 8m0-8l-8 8"/>` : null;
  });
  return markup`${isScattered ? null : markup`<path class="${classes}" stroke-dasharray="${dash.length === 0 ? 'none' : dash.join(' ')}" d="${path}"/>`}${marks}\n`;
}

/** Each line's name at its end, moved apart where lines meet. */
function endLabels(lines: readonly Line[], place: Place): Markup[] {
  const ends = lines
    .flatMap(({ label, values }) => {
      const last = values.findLast((value) => value !== null);
      return last === undefined || last === null ? [] : [{ label, y: place.y(last) }];
    })
    .sort((a, b) => a.y - b.y);
  let free = -Infinity;
  const placed = ends.map(({ label, y }) => {
    free = Math.max(y, free + LABEL_GAP_PX);
    return { label, y: free };
  });
  const over = Math.max(0, free - PLOT.bottom);
  return placed.map(({ label, y }) => markup`<text x="${PLOT.right + 14}" y="${px(y - over + 4)}">${label}</text>`);
}

/** A tick's figure: as short as it can be. */
function figure(value: number, kind: Chart['x']['kind']): string {
  if (kind === 'seconds') return value >= S_PER_MIN ? `${rate(value / S_PER_MIN)} min` : `${value} s`;

  return rate(value);
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}

function shortened(text: string): string {
  return text.length <= MAX_TITLE ? text : `${text.slice(0, MAX_TITLE - 1)}…`;
}
