/** What can be known of the dashboards without Grafana. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { dashboards } from '../../deploy/grafana/dashboards.ts';
import { ROOT } from '../harness/command.ts';
import { committed, GRAFANA } from './model.ts';
import type { Panel } from './model.ts';

const boards = committed();
const each = [...boards.values()];
const shown = (panels: readonly Panel[]) => panels.filter(({ type }) => type !== 'row');
const readYaml = (file: string): unknown => parse(readFileSync(join(ROOT, file), 'utf8'));

interface Provisioned {
  readonly datasources: readonly {
    readonly uid: string;
    readonly type: string;
    readonly jsonData: { readonly timeInterval: string };
  }[];
}
interface Scrapes {
  readonly global: { readonly scrape_interval: string };
}

describe('the dashboards of deploy/grafana', () => {
  it('are what the generator makes ("npm run dashboards")', () => {
    const made = Object.fromEntries(
      [...dashboards()].map(([file, board]) => [file, JSON.parse(JSON.stringify(board))]),
    );
    assert.deepEqual(Object.fromEntries(boards), made);
  });

  it('have names of their own, show half an hour, and refresh', () => {
    assert.deepEqual(each.map(({ uid }) => uid).toSorted(), [
      'sallyport-capacity',
      'sallyport-clients',
      'sallyport-load-run',
      'sallyport-overview',
    ]);
    for (const { title, time, refresh, description } of each) {
      assert.equal(time.from, 'now-30m', title);
      assert.match(refresh, /^\d+s$/, title);
      assert.ok(description.length > 20, title);
    }
  });

  it('number their panels and lay none over another', () => {
    for (const { title, panels } of each) {
      const ids = panels.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, title);
      const taken = new Map<string, string>();
      for (const panel of panels) {
        const { x, y, w, h } = panel.gridPos;
        assert.ok(x >= 0 && x + w <= 24, `${title} / ${panel.title} is beside the page`);
        for (let row = y; row < y + h; row++) {
          for (let column = x; column < x + w; column++) {
            const place = `${column},${row}`;
            assert.equal(taken.get(place), undefined, `${title}: ${panel.title} lies over ${taken.get(place)}`);
            taken.set(place, panel.title);
          }
        }
      }
    }
  });

  it('ask the data source that is chosen, by default the provisioned one', () => {
    const { datasources } = readYaml('deploy/grafana/provisioning/datasources/prometheus.yml') as Provisioned;
    const [provisioned] = datasources;
    for (const { title, panels, annotations, templating } of each) {
      const chosen = templating.list.find(({ name }) => name === 'datasource');
      assert.equal(chosen?.current?.value, provisioned?.uid, title);
      const asked = [
        ...shown(panels).flatMap(({ datasource, targets = [] }) => [
          datasource,
          ...targets.map((one) => one.datasource),
        ]),
        ...annotations.list.map(({ datasource }) => datasource),
        ...templating.list.filter(({ type }) => type === 'query').map(({ datasource }) => datasource),
      ];
      for (const source of asked) assert.deepEqual(source, { type: provisioned?.type, uid: '${datasource}' }, title);
    }
  });

  it('take rates over the interval at which Prometheus scrapes', () => {
    const { datasources } = readYaml('deploy/grafana/provisioning/datasources/prometheus.yml') as Provisioned;
    const { global } = readYaml('deploy/prometheus/prometheus.yml') as Scrapes;
    assert.equal(datasources[0]?.jsonData.timeInterval, global.scrape_interval);
  });

  it('describe each panel, give its unit, and name each of its lines', () => {
    for (const { title, panels } of each) {
      for (const panel of shown(panels)) {
        const where = `${title} / ${panel.title}`;
        assert.ok((panel.description ?? '').length > 20, `${where} says nothing of itself`);
        assert.match(panel.description ?? '', /[.)]$/, where);
        assert.ok(panel.fieldConfig?.defaults.unit, `${where} has no unit`);
        assert.ok((panel.targets ?? []).length > 0, `${where} asks nothing`);
        for (const { legendFormat } of panel.targets ?? []) assert.ok(legendFormat, where);
      }
    }
  });

  it('use variables that there are', () => {
    for (const board of each) {
      const known = new Set([...board.templating.list.map(({ name }) => name), '__rate_interval']);
      for (const [, name] of JSON.stringify(board).matchAll(/\$\{?(\w+)/g)) {
        if (name !== '__all') assert.ok(known.has(name!), `${board.title}: $${name}`);
      }
    }
  });

  it('lead to runbooks that there are', () => {
    let links = 0;
    for (const { title, panels } of each) {
      for (const { url } of shown(panels).flatMap((panel) => panel.links ?? [])) {
        links += 1;
        const [, page] = /^\$\{runbooks\}\/([\w-]+\.md)$/.exec(url) ?? [];
        assert.ok(page !== undefined && existsSync(join(ROOT, 'docs/runbooks', page)), `${title}: ${url}`);
      }
    }
    assert.ok(links > 20);
  });

  it('are found by Grafana where the provisioning says', () => {
    const { providers } = readYaml('deploy/grafana/provisioning/dashboards/sallyport.yml') as {
      providers: { type: string; options: { path: string } }[];
    };
    assert.deepEqual(
      providers.map(({ type, options }) => [type, options.path]),
      [['file', '/var/lib/grafana/dashboards']],
    );
    assert.ok(existsSync(join(GRAFANA, 'dashboards')));
  });
});
