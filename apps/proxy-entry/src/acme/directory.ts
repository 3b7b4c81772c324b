/** Requests to the authority: with its own trust, a time limit, an end when we stop; and how long it asks us to wait. */
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { retryAfterMs } from './renewal.ts';

const REQUEST_TIMEOUT_MS = 30_000;
const ANSWER_MAX_BYTES = 1024 * 1024;
const TOO_MANY = 429;
const UNAVAILABLE = 503;

export interface Asked {
  readonly url?: string | undefined;
  readonly method?: string | undefined;
  readonly headers: { toJSON(): object };
  readonly data?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string>;
  readonly data: string;
}

export class Directory {
  readonly #agent: Agent;
  readonly #signal: AbortSignal;
  /** Asked for by the last answer that refused us; 0: by none. */
  retryAfterMs = 0;
  /** Of the last answer; 0: none yet, or the last request had none. */
  lastStatus = 0;

  constructor(ca: string | undefined, signal: AbortSignal) {
    this.#agent = new Agent({ proxyEnv: process.env, ...(ca === undefined ? {} : { ca }) });
    this.#signal = signal;
  }

  /** Rejects with a line that says what was asked and what was wrong. */
  async ask({ url = '', method = 'get', headers, data }: Asked): Promise<Answered> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    this.lastStatus = 0;
    const answered = Promise.withResolvers<Answered>();
    try {
      const sent = request(url, {
        agent: this.#agent,
        method: method.toUpperCase(),
        headers: { ...headers.toJSON() },
        signal,
      });
      sent.on('error', answered.reject);
      sent.on('response', (response) => void readAnswer(response).then(answered.resolve, answered.reject));
      sent.end(data);
      const answer = await answered.promise;
      this.lastStatus = answer.status;
      if (answer.status === TOO_MANY || answer.status === UNAVAILABLE) {
        this.retryAfterMs = retryAfterMs(answer.headers['retry-after'], Date.now());
      }
      return answer;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(`${URL.parse(url)?.host ?? 'the directory'} gives no answer: ${code ?? message}`, {
        cause: error,
      });
    }
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answered> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) throw new Error(`an answer of more than ${ANSWER_MAX_BYTES} bytes`);
  }
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const { statusCode: status = 0, statusMessage: statusText = '' } = response;
  return { status, statusText, headers, data: Buffer.concat(chunks).toString('utf8') };
}
