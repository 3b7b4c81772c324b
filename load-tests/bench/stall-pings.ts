/** Pings at a constant rate, open model: each has its moment, whatever became of those before it. */
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const TICK_MS = 1;
/** Over what a healthy tunnel needs by far: connections are not what is measured. */
const CONNECTIONS = 64;

export interface Pings {
  /** From the intended start to the last byte, ascending. */
  readonly latenciesMs: readonly number[];
  readonly failed: number;
}

export class Pinger {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** `rate` a second for `durationMs`, then waits for the last answers. */
  async run(rate: number, durationMs: number): Promise<Pings> {
    const latenciesMs: number[] = [];
    let failed = 0;
    const under: Promise<void>[] = [];
    const startedMs = performance.now();
    const count = Math.round((rate * durationMs) / 1_000);
    for (let sent = 0; sent < count;) {
      const dueMs = startedMs + (sent * 1_000) / rate;
      if (performance.now() < dueMs) {
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
        continue;
      }
      sent += 1;
      under.push(
        this.#ping().then((isOk) => {
          latenciesMs.push(performance.now() - dueMs);
          if (!isOk) failed += 1;
        }),
      );
    }
    await Promise.all(under);
    return { latenciesMs: latenciesMs.sort((a, b) => a - b), failed };
  }

  close(): void {
    this.#agent.destroy();
  }

  #ping(): Promise<boolean> {
    return new Promise((resolve) => {
      const take = (answer: IncomingMessage) => {
        answer.on('close', () => resolve(answer.complete && answer.statusCode === 200)).resume();
      };
      request(this.#url, { agent: this.#agent }, take)
        .on('error', () => resolve(false))
        .end();
    });
  }
}

/** The smallest value that at least this share of all do not exceed; NaN for none. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? Number.NaN;
}
