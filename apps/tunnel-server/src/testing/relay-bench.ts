/** A relay between entries and clients in memory, on a clock that the test moves. Each call lets the dust settle. */
import assert from 'node:assert/strict';
import { Link, memoryTransportPair, readHead, readOpen, Role } from '@sallyport/protocol';
import type { Leg, ResponseHead, Slots } from '@sallyport/protocol';
import {
  HELLO_TIMEOUT_MS,
  helloOf,
  LIFE,
  openHead,
  Recorder,
  RecordingHandler,
  responseHead,
} from '../../../../packages/protocol/src/testing/bench.ts';
import { VirtualClock } from '../../../../packages/protocol/src/testing/virtual-clock.ts';
import { Relay } from '../relay/relay.ts';
import type { LinkOwner, RelayOptions } from '../relay/relay.ts';
import { Gate } from './gate.ts';

/** What the relay told its observer. */
export class Seen {
  readonly refused: number[] = [];
  readonly limits: string[] = [];
  readonly queuedS: number[] = [];
  readonly events: string[] = [];
}

export function ownerOf(principal: string, changes: Partial<LinkOwner> = {}): LinkOwner {
  return { principal, remote: 'test', allows: () => true, isActive: () => true, misused: () => {}, ...changes };
}

export class RelayBench {
  readonly clock = new VirtualClock();
  readonly seen = new Seen();
  readonly relay: Relay;

  constructor(changes: Partial<RelayOptions> = {}) {
    const { seen } = this;
    this.relay = new Relay({
      clock: this.clock,
      life: LIFE,
      helloTimeoutMs: HELLO_TIMEOUT_MS,
      queue: { limit: 100, timeoutMs: 5_000 },
      instance: 'server',
      deployment: 'd',
      egressBytes: 64 * 1024 * 1024,
      namesSession: () => false,
      observer: {
        queued: (seconds) => seen.queuedS.push(seconds),
        refused: (code) => seen.refused.push(code),
        limitHit: (limit) => seen.limits.push(limit),
        canary: () => {},
        event: (name) => seen.events.push(name),
      },
      ...changes,
    });
  }

  entry(owner: LinkOwner = ownerOf('entries')): EntryPeer {
    return new EntryPeer(this, owner);
  }

  client(leases: number, { session = 's', owner = ownerOf('someone') } = {}): ClientPeer {
    return new ClientPeer(this, { session, leases, owner });
  }
}

class Peer {
  readonly handler = new RecordingHandler();
  readonly link: Link;
  /** Holds up what the relay sends to this peer. */
  readonly gate: Gate;
  readonly bench: RelayBench;

  constructor(bench: RelayBench, role: Role, changes: { session?: string; leases?: number }) {
    this.bench = bench;
    const { clock } = bench;
    const [ours, theirs] = memoryTransportPair(clock);
    this.gate = new Gate(theirs);
    this.link = new Link({
      transport: ours,
      clock,
      hello: helloOf(role, changes),
      peerRole: Role.SERVER,
      life: LIFE,
      helloTimeoutMs: HELLO_TIMEOUT_MS,
      handler: this.handler,
    });
  }

  /** The code with which the relay closed this link; null while it is open. */
  get closedWith(): number | null {
    return this.handler.closes[0]?.code ?? null;
  }

  /** This process dies. */
  die(): void {
    this.link.dead();
    this.bench.clock.settle();
  }
}

/** One request as the entry sees it. */
export class Visit extends Recorder {
  readonly heads: ResponseHead[] = [];
  readonly leg: Leg;
  readonly #bench: RelayBench;

  constructor(bench: RelayBench, link: Link, session: string) {
    super();
    this.#bench = bench;
    this.leg = link.openLeg(session, this);
  }

  override onHead(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    super.onHead(leg, frame, start, end, last);
    const head = readHead(frame, start, end);
    assert.ok(head !== null && head !== 'bad-head');
    this.heads.push(head);
  }

  send(chunk: Buffer): void {
    this.leg.data(chunk, 0, chunk.length);
    this.#bench.clock.settle();
  }

  cancel(code: 1 | 2 = 1): void {
    this.leg.reset(code, false);
    this.#bench.clock.settle();
  }
}

export class EntryPeer extends Peer {
  constructor(bench: RelayBench, owner: LinkOwner) {
    super(bench, Role.ENTRY, {});
    bench.relay.acceptUplink(this.gate, owner);
    bench.clock.settle();
  }

  /** A request without a body, unless `last` is false. */
  ask(path = '/', { session = 's', last = true, rttUs = 0 } = {}): Visit {
    const visit = new Visit(this.bench, this.link, session);
    visit.leg.open(openHead({ session, rttUs, strings: [last ? 'GET' : 'POST', path] }), last);
    this.bench.clock.settle();
    return visit;
  }
}

/** One request as the client sees it. */
export interface Served {
  readonly path: string;
  readonly rttUs: number;
  readonly leg: Leg;
  readonly last: boolean;
  readonly owner: Recorder;
}

export class ClientPeer extends Peer {
  /** The relay's side of this link. */
  readonly serverLink: Link;
  #leases: number;
  #returned = 0;

  constructor(bench: RelayBench, options: { session: string; leases: number; owner: LinkOwner }) {
    super(bench, Role.CLIENT, options);
    this.#leases = options.leases;
    this.serverLink = bench.relay.acceptClient(this.gate, options.owner);
    bench.clock.settle();
  }

  get served(): Served[] {
    return this.handler.opened.map(({ leg, owner, last, payload }) => {
      const open = readOpen(payload, 0, payload.length);
      assert.ok(open !== null && open !== 'bad-head');
      return { path: open.strings[1]!, rttUs: open.rttUs, leg, owner, last };
    });
  }

  get paths(): string[] {
    return this.served.map((each) => each.path);
  }

  /** The whole answer to the request at `index`, and its slot back. */
  answer(index: number, { status = 200, backendUs = 0 } = {}): void {
    this.handler.opened[index]!.leg.head(responseHead({ status, backendUs }), true);
    this.giveBack(1);
  }

  giveBack(slots: number): void {
    this.#returned += slots;
    this.say({ leases: this.#leases, returned: this.#returned >>> 0, waiting: 0 });
  }

  lease(leases: number): void {
    this.#leases = leases;
    this.giveBack(0);
  }

  say(slots: Slots): void {
    this.link.sendSlots(slots);
    this.bench.clock.settle();
  }
}
