/** A TCP relay with the delay and the rate of a slow line, in a process of its own; ends with its parent. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface RelayOrder {
  /** Port on this machine. */
  readonly port: number;
  /** One way. */
  readonly delayMs: number;
  /** 0: any rate. */
  readonly kbitPerS: number;
}

/** What the line holds of one direction beyond its delay: a router's queue. The sender is paused then. */
const MAX_HELD_BYTES = 256 * 1024;
const BITS = 8;

process.once('disconnect', () => process.exit(0));
process.once('message', (order: RelayOrder) => void serve(order));

async function serve(order: RelayOrder): Promise<void> {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: order.port, noDelay: true });
    flow(near, far, order);
    flow(far, near, order);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.({ port: (server.address() as AddressInfo).port });
}

/** One direction: each piece leaves once the line has sent what came before it, and arrives a delay later. */
function flow(from: Socket, to: Socket, { delayMs, kbitPerS }: RelayOrder): void {
  let freeAtMs = 0;
  let heldBytes = 0;
  from.on('data', (piece: Buffer) => {
    const now = performance.now();
    // kbit/s are bits per millisecond.
    freeAtMs = Math.max(now, freeAtMs) + (kbitPerS === 0 ? 0 : (piece.length * BITS) / kbitPerS);
    heldBytes += piece.length;
    if (kbitPerS > 0 && heldBytes > MAX_HELD_BYTES) from.pause();
    setTimeout(
      () => {
        heldBytes -= piece.length;
        if (from.isPaused() && heldBytes <= MAX_HELD_BYTES) from.resume();
        if (!to.destroyed) to.write(piece);
      },
      freeAtMs - now + delayMs,
    );
  });
  from.on('end', () => setTimeout(() => to.end(), Math.max(0, freeAtMs - performance.now()) + delayMs));
  from.on('error', () => to.destroy());
}
