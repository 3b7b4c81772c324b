/** The dashboards' queries, asked of a real Prometheus that scrapes a real stack under load. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Command } from '../harness/command.ts';
import { needs } from '../harness/needs.ts';
import { quietPort } from '../harness/port.ts';
import { jobsOf, Prometheus } from '../harness/prometheus.ts';
import type { Series } from '../harness/prometheus.ts';
import { startStack } from '../harness/stack.ts';
import { committed, queriesOf } from './model.ts';

const RAMP = 'steps: [{ rate: 20, durationS: 3 }, { rate: 50, durationS: 3 }]\n';
const CAPACITY = ['--from', '30', '--to', '30', '--duration', '1', '--pause', '0.1'];
/** On a machine that is busy with other tests a generator may spoil its own figures. */
const TRIES = 6;
const INCONCLUSIVE = 3;

/** A stack of two clients, load tests on it, and a Prometheus that scrapes them all. */
async function underLoad(t: TestContext): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-panels-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const profile = join(folder, 'ramp.yaml');
  writeFileSync(profile, RAMP);
  const stack = await startStack({ clients: 2 });
  t.after(() => stack.command.stop());
  const port = await quietPort();
  const prometheus = await Prometheus.start(jobsOf(stack.admin), { 'sallyport-load': [`127.0.0.1:${port}`] });
  t.after(() => prometheus.stop());
  const ways = ['--target', stack.url, '--direct', `${stack.direct}/`, '--metrics-port', String(port)];
  const load = async (name: string, ...flags: string[]): Promise<number | null> => {
    const out = join(folder, name);
    const command = new Command(['load', name, ...ways, ...flags, '--json', '--warm-up', '0.5', '--out', out]);
    t.after(() => command.signal('SIGKILL'));
    const { code } = await command.ended;
    assert.ok(code === 0 || code === INCONCLUSIVE, command.stderr);
    return code;
  };
  await load('ramp', '--profile', profile);
  for (let tries = 1; (await load('capacity', ...CAPACITY)) !== 0 && tries < TRIES; tries++);
  return prometheus;
}

/** As Grafana would: everything is chosen, and rates are over some scrapes. */
const inTest = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '10s').replaceAll(/\$(instance|part)/g, '.*');

/** Labels that a legend names and no series has; a lone "none" has but one. */
function missingLabels(legend: string, series: readonly Series[]): string[] {
  if (series.every(({ labels }) => Object.values(labels).includes('none'))) return [];
  const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
  return named.filter((label) => series.every(({ labels }) => labels[label] === undefined));
}

describe('the dashboards', { timeout: 480_000, ...needs('prometheus') }, () => {
  it('have data in every panel and for every mark, with the labels that their legends name', async (t) => {
    const fromS = Date.now() / 1000;
    const prometheus = await underLoad(t);
    const wrong: string[] = [];
    for (const { where, expr, legend } of [...committed().values()].flatMap((board) => queriesOf(board))) {
      const series = await prometheus.range(inTest(expr), fromS, Date.now() / 1000);
      const known = series.filter(({ values }) => values.some(([, value]) => !Number.isNaN(value)));
      if (known.length === 0) wrong.push(`${where} has no data: ${expr}`);
      for (const label of missingLabels(legend, known)) wrong.push(`${where} has no label ${label}: ${expr}`);
    }
    assert.deepEqual(wrong, []);
  });
});
