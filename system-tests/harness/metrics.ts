/** Metrics of running parts, and whether all that is held for requests has been given back. */
import { isDeepStrictEqual } from 'node:util';
import { eventually } from './deadline.ts';
import type { Admin } from './stack.ts';

/** Series, as Prometheus writes them, to values. */
export type Metrics = ReadonlyMap<string, number>;
/** Part, with its number, to the gauges of what it holds. */
export type Gauges = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What must be back where it began once the load is over. */
const HELD =
  /^sallyport_(streams|links|slots|queue_length|buffered_bytes|visitor_connections|long_streams|scrape_errors_total)\b/;

export async function scrape(adminUrl: string): Promise<Metrics> {
  const response = await fetch(`${adminUrl}/metrics`, { headers: { Connection: 'close' } });
  if (!response.ok) throw new Error(`${adminUrl}/metrics answered ${response.status}`);
  const series = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    const at = line.lastIndexOf(' ');
    if (!line.startsWith('#') && at > 0) series.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return series;
}

/** The sum over all series of this name whose labels contain `labels`, such as `code="200"`. */
export function total(metrics: Metrics, name: string, ...labels: string[]): number {
  let sum = 0;
  for (const [series, value] of metrics) {
    if (series.startsWith(`${name}{`) && labels.every((label) => series.includes(label))) sum += value;
  }
  return sum;
}

export async function gaugesOf({ entry, server, client }: Admin): Promise<Gauges> {
  const parts = { entry, server, ...Object.fromEntries(client.map((url, i) => [`client ${i}`, url])) };
  const read = Object.entries(parts).map(async ([part, url]) => {
    const held = [...(await scrape(url))].filter(([series]) => HELD.test(series));
    return [part, Object.fromEntries(held)] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** What is zero while nobody asks for anything; a ping under way may be the exception for a moment. */
const IDLE = /^sallyport_(streams|queue_length|buffered_bytes|visitor_connections|long_streams)\b/;

/** The gauges of a stack that nobody has asked for anything yet. */
export async function gaugesAtRest(admin: Admin): Promise<Gauges> {
  let now: Gauges = {};
  return eventually(
    async () => {
      now = await gaugesOf(admin);
      return Object.values(now).every((gauges) => Object.entries(gauges).every(isIdle)) ? now : undefined;
    },
    () => `gauges at rest: ${JSON.stringify(now)}`,
  );
}

function isIdle([series, value]: [string, number]): boolean {
  return value === 0 || !IDLE.test(series);
}

/** Resolves once all gauges are what they were; otherwise says which are not. */
export async function settled(admin: Admin, atRest: Gauges): Promise<void> {
  let now: Gauges = {};
  const isBack = async () => {
    now = await gaugesOf(admin);
    return isDeepStrictEqual(now, atRest) ? true : undefined;
  };
  await eventually(isBack, () => `gauges to be back:\n${differences(now, atRest)}`);
}

function differences(now: Gauges, atRest: Gauges): string {
  const lines: string[] = [];
  for (const [part, gauges] of Object.entries(now)) {
    for (const [series, value] of Object.entries(gauges)) {
      const was = atRest[part]?.[series];
      if (value !== was) lines.push(`${part}: ${series} is ${value}, was ${was}`);
    }
  }
  return lines.join('\n');
}
