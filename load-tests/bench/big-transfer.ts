/** One large body each way, hashed as it passes and never held. */
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

export interface Transfer {
  readonly bytes: number;
  readonly sha256: string;
}

/** A prime, so that a chunk that is lost, doubled or misplaced on the way moves the pattern and shows in the hash. */
const PERIOD_BYTES = 1_048_573;
const PATTERN = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16)).update(Buffer.alloc(PERIOD_BYTES));

/** Rejects when the answer is no 200 or was cut. */
export async function download(url: string, signal: AbortSignal): Promise<Transfer> {
  const sent = request(url, { agent: false, signal });
  sent.end();
  return hashAnswer(await answerOf(sent));
}

/** Sends `bytes` to an echo; what was sent, and what came back. */
export async function upload(url: string, bytes: number, signal: AbortSignal): Promise<[Transfer, Transfer]> {
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(bytes) };
  const sent = request(url, { method: 'POST', headers, agent: false, signal });
  const echo = answerOf(sent).then(hashAnswer);
  return Promise.all([send(sent, bytes), echo]);
}

async function send(to: ClientRequest, bytes: number): Promise<Transfer> {
  const hash = createHash('sha256');
  for (let leftBytes = bytes; leftBytes > 0; leftBytes -= PERIOD_BYTES) {
    const chunk = leftBytes < PERIOD_BYTES ? PATTERN.subarray(0, leftBytes) : PATTERN;
    hash.update(chunk);
    if (!to.write(chunk)) await once(to, 'drain');
  }
  to.end();
  return { bytes, sha256: hash.digest('hex') };
}

async function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  if (answer.statusCode === 200) return answer;
  const text = (await answer.take(1).toArray()).join('');
  throw new Error(`${sent.method} ${sent.path} was answered ${answer.statusCode}: ${text}`);
}

async function hashAnswer(answer: IncomingMessage): Promise<Transfer> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, sha256: hash.digest('hex') };
}
