/**
 * Where on the entry's clock the spans of other processes lie. Each measured its own times, with no clock in common
 * (`timing.ts`): so they are laid inside each other in their order, and what passed on the way to a process and back is
 * taken as half and half. Whatever was rounded or measured wrongly, a span never leaves the one around it. Pure.
 */
import type { HopTimes } from '@sallyport/protocol';

/** From and to, in milliseconds. */
export type Stretch = readonly [startMs: number, endMs: number];

export interface Layout {
  /** At the server: all of it, the wait for a slot, and from then on. */
  readonly server: Stretch;
  readonly queue: Stretch;
  readonly link: Stretch;
  /** At the client: all of it, its own wait, and from the dispatch to the head of the answer, with the upload. */
  readonly client: Stretch;
  readonly slot: Stretch;
  readonly backend: Stretch;
}

const US_PER_MS = 1_000;

/** `uplink`: from OPEN to the head of the answer, as the entry saw it. */
export function layOut(uplink: Stretch, hops: Readonly<HopTimes>): Layout {
  const server = centred(uplink, hops.serverUs);
  const queue = beginning(server, hops.queueUs);
  const link: Stretch = [queue[1], server[1]];
  const client = centred(link, hops.clientUs);
  const slot = beginning(client, hops.slotUs);
  const backend = centred([slot[1], client[1]], hops.uploadUs + hops.backendUs);
  return { server, queue, link, client, slot, backend };
}

function centred([startMs, endMs]: Stretch, us: number): Stretch {
  const aroundMs = Math.max(0, endMs - startMs - us / US_PER_MS);
  const fromMs = startMs + aroundMs / 2;
  return [fromMs, Math.max(fromMs, endMs - aroundMs / 2)];
}

function beginning([startMs, endMs]: Stretch, us: number): Stretch {
  return [startMs, Math.min(endMs, startMs + us / US_PER_MS)];
}
