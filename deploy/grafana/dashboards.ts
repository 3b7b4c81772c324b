/** All dashboards, by the name of their file. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { capacity } from './capacity.ts';
import { clients } from './clients.ts';
import { loadRun } from './load-run.ts';
import { overview } from './overview.ts';

export const dashboards = (): ReadonlyMap<string, Dashboard> =>
  new Map([
    ['overview.json', overview()],
    ['clients.json', clients()],
    ['capacity.json', capacity()],
    ['load-run.json', loadRun()],
  ]);
