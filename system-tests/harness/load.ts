/** Closed-loop load for fault tests: mixed requests, and how each of them ended. */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { valuesOf } from './wire.ts';

export interface Kind {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  /** Answers with this many bytes. */
  readonly bytes: number;
}

/** Small and quick, slow to begin, 200 ms long, large; and one that must not be sent twice. */
export const KINDS: readonly Kind[] = [
  { method: 'GET', path: 'loadtest/get', bytes: 35 },
  { method: 'GET', path: 'loadtest/delay/40', bytes: 15 },
  { method: 'GET', path: 'loadtest/stream/20', bytes: 390 },
  { method: 'GET', path: 'loadtest/bytes/200000', bytes: 200_000 },
  { method: 'POST', path: 'loadtest/echo', body: 'x'.repeat(5_000), bytes: 5_000 },
];

export type End =
  /** A whole answer of the backend. */
  | 'answer'
  /** An answer that began, and was visibly cut. */
  | 'cut'
  /** An answer of the tunnel's own: `code` says which. */
  | 'problem'
  /** The connection ended without an answer. */
  | 'no-answer'
  | 'hang'
  /** A clean end of the wrong length: never allowed. */
  | 'short';

export interface Outcome {
  readonly kind: Kind;
  readonly end: End;
  readonly status: number;
  readonly code: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

export class Load {
  readonly outcomes: Outcome[] = [];
  readonly #url: string;
  readonly #hangMs: number;
  readonly #workers: Promise<void>[];
  readonly #watchers = new Set<() => void>();
  #isStopping = false;

  /** `hangMs`: a request that has not ended by then counts as hanging. */
  constructor(url: string, workers: number, hangMs: number) {
    this.#url = url;
    this.#hangMs = hangMs;
    this.#workers = Array.from({ length: workers }, (_, i) => this.#work(i));
  }

  /** So that `await using` ends it, however the test ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Resolves once this many more requests have ended. */
  async more(requests: number): Promise<void> {
    const target = this.outcomes.length + requests;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (this.outcomes.length < target) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
    });
  }

  /** No new requests; resolves when those that run have ended. */
  async stop(): Promise<readonly Outcome[]> {
    this.#isStopping = true;
    await Promise.all(this.#workers);
    return this.outcomes;
  }

  async #work(first: number): Promise<void> {
    for (let i = first; !this.#isStopping; i += 1) {
      this.outcomes.push(await ask(this.#url, KINDS[i % KINDS.length]!, this.#hangMs));
      for (const look of this.#watchers) look();
      // Where connections are refused, requests end within a turn: others must have theirs.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** One request on a connection of its own; never rejects. */
function ask(url: string, kind: Kind, hangMs: number): Promise<Outcome> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const sent = request(url + kind.path, { method: kind.method, agent: false });
    const done = (end: End, status = 0, code = '') => {
      clearTimeout(timer);
      resolve({ kind, end, status, code, startedMs, endedMs: performance.now() });
    };
    const timer = setTimeout(() => {
      done('hang');
      sent.destroy();
    }, hangMs);
    sent.on('error', () => done('no-answer'));
    sent.on('response', (answer) => take(answer, kind, done));
    sent.end(kind.body);
  });
}

function take(answer: IncomingMessage, kind: Kind, done: (end: End, status: number, code?: string) => void): void {
  const status = answer.statusCode ?? 0;
  const isProblem = valuesOf(answer.rawHeaders, 'content-type').includes('application/problem+json');
  let bytes = 0;
  let text = '';
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (isProblem) text += chunk.toString('latin1');
  });
  answer.on('error', () => {});
  answer.on('close', () => {
    if (!answer.complete) done('cut', status);
    else if (isProblem) done('problem', status, (JSON.parse(text) as { code: string }).code);
    else done(bytes === kind.bytes ? 'answer' : 'short', status);
  });
}
