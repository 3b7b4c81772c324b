/** The three kinds of panels of our dashboards, alike everywhere. */
import { PanelBuilder as BarsBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as FigureBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** Whatever the operator has chosen; the provisioned one by default. */
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const GRAPH_HEIGHT = 8;
const FIGURE_HEIGHT = 4;

/** From which value on which colour; null: from below. */
export type Steps = readonly { readonly from: number | null; readonly color: 'green' | 'yellow' | 'red' }[];

export type Query = { readonly expr: string; readonly legend: string };

export type Look = {
  readonly title: string;
  /** Plain words: what it shows, and what is well. */
  readonly description: string;
  /** Grafana's: `s`, `reqps`, `short`, `percentunit`, `bytes`. */
  readonly unit: string;
  /** Of 24. */
  readonly span: number;
  readonly queries: readonly Query[];
  readonly steps?: Steps;
  /** What is shown where there is no data, and that is no fault. */
  readonly none?: string;
  /** How often it is scraped, where that is not as often as the rest; rates are taken over four of these. */
  readonly interval?: string;
  /** The alert whose runbook helps. */
  readonly alert?: string;
};

export type GraphLook = Look & {
  /** On top of each other; `percent` to a whole of 100 %. */
  readonly stacked?: 'normal' | 'percent';
};

export type Panel = GraphBuilder | FigureBuilder | BarsBuilder;
export type Row = { readonly title: string; readonly panels: readonly Panel[] };

/** Well below `warn`, bad from `bad` on. */
export const badFrom = (bad: number, warn?: number): Steps => [
  { from: null, color: 'green' },
  ...(warn === undefined ? [] : [{ from: warn, color: 'yellow' } as const]),
  { from: bad, color: 'red' },
];

/** Bad below `well`; between both a warning. */
export const wellFrom = (well: number, warn?: number): Steps => [
  { from: null, color: 'red' },
  ...(warn === undefined ? [] : [{ from: warn, color: 'yellow' } as const]),
  { from: well, color: 'green' },
];

/** Lines over time, with the last and the highest value of each in the legend. */
export function graph(look: GraphLook): GraphBuilder {
  const { steps, stacked } = look;
  const panel = dress(new GraphBuilder(), look)
    .height(GRAPH_HEIGHT)
    .min(0)
    .lineWidth(1)
    .fillOpacity(stacked === undefined ? 5 : 40)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (stacked !== undefined) {
    const mode = stacked === 'percent' ? StackingMode.Percent : StackingMode.Normal;
    panel.stacking(new StackingConfigBuilder().mode(mode).group('A'));
  }
  if (steps !== undefined) {
    panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  addTargets(panel, look, false);
  return panel;
}

/** The last value of each query, large. */
export function figure(look: Look): FigureBuilder {
  const panel = dress(new FigureBuilder(), look)
    .height(FIGURE_HEIGHT)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorMode(look.steps === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area);
  addTargets(panel, look, false);
  return panel;
}

/** What each series is now, as bars from 0 to 1. */
export function bars(look: Look): BarsBuilder {
  const panel = dress(new BarsBuilder(), look)
    .height(GRAPH_HEIGHT)
    .min(0)
    .max(1)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
  addTargets(panel, look, true);
  return panel;
}

/** What all kinds have. */
function dress<Builder extends Panel>(panel: Builder, look: Look): Builder {
  const { title, description, unit, span, steps, none, alert } = look;
  panel.title(title).description(description).unit(unit).span(span).datasource(DATASOURCE);
  if (steps !== undefined) {
    const values = steps.map(({ from, color }) => ({ value: from, color }));
    panel.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(values));
  }
  if (none !== undefined) panel.noValue(none);
  if (alert !== undefined) {
    panel.links([new DashboardLinkBuilder('Runbook').url(`\${runbooks}/${pageOf(alert)}`).targetBlank(true)]);
  }
  return panel;
}

/** `SallyportLatencyP99High` → `sallyport-latency-p99-high.md`. */
export const pageOf = (alert: string): string => `${alert.replaceAll(/(?<=[a-z\d])(?=[A-Z])/g, '-').toLowerCase()}.md`;

function addTargets(panel: Panel, { queries, interval }: Look, isInstant: boolean): void {
  for (const [index, { expr, legend }] of queries.entries()) {
    const target = new DataqueryBuilder()
      .refId(String.fromCodePoint('A'.codePointAt(0)! + index))
      .datasource(DATASOURCE)
      .expr(expr)
      .legendFormat(legend);
    if (isInstant) target.instant();
    else target.range();
    panel.withTarget(interval === undefined ? target : target.interval(interval));
  }
}
