/** HTTP/2 with a test on both its sides: frames in front, exchanges behind. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Http2Visitors } from '../visitor/http2-visitors.ts';
import type { Http2Options } from '../visitor/http2-visitors.ts';
import type { Refusal } from '../visitor/transport.ts';
import { Http2Peer } from './http2-peer.ts';
import { Arrived } from './visitors.ts';

const HTTP2 = {
  concurrentStreams: 100,
  windowBytes: 65_536,
  resets: 100,
  resetsPerS: 1,
  controlFrames: 100,
  controlFramesPerS: 1,
  overheadBytes: 16_384,
  overheadBytesPerS: 1_024,
};

const OPTIONS = {
  host: '127.0.0.1',
  port: 0,
  connections: 100,
  requestHeadBytes: 16_384,
  requestHeadLines: 100,
  headTimeoutMs: 60_000,
  keepAliveTimeoutMs: 60_000,
  bodyMinBytesPerS: 0,
  bodyGraceMs: 60_000,
  answerStallTimeoutMs: 60_000,
};

export const HTTP2_OPTIONS: Http2Options = { ...OPTIONS, http2: HTTP2 };

export type Http2Changes = Partial<Omit<Http2Options, 'http2'>> & { readonly http2?: Partial<Http2Options['http2']> };

export interface Http2Bench {
  readonly visitors: Http2Visitors;
  /** From now on, on open connections too: so a short limit is not met before the test is there to wait for it. */
  readonly configure: (changes: Partial<typeof OPTIONS>) => void;
  /** Those that were reached, in order. */
  readonly limits: readonly string[];
  /** What became no exchange. */
  readonly refusals: readonly Refusal[];
  /** All that arrived. */
  readonly arrivals: readonly Arrived[];
  readonly connect: () => Promise<Socket>;
  readonly visit: (greeting?: { greets?: boolean; windowBytes?: number }) => Promise<Http2Peer>;
  /** The next request. */
  readonly arrival: () => Promise<Arrived>;
}

export async function listenHttp2(t: TestContext, changes: Http2Changes = {}): Promise<Http2Bench> {
  const arrivals: Arrived[] = [];
  const limits: string[] = [];
  const refusals: Refusal[] = [];
  const sockets: Socket[] = [];
  let taken = 0;
  let wake: (() => void) | null = null;
  const options = { ...OPTIONS, ...changes, http2: { ...HTTP2, ...changes.http2 } };
  const visitors = new Http2Visitors(options, {
    onRequest: (exchange) => {
      arrivals.push(new Arrived(exchange));
      wake?.();
    },
    onRefused: (refusal) => {
      refusals.push(refusal);
      return { status: refusal.status, reason: '', fields: ['Content-Length', '2'], body: Buffer.from('no') };
    },
    limitHit: (limit) => limits.push(limit),
  });
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    visitors.accept(socket, { remoteAddress: '127.0.0.1', scheme: 'http' }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
    return visitors.close();
  });
  const reach = async (): Promise<Socket> => {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  return {
    visitors,
    configure: (set) => visitors.configure({ ...options, ...set }),
    limits,
    refusals,
    arrivals,
    connect: reach,
    visit: async (greeting = {}) => new Http2Peer(await reach(), greeting),
    arrival: async () => {
      while (arrivals.length === taken) await new Promise<void>((resolve) => (wake = resolve));
      taken += 1;
      return arrivals[taken - 1]!;
    },
  };
}
