/** A visitor who asks for a long download and then reads nothing of it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What it takes to fill the sockets and windows on the way, several times over. */
const FILL_MS = 1_000;

/** Resolves once all on the way is full; nothing is read after the first bytes. `destroy` ends it. */
export async function stalledDownload(url: string, signal: AbortSignal): Promise<Socket> {
  const { hostname, port, host, pathname } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), signal });
  socket.on('error', () => {});
  await once(socket, 'connect', { signal });
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const [first] = (await once(socket, 'data', { signal })) as [Buffer];
  socket.pause();
  if (!first.toString('latin1').startsWith('HTTP/1.1 200 ')) {
    throw new Error(`${url} was answered ${first.toString('latin1', 0, 60)}`);
  }
  await delay(FILL_MS, undefined, { signal });
  return socket;
}
