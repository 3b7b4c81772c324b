/** One request by node:http on a connection of its own: the answer as it came, whole or cut. */
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { within } from './deadline.ts';

export interface Visit {
  readonly method?: string;
  /** Sent with these and no others but `Connection: close`. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** How long the answer and then its end are waited for; `CEILING_MS` if not told. */
  readonly limitMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** Flat, as it was sent: name, value, … */
  readonly fields: readonly string[];
  readonly body: Buffer;
  /** False: it was cut. */
  readonly isWhole: boolean;
}

/** Rejects when no answer began. */
export async function visit(url: string, options: Visit = {}): Promise<Answer> {
  const sent = open(url, options);
  const answer = await within(answered(sent), `the answer of ${url}`, options.limitMs);
  return { ...headOf(answer), ...(await within(bodyOf(answer), `the end of the answer of ${url}`, options.limitMs)) };
}

/** Sends the request with its body and ends it. */
function open(url: string, { method = 'GET', fields = {}, body }: Visit): ClientRequest {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const headers = { Connection: 'close', ...length, ...fields };
  return request(url, { method, headers, agent: false }).end(body);
}

function answered(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve).once('error', reject);
  });
}

function headOf(answer: IncomingMessage): Pick<Answer, 'status' | 'reason' | 'fields'> {
  return { status: answer.statusCode!, reason: answer.statusMessage!, fields: answer.rawHeaders };
}

function bodyOf(answer: IncomingMessage): Promise<Pick<Answer, 'body' | 'isWhole'>> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    answer
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('error', () => {})
      .on('close', () => resolve({ body: Buffer.concat(chunks), isWhole: answer.complete }));
  });
}
