/** A real Prometheus that scrapes a running stack, with the rules of deploy/prometheus. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { stringify } from 'yaml';
import { ROOT } from './command.ts';
import { eventually, within } from './deadline.ts';
import { quietPort } from './port.ts';
import type { Admin } from './stack.ts';

export const RULES = join(ROOT, 'deploy/prometheus');
export const RECORDING_RULES = join(RULES, 'recording.rules.yml');
export const ALERT_RULES = join(RULES, 'alerts.rules.yml');

/** Starting, scraping twice and evaluating, on two cores that others use as well. */
const LIMIT_MS = 60_000;
const QUERY_LIMIT_MS = 10_000;

/** Job to targets, `host:port` each. */
export type Jobs = Readonly<Record<string, readonly string[]>>;

export interface Point {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [timeS: number, value: number])[];
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

/** The parts of a stack under the names of jobs that the rules read. */
export function jobsOf({ entry, server, client }: Admin): Jobs {
  return {
    'sallyport-entry': [targetOf(entry)],
    'sallyport-server': [targetOf(server)],
    'sallyport-client': client.map(targetOf),
  };
}

function targetOf(url: string): string {
  return new URL(url).host;
}

export class Prometheus {
  readonly url: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #log = '';

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
    const flags = [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    this.#child = spawn('prometheus', flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#ended = once(this.#child, 'close');
  }

  /**
   * Scrapes and evaluates once a second. Resolves when all targets of `jobs` have been scraped; those of `later` need
   * not be there yet. The caller stops it.
   */
  static async start(jobs: Jobs, later: Jobs = {}): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-prometheus-'));
    await writeFile(join(folder, 'prometheus.yml'), configurationOf({ ...jobs, ...later }));
    for (const file of [RECORDING_RULES, ALERT_RULES]) {
      // Groups that look back for days are evaluated seldom: a test does not wait for that.
      const rules = (await readFile(file, 'utf8')).replaceAll(/^ +interval: .*\n/gm, '');
      await writeFile(join(folder, basename(file)), rules);
    }
    const started = new Prometheus(folder, await quietPort());
    try {
      await started.#areUp(jobs);
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  /** What an expression comes to now; nothing where it has no data. */
  async query(expression: string): Promise<Point[]> {
    const { result } = await this.#api<{ result: { metric: Point['labels']; value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result.map(({ metric, value }) => ({ labels: metric, value: numberOf(value[1]) }));
  }

  /** What it came to from one moment to another, in seconds since 1970. */
  async range(expression: string, fromS: number, toS: number, stepS = 1): Promise<Series[]> {
    const { result } = await this.#api<{ result: { metric: Series['labels']; values: [number, string][] }[] }>(
      `query_range?query=${encodeURIComponent(expression)}&start=${fromS}&end=${toS}&step=${stepS}`,
    );
    return result.map(({ metric, values }) => ({
      labels: metric,
      values: values.map(([timeS, text]) => [timeS, numberOf(text)] as const),
    }));
  }

  /** Those that are pending or firing. */
  async alerts(): Promise<readonly Alert[]> {
    return (await this.#api<{ alerts: Alert[] }>('alerts')).alerts;
  }

  /** Expressions that could not be evaluated, with why. */
  async brokenRules(): Promise<string[]> {
    const { groups } = await this.#api<{ groups: { rules: { name: string; lastError?: string }[] }[] }>('rules');
    const rules = groups.flatMap((group) => group.rules);
    return rules.flatMap(({ name, lastError = '' }) => (lastError === '' ? [] : [`${name}: ${lastError}`]));
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    try {
      await within(this.#ended, () => `the end of Prometheus:\n${this.#log}`, LIMIT_MS);
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw error;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #areUp(jobs: Jobs): Promise<void> {
    const targets = Object.values(jobs).flat().length;
    const up = async () => {
      const points = await this.query(`up{job=~"${Object.keys(jobs).join('|')}"} == 1`).catch(() => []);
      return points.length === targets ? true : undefined;
    };
    await eventually(up, () => `${targets} targets to be scraped:\n${this.#log}`, LIMIT_MS);
  }

  async #api<Data>(path: string): Promise<Data> {
    const response = await fetch(`${this.url}/api/v1/${path}`, { signal: AbortSignal.timeout(QUERY_LIMIT_MS) });
    const { status, data, error } = (await response.json()) as { status: string; data: Data; error?: string };
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }
}

/** As Prometheus writes numbers. */
function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

function configurationOf(jobs: Jobs): string {
  return stringify({
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [basename(RECORDING_RULES), basename(ALERT_RULES)],
    scrape_configs: Object.entries(jobs).map(([job, targets]) => ({
      job_name: job,
      static_configs: [{ targets }],
    })),
  });
}
