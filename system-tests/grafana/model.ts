/** As much of Grafana's dashboard format as the tests look at. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/command.ts';

export const GRAFANA = join(ROOT, 'deploy/grafana');

interface Source {
  readonly type: string;
  readonly uid: string;
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: Source;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: Source;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly links?: readonly { readonly title: string; readonly url: string }[];
  readonly targets?: readonly Target[];
}

export interface Annotation {
  readonly name: string;
  readonly expr: string;
  readonly titleFormat: string;
  readonly datasource: Source;
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query?: unknown;
  readonly datasource?: Source;
  readonly current?: { readonly value: unknown };
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly refresh: string;
  readonly time: { readonly from: string };
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly templating: { readonly list: readonly Variable[] };
}

/** The committed dashboards, by file. */
export function committed(): ReadonlyMap<string, Dashboard> {
  const folder = join(GRAFANA, 'dashboards');
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return new Map(files.map((file) => [file, JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard]));
}

/** What a dashboard asks Prometheus, and where: its panels, its marks. Legends name labels as `{{label}}`. */
export function queriesOf(dashboard: Dashboard): { where: string; expr: string; legend: string }[] {
  const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr, legendFormat }) => ({
      where: `${dashboard.title} / ${title} / ${refId}`,
      expr,
      legend: legendFormat,
    })),
  );
  const marks = dashboard.annotations.list.map(({ name, expr, titleFormat }) => ({
    where: `${dashboard.title} / ${name}`,
    expr,
    legend: titleFormat,
  }));
  return [...panels, ...marks];
}
