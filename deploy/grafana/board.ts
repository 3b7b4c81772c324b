/** What all dashboards share: variables, time, links to each other, numbers of panels. */
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE } from './panels.ts';
import type { Row } from './panels.ts';

/** As in `provisioning/datasources/prometheus.yml`. */
const DATASOURCE_UID = 'sallyport-prometheus';
/** Where Grafana shows docs/runbooks in the compose stack; elsewhere the operator's own copy. */
const RUNBOOKS = '/public/runbooks';
const TAG = 'sallyport';

/** Events over all graphs: a series' value is either a time in milliseconds, or more than 0 while it lasts. */
export type Events = {
  readonly name: string;
  readonly expr: string;
  readonly title: string;
  readonly color: 'blue' | 'red';
  readonly isTime: boolean;
};

/** A variable: the values of a label, as `label_values(series, label)` has them. */
export type Choice = { readonly name: 'instance' | 'part'; readonly label: string; readonly query: string };

export type Board = {
  /** Also the name of its file. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** What can be chosen at the top; everything by default. */
  readonly choices: readonly Choice[];
  readonly refresh: string;
  readonly events: readonly Events[];
  readonly rows: readonly Row[];
};

export function makeBoard({ name, title, description, choices, refresh, events, rows }: Board): Dashboard {
  const board = new DashboardBuilder(title)
    .uid(`sallyport-${name}`)
    .description(description)
    .tags([TAG])
    .timezone('browser')
    .time({ from: 'now-30m', to: 'now' })
    .refresh(refresh)
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .link(new DashboardLinkBuilder('Sallyport').type(DashboardLinkType.Dashboards).tags([TAG]).keepTime(true))
    .withVariable(
      new DatasourceVariableBuilder('datasource')
        .label('Prometheus')
        .type('prometheus')
        .current({ text: 'Sallyport', value: DATASOURCE_UID }),
    )
    .withVariable(
      new TextBoxVariableBuilder('runbooks')
        .label('Runbooks at')
        .defaultValue(RUNBOOKS)
        .current({ text: RUNBOOKS, value: RUNBOOKS }),
    )
    .annotations(events.map((each) => annotation(each)));
  for (const choice of choices) board.withVariable(choiceVariable(choice));
  let id = 0;
  for (const { title: rowTitle, panels } of rows) {
    board.withRow(new RowBuilder(rowTitle).id((id += 1)));
    for (const panel of panels) board.withPanel(panel.id((id += 1)));
  }
  const built = board.build();
  // The library puts both into a menu; they are to be seen.
  for (const hidden of [...(built.links ?? []), ...(built.annotations?.list ?? [])]) delete hidden.placement;
  return built;
}

/** `All` is everything, also what comes later. */
function choiceVariable({ name, label, query }: Choice): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: 'All', value: '$__all' });
}

/** An event is never drawn for 0, so that a query may say "nothing" with it. */
function annotation({ name, expr, title, color, isTime }: Events): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(DATASOURCE)
    .enable(true)
    .hide(false)
    .iconColor(color)
    .expr(expr)
    .titleFormat(title)
    .useValueForTime(isTime);
}
