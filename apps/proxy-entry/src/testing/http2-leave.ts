/**
 * A process of its own, since what it looks for is an endless loop: a visitor that leaves while an answer of one of its
 * streams is with nghttp2 and not sent. Says `leaving` before that, and `alive` where it comes to its end.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Http2Visitors } from '../visitor/http2-visitors.ts';
import type { VisitorExchange } from '../visitor/transport.ts';
import { HTTP2_OPTIONS } from './http2-visitors.ts';
import { Http2Peer } from './http2-peer.ts';
import { whenClosed } from './visitors.ts';

const exchanges: VisitorExchange[] = [];
const { promise: haveCome, resolve: haveAllCome } = Promise.withResolvers<void>();
const visitors = new Http2Visitors(HTTP2_OPTIONS, {
  onRequest: (exchange) => {
    if (exchanges.push(exchange) === 2) haveAllCome();
  },
  onRefused: () => ({ status: 400, reason: '', fields: [], body: Buffer.alloc(0) }),
  limitHit: () => {},
});
const server = createServer({ allowHalfOpen: true });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const visitor = connect((server.address() as AddressInfo).port, '127.0.0.1');
const [accepted] = (await once(server, 'connection')) as [Socket];
visitors.accept(accepted, { remoteAddress: '127.0.0.1', scheme: 'http' });
const peer = new Http2Peer(visitor);
peer.request([':method', 'POST'], false);
peer.request();
await haveCome;
// The answer comes in the turn in which it is known that the visitor is gone, and before node:http2 hears of it.
accepted.prependOnceListener('close', () => {
  exchanges[0]!.head(200, 'OK', ['Content-Length', '2'], false);
  exchanges[0]!.write(Buffer.from('o'));
});
process.stdout.write('leaving\n');
visitor.resetAndDestroy();
await whenClosed(accepted);
await new Promise((resolve) => setImmediate(resolve));
await visitors.close();
server.close();
process.stdout.write('alive\n');
