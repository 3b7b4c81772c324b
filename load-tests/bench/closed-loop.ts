/**
 * `closed-loop.ts URL CONNECTIONS SECONDS`: kept-alive connections that each ask again as soon as they are answered;
 * prints a `WindowAnswers` as one JSON line. In a closed loop a stall delays the requests behind it unseen, so that its
 * percentiles compare variants and say nothing of users; the load tests' own generator is an open one.
 */
import { performance } from 'node:perf_hooks';
import { build } from 'hdr-histogram-js';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import type { WindowAnswers } from './generator.ts';

const [url = '', connections = '1', seconds = '1'] = process.argv.slice(2);
const { origin, pathname, search } = new URL(url);
const REQUEST: Dispatcher.DispatchOptions = { path: pathname + search, method: 'GET' };

const pool = new Pool(origin, { connections: Number(connections), pipelining: 1 });
const latencyUs = build({
  lowestDiscernibleValue: 1,
  highestTrackableValue: 60_000_000,
  numberOfSignificantValueDigits: 3,
});
const startMs = performance.now();
const endMs = startMs + Number(seconds) * 1000;
let requests = 0;
let failed = 0;
let running = Number(connections);

/** One for each connection, used again for all its requests. */
class Loop implements Dispatcher.DispatchHandler {
  #startMs = 0;
  #ok = false;

  next(): void {
    this.#startMs = performance.now();
    if (this.#startMs < endMs) pool.dispatch(REQUEST, this);
    else if (--running === 0) finish();
  }

  onRequestStart(): void {}

  onResponseStart(_: unknown, status: number): void {
    this.#ok = status >= 200 && status < 400;
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    requests += 1;
    if (!this.#ok) failed += 1;
    latencyUs.recordValue(Math.max(1, Math.round((performance.now() - this.#startMs) * 1000)));
    this.next();
  }

  onResponseError(): void {
    failed += 1;
    this.next();
  }
}

function finish(): void {
  const answers: WindowAnswers = {
    requests,
    requestsPerSecond: (requests * 1000) / (performance.now() - startMs),
    p50Ms: latencyUs.getValueAtPercentile(50) / 1000,
    p99Ms: latencyUs.getValueAtPercentile(99) / 1000,
    failed,
  };
  process.stdout.write(`${JSON.stringify(answers)}\n`);
  void pool.close();
}

for (let started = 0; started < Number(connections); started += 1) new Loop().next();
