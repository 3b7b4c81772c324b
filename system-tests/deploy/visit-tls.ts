/** One GET by TLS, checked against an authority of our own. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { within } from '../harness/deadline.ts';

export async function visitTls(url: string, caFile: string): Promise<{ status: number; body: string }> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { ca: readFileSync(caFile), agent: false })
      .once('response', resolve)
      .once('error', reject)
      .end();
  });
  const answer = await within(answered, `the answer of ${url}`);
  return { status: answer.statusCode!, body: await within(text(answer), 'its end') };
}
