/** Pings at a constant rate, open model: each has its moment, whatever became of those before it. */
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const TICK_MS = 1;
/** Over what a healthy tunnel needs by far: connections are not what is measured. */
const CONNECTIONS = 64;

export interface Pings {
  /** From the intended start to the last byte, ascending. */
  readonly latenciesMs: readonly number[];
  /** Why those failed that did: a status, or Node's code of the error. */
  readonly failures: readonly string[];
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
    const failures: string[] = [];
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
        this.#ping().then((failure) => {
          latenciesMs.push(performance.now() - dueMs);
          if (failure !== null) failures.push(failure);
        }),
      );
    }
    await Promise.all(under);
    return { latenciesMs: latenciesMs.sort((a, b) => a - b), failures };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Null: answered with 200, whole. */
  #ping(): Promise<string | null> {
    return new Promise((resolve) => {
      const take = (answer: IncomingMessage) => {
        const failure = answer.statusCode === 200 ? null : `status ${answer.statusCode}`;
        answer.on('close', () => resolve(answer.complete ? failure : 'cut')).resume();
      };
      request(this.#url, { agent: this.#agent }, take)
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        .end();
    });
  }
}

/** The smallest value that at least this share of all do not exceed; NaN for none. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? Number.NaN;
}
