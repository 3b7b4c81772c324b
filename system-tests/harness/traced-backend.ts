/** A backend that remembers what it is told of traces, and fails in the ways that a trace is to show. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { valuesOf } from './wire.ts';

export interface Told {
  /** Method and target. */
  readonly request: string;
  readonly traceParents: readonly string[];
  readonly traceStates: readonly string[];
}

export interface TracedBackend {
  readonly url: string;
  readonly told: readonly Told[];
  /** Answers the oldest request for /wait, or cuts the answer to one for /cut. */
  release(): void;
  /** Resolves when a request for /wait is there. */
  readonly waited: () => Promise<void>;
}

export async function startTracedBackend(t: { after: TestContext['after'] }): Promise<TracedBackend> {
  const told: Told[] = [];
  const waiting: (() => void)[] = [];
  const watchers = new Set<() => void>();
  let unlucky = '';
  const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    '/wait': (_request, response) => {
      waiting.push(() => void response.end('released'));
      for (const wake of watchers) wake();
    },
    '/fail': (_request, response) => void response.writeHead(500).end('broken'),
    '/cut': (_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('begins');
      waiting.push(() => void response.socket?.resetAndDestroy());
    },
    '/events': (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
    },
    '/broken-events': (_request, { socket }) => {
      socket?.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n',
      );
    },
    // Whatever is sent as the first try is never answered: by its traceparent, for the client may try a connection anew.
    '/unlucky': ({ rawHeaders }, response) => {
      const [traceParent = ''] = valuesOf(rawHeaders, 'traceparent');
      unlucky ||= traceParent;
      if (traceParent === unlucky) response.socket?.resetAndDestroy();
      else response.end('at last');
    },
  };
  const server = createServer((request, response) => {
    const { rawHeaders, method, url = '' } = request;
    const traceParents = valuesOf(rawHeaders, 'traceparent');
    told.push({ request: `${method} ${url}`, traceParents, traceStates: valuesOf(rawHeaders, 'tracestate') });
    const answer = answers[url.split('?')[0]!] ?? ((_request, plain) => void plain.end('well'));
    // A body that is waited for is part of what is measured.
    request.resume().once('end', () => answer(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    release: () => waiting.shift()?.(),
    waited: async () => {
      while (waiting.length === 0) await new Promise<void>((resolve) => watchers.add(resolve));
    },
  };
}
