/** A visitor that speaks HTTP/2, frame by frame. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Http2Peer } from '../../apps/proxy-entry/src/testing/http2-peer.ts';
import type { Http2Answer } from '../../apps/proxy-entry/src/testing/http2-peer.ts';
import { within } from './deadline.ts';

export { Code, Flag, frame, Type, u32, withPseudoFields } from '../../apps/proxy-entry/src/testing/http2-peer.ts';
export type { Http2Answer } from '../../apps/proxy-entry/src/testing/http2-peer.ts';
export { writeHpack } from '../../apps/proxy-entry/src/testing/hpack.ts';
export { Http2Peer };

/** To the host and port of `url`, in clear text with prior knowledge. */
export async function dialHttp2(url: string, greeting: { windowBytes?: number } = {}): Promise<Http2Peer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await within(once(socket, 'connect'), `a connection to ${url}`);
  return new Http2Peer(socket, greeting);
}

export async function answerOn(peer: Http2Peer, id: number): Promise<Http2Answer> {
  return within(peer.answer(id), `the answer on stream ${id}`);
}

/** The next PING is answered behind all that was sent before it. */
export async function roundTrip(peer: Http2Peer): Promise<void> {
  const payload = String(Math.random()).slice(-8).padStart(8, '0');
  peer.send(6, 0, 0, payload);
  await within(
    peer.take('PONG', (each) => each.type === 6 && each.payload.toString('latin1') === payload),
    'a PONG',
  );
}
