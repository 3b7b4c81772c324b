/** `/loadtest/bytes/{n}`: a long download that costs the backend next to nothing, so that it measures the path. */
import { createCipheriv } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export const MAX_BYTES = 2 ** 31;

/**
 * The largest prime below 2^20. The body repeats with this period, so that a chunk of any usual size that is lost,
 * doubled or misplaced on the way moves the pattern and shows in a hash.
 */
const PERIOD_BYTES = 1_048_573;

/** AES-128-CTR key stream of a zero key and a zero counter: incompressible, and to be had from openssl as well. */
const PATTERN = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(PERIOD_BYTES));

/** Sends the first `total` bytes of the repeated pattern; at most one period is queued beyond what the socket took. */
export function sendBytes(req: IncomingMessage, res: ServerResponse, total: number): void {
  res.writeHead(200, ['Content-Type', 'application/octet-stream', 'Content-Length', String(total)]);
  if (req.method === 'HEAD' || total === 0) {
    res.end();
    return;
  }
  let leftBytes = total;
  const sendMore = (): void => {
    while (leftBytes > PERIOD_BYTES) {
      leftBytes -= PERIOD_BYTES;
      if (!res.write(PATTERN)) return;
    }
    res.off('drain', sendMore);
    res.end(PATTERN.subarray(0, leftBytes));
  };
  res.on('drain', sendMore);
  sendMore();
}
