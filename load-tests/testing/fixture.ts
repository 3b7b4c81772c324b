import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A tunnel's timing field with round numbers, and a foreign entry that the backend has set. */
export const TIMING =
  'entry;dur=0.100, uplink;dur=0.010, queue;dur=0.000, link;dur=0.050, slot;dur=0.000, client;dur=0.040, backend;dur=0.300, total;dur=0.500';
const FOREIGN_TIMING = 'db;dur=53.2, total;dur=99, cache;desc="hit"';
const BODY = '{"message":"hello"}\n';

/**
 * Where nobody listens. A port that was ours a moment ago may be somebody else's by now; one below 1024 is given to
 * nobody who asks for any. (Not 1 or 9: `fetch` refuses those unasked.)
 */
export const NOBODY = 'http://127.0.0.1:2/';

export type Fixture = { url: string; server: Server; stop: () => Promise<void> };

/** Stands in for tunnel and backend: what `answer` says, on a free port of loopback. */
export async function startFixture(answer: RequestListener = answerWell): Promise<Fixture> {
  const server = createServer(answer);
  // It never closes a connection that idles: that may cross with a request of somebody who was held up, and cut it.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}/`, server, stop };
}

export function answerWell(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('server-timing', [FOREIGN_TIMING, TIMING]);
  response.end(BODY);
}

/** A listener that is called when the request's body is there. */
export function withBody(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): RequestListener {
  return (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => answer(request, response, body));
  };
}

/** What a session would write to a stream, kept. */
export class Transcript {
  text = '';
  write(text: string): void {
    this.text += text;
  }
}
