/** TCP's own probes (RFC 9293 §3.8.4), for connections on which nobody has to say anything. */
import type { Socket } from 'node:net';

const DELAY_MS = 30_000;
const INTERVAL_MS = 10_000;
const PROBES = 6;

/** Not in its types yet. */
interface Probed {
  setKeepAlive(isOn: boolean, delayMs: number, intervalMs: number, probes: number): void;
}

/**
 * Has the kernel ask on a quiet connection whether the other host is there still: gone without a word, the socket fails
 * with ETIMEDOUT after 90 s; an outage of half a minute ends none. One that was closed, and whose peer had ended its side
 * before, goes by it too: the peer's kernel has forgotten it after 60 s.
 */
export function keepAlive(socket: Socket): void {
  (socket as Probed).setKeepAlive(true, DELAY_MS, INTERVAL_MS, PROBES);
}
