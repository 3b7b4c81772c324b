/** Two links that speak to each other through memory, on one virtual clock. */
import type { LinkOptions } from '../link-handler.ts';
import { Link } from '../link.ts';
import { memoryTransportPair } from '../memory-transport.ts';
import { ENDS, HELLO_TIMEOUT_MS, helloOf, LIFE, RecordingHandler } from './bench.ts';
import type { EndName } from './bench.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface PairEnd {
  readonly link: Link;
  readonly handler: RecordingHandler;
}

export interface LinkPair {
  readonly clock: VirtualClock;
  readonly opener: PairEnd;
  readonly acceptor: PairEnd;
}

/** `opener` is `entry` or `server`; the acceptor follows from it. Nothing has been delivered yet. */
export function newPair(opener: 'entry' | 'server', changes: Partial<LinkOptions> = {}): LinkPair {
  const clock = new VirtualClock();
  const transports = memoryTransportPair(clock);
  const make = (name: EndName, at: 0 | 1): PairEnd => {
    const handler = new RecordingHandler();
    const { role, peerRole } = ENDS[name];
    const hello = helloOf(role, { leases: role, session: name });
    const life = { life: LIFE, helloTimeoutMs: HELLO_TIMEOUT_MS };
    const link = new Link({ transport: transports[at], clock, hello, peerRole, handler, ...life, ...changes });
    return { link, handler };
  };
  return { clock, opener: make(opener, 0), acceptor: make(opener === 'entry' ? 'uplink' : 'client', 1) };
}

export function readyPair(opener: 'entry' | 'server', changes: Partial<LinkOptions> = {}): LinkPair {
  const pair = newPair(opener, changes);
  pair.clock.settle();
  return pair;
}
