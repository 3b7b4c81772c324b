/** An entry that hands links on: where clients live that reach nothing but port 443 of the edge. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { certificateFolder, putPair } from '../../apps/proxy-entry/src/testing/authority.ts';
import type { Command } from '../harness/command.ts';
import { startEntry } from './secure-server.ts';
import type { SecureServer } from './secure-server.ts';

export const LINK_PATH = '/edge/link';

export interface Edge {
  readonly command: Command;
  /** The plain port. */
  readonly url: string;
  readonly admin: string;
  readonly tlsPort: number;
  /** What a part dials to have its link handed on. */
  readonly linkUrl: string;
}

/** Settings of an entry whose TLS port takes links, with a certificate for `localhost` and `edge.test`. */
export function edgeSettings({ authority }: Pick<SecureServer, 'authority'>): string[] {
  const folder = certificateFolder(authority);
  const made = authority.issue(`edge-${Math.random().toString(36).slice(2)}`, { names: 'DNS:localhost,DNS:edge.test' });
  putPair(folder, 'edge', made);
  return ['entry.tls.port=0', `entry.tls.certificates=${folder}`, `entry.tls.linkPath=${LINK_PATH}`];
}

/** It dials `server` itself, and `others`, and hands links on to them. */
export async function startEdge(
  t: TestContext,
  server: SecureServer,
  set: readonly string[] = [],
  others: readonly string[] = [],
): Promise<Edge> {
  const url = [...others, `wss://127.0.0.1:${server.port}`];
  const command = startEntry(t, server, { url, set: [...edgeSettings(server), ...set] });
  const ready = await command.event<{ url: string; tls: string; admin: string }>('ready');
  await command.event('link-up');
  const tlsPort = Number(new URL(ready.tls).port);
  return { command, url: ready.url, admin: ready.admin, tlsPort, linkUrl: `wss://localhost:${tlsPort}/edge` };
}

export interface Balancer {
  readonly port: number;
  /** New connections go there; those that are open stay. */
  target: number;
}

/** Connections passed on as they are. */
export async function startBalancer(t: TestContext, target: number): Promise<Balancer> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    const far = connect(balancer.target, '127.0.0.1');
    keep(near);
    keep(far);
    near.pipe(far).pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const balancer: Balancer = { port: (server.address() as AddressInfo).port, target };
  return balancer;
}
