import { ms, rate } from '../format.ts';
import { markup } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { HOPS } from '../model.ts';
import type { HopsReport, LoadReport, StepReport } from '../model.ts';
import type { Block } from './page.ts';
import { tableBlock } from './tables.ts';

/** On a bar of this width, a phone's, a name with its figure must fit into its part. */
const NARROW_BAR_PX = 250;
const CHARACTER_PX = 7;
/** Windows of one rate look all the same. */
const MAX_STEPS = 12;

/** Where the time went, a pair of bars per step; nothing where the target sends no times. */
export function hopBlock({ steps, verdict }: LoadReport): Block[] {
  const timed = steps.filter((step) => step.hopsMs !== null && step.hopsMs.total.p50 > 0).slice(-MAX_STEPS);
  if (timed.length === 0) return [];
  const legend = HOPS.map(
    (hop) =>
      markup`<li><svg class="swatch" aria-hidden="true"><rect class="hop-${hop}" width="100%" height="100%" rx="2"/></svg>${hop}${hop === verdict.hop ? ' (at fault)' : ''}</li>`,
  );
  const rows = timed.flatMap((step) =>
    step.hopsMs === null ? [] : [barRow(step, step.hopsMs, 'p50'), barRow(step, step.hopsMs, 'p99')],
  );
  const body = markup`<p class="lead">Each bar adds up the hops at that percentile; the figure beside it is their sum. A hop’s p99 is its own, so a p99 bar is longer than any one answer.</p>
<ul class="legend">${legend}</ul>
<div class="bars">${rows}</div>
${tableBlock(hopFigures(timed))}`;
  return [{ id: 'hops', heading: 'Where the time went', body }];
}

function barRow({ rate: offered }: StepReport, hops: HopsReport, percentile: 'p50' | 'p99'): Markup {
  const sum = HOPS.reduce((all, hop) => all + hops[hop][percentile], 0) || 1;
  let from = 0;
  const parts = HOPS.map((hop) => {
    const share = hops[hop][percentile] / sum;
    const start = from;
    from += share;
    const isNamed = share * NARROW_BAR_PX > hop.length * CHARACTER_PX;
    const name = isNamed
      ? markup`<text class="on-${hop}" x="${part(start + share / 2)}" y="50%" dy=".35em" text-anchor="middle">${hop}</text>`
      : null;
    return markup`<rect class="hop-${hop}" x="${part(start)}" width="${part(share)}" height="100%"/>${name}`;
  });
  const label = HOPS.map((hop) => `${hop} ${ms(hops[hop][percentile])} ms`).join(', ');
  const head = percentile === 'p50' ? markup`<span class="rate">${rate(offered)}/s</span>` : markup`<span></span>`;
  return markup`${head}<span class="percentile">${percentile}</span><svg class="bar" role="img" aria-label="${`${rate(offered)} requests/s, ${percentile}: ${label}`}">${parts}</svg><span class="length">${ms(sum)} ms</span>
`;
}

function hopFigures(steps: readonly StepReport[]) {
  return {
    title: 'The same in figures, p50 and p99 in ms',
    note: null,
    head: ['rate/s', ...HOPS.flatMap((hop) => [`${hop} p50`, 'p99'])],
    rows: steps.map(({ rate: offered, hopsMs }) => [
      rate(offered),
      ...HOPS.flatMap((hop) => (hopsMs === null ? ['–', '–'] : [ms(hopsMs[hop].p50), ms(hopsMs[hop].p99)])),
    ]),
    words: [],
  };
}

function part(share: number): string {
  return `${(100 * share).toFixed(2)}%`;
}
