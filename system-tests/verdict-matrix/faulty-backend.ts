/** A backend that is at fault, in a process of its own: told what to be over the channel, and ends with its parent. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { BackendPlan } from './case.ts';

const BODY = '{"message":"hello"}\n';
/** Requests that may wait for a worker; beyond it the backend would only grow. */
const MAX_WAITING = 20_000;
const PERCENT = 100;

process.once('disconnect', () => process.exit(0));
process.once('message', (plan: BackendPlan) => void serve(plan));

async function serve(plan: BackendPlan): Promise<void> {
  const backend = new FaultyBackend(plan);
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    void backend.answer(request, response);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

class FaultyBackend {
  readonly #plan: BackendPlan;
  readonly #random = seeded(7);
  /** At most `MAX_WAITING`. */
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #firstMs: number | null = null;

  constructor(plan: BackendPlan) {
    this.#plan = plan;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const { serviceMs, perOtherMs = 0, failPercent = 0, resetPercent = 0 } = this.#plan;
    const draw = this.#random() * PERCENT;
    if (!(await this.#worker())) return void response.writeHead(503).end();
    await delay(serviceMs + perOtherMs * (this.#busy - 1) + this.#stalledMs());
    this.#busy -= 1;
    this.#waiting.shift()?.();
    if (draw < resetPercent) return void request.socket.resetAndDestroy();
    response.writeHead(draw < resetPercent + failPercent ? 500 : 200, { 'content-type': 'application/json' });
    response.end(BODY);
  }

  /** False: too many wait already. */
  async #worker(): Promise<boolean> {
    if (this.#busy >= (this.#plan.workers ?? Infinity)) {
      if (this.#waiting.length >= MAX_WAITING) return false;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#busy += 1;
    return true;
  }

  #stalledMs(): number {
    const now = performance.now();
    this.#firstMs ??= now;
    const { stall } = this.#plan;
    if (stall === undefined) return 0;
    const intoMs = now - this.#firstMs - stall.afterMs;
    return intoMs >= 0 && intoMs < stall.lastsMs ? stall.lastsMs - intoMs : 0;
  }
}

/** Mulberry32 (Tommy Ettinger, public domain): the same faults in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
