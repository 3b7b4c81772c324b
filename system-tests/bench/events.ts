/**
 * `npm run bench:events`: server-sent events through the tunnel beside the same events had directly. What does the
 * tunnel add to each?
 *
 *   node system-tests/bench/events.ts [--seconds 60] [--gap 100] [--split]
 *
 * One backend says each event to both listeners at one moment, first to one and then to the other by turns. Exits with 1
 * when the median of what is added is 1 ms or more, when over 1 % of the events come more than 20 ms later than they did
 * directly, or when one is missing or out of order.
 */
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFlags, runMain, wholeNumber } from '../../load-tests/bench/script.ts';
import { within } from '../harness/deadline.ts';
import { startStack } from '../harness/stack.ts';

const MEDIAN_LIMIT_MS = 1;
const LATE_MS = 20;
const LATE_SHARE_LIMIT = 0.01;
/** Behind the last event, for it to arrive. */
const SETTLE_MS = 1_000;

/** Says event after event to all who listen. */
class EventSourceServer {
  readonly server = createServer((_request, response) => this.#listen(response));
  readonly sentMs: number[] = [];
  readonly #listeners: ServerResponse[] = [];

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  say(): void {
    const id = this.sentMs.length;
    const inTurn = id % 2 === 0 ? this.#listeners : this.#listeners.toReversed();
    this.sentMs.push(performance.now());
    for (const listener of inTurn) listener.write(`id: ${id}\ndata: ${'x'.repeat(64)}\n\n`);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  #listen(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    this.#listeners.push(response);
  }
}

/** When each event arrived, by its number; once it listens. */
async function arrivals(url: string): Promise<number[]> {
  const arrivedMs: number[] = [];
  const request = get(url, { agent: false });
  const [response] = (await within(once(request, 'response'), url)) as [NodeJS.ReadableStream];
  response.on('error', () => {});
  let text = '';
  response.setEncoding('latin1').on('data', (chunk: string) => {
    const nowMs = performance.now();
    const events = (text + chunk).split('\n\n');
    text = events.pop()!;
    for (const event of events) {
      const id = Number(/^id: (\d+)/.exec(event)?.[1]);
      if (id !== arrivedMs.length) throw new Error(`${url}: event ${id} came where ${arrivedMs.length} was due`);
      arrivedMs.push(nowMs);
    }
  });
  return arrivedMs;
}

async function main(): Promise<number> {
  const flags = readFlags({
    seconds: { type: 'string', default: '60' },
    gap: { type: 'string', default: '100' },
    split: { type: 'boolean', default: false },
  });
  const seconds = wholeNumber('seconds', flags.seconds, 600);
  const gapMs = wholeNumber('gap', flags.gap, 60_000);
  const source = new EventSourceServer();
  const direct = await source.listen();
  const stack = await startStack({ isSplit: flags.split, backend: direct });
  try {
    const arms = [await arrivals(direct), await arrivals(stack.url)] as const;
    const count = Math.round((seconds * 1_000) / gapMs);
    for (let i = 0; i < count; i += 1) {
      source.say();
      await sleep(gapMs);
    }
    await sleep(SETTLE_MS);
    return report(source.sentMs, ...arms);
  } finally {
    source.close();
    await stack.command.stop();
  }
}

function report(sentMs: readonly number[], direct: readonly number[], tunnel: readonly number[]): number {
  say(`${sentMs.length} events said, ${direct.length} came directly, ${tunnel.length} through the tunnel`);
  if (direct.length < sentMs.length || tunnel.length < sentMs.length) return 1;
  const line = (name: string, values: readonly number[]) => {
    const [p50, p90, p99, most] = [0.5, 0.9, 0.99, 1].map((share) => quantile(values, share).toFixed(3));
    say(`${name.padEnd(8)} p50 ${p50}  p90 ${p90}  p99 ${p99}  max ${most} ms`);
  };
  const added = tunnel.map((ms, i) => ms - direct[i]!);
  line(
    'direct',
    direct.map((ms, i) => ms - sentMs[i]!),
  );
  line(
    'tunnel',
    tunnel.map((ms, i) => ms - sentMs[i]!),
  );
  line('added', added);
  const late = added.filter((ms) => ms > LATE_MS).length / added.length;
  const isGood = quantile(added, 0.5) < MEDIAN_LIMIT_MS && late <= LATE_SHARE_LIMIT;
  say(`${(100 * late).toFixed(2)} % more than ${LATE_MS} ms later; ${isGood ? 'as it must be' : 'NOT as it must be'}`);
  return isGood ? 0 : 1;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await runMain(main);
