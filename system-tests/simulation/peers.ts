/** Entries and clients: they keep links to the relay, dial again after a loss, and let those that go away finish. */
import { CloseCode, Link, ourHello, readOpen, Role, StreamCode } from '@sallyport/protocol';
import type { Hello, Leg, LinkClosed, LinkHandler, Slots, StreamContext } from '@sallyport/protocol';
import type { Relay } from '../../apps/tunnel-server/src/relay/relay.ts';
import { Backend } from './backend.ts';
import type { Line } from './line.ts';
import type { Stage } from './stage.ts';
import { expect, Violation } from './violation.ts';

export const LIFE = { heartbeatMs: 5_000, canaryMs: 1_000 };
export const HELLO_TIMEOUT_MS = 5_000;
/** How often a link that goes away is looked at, whether it has finished. */
const FINISH_PERIOD_MS = 50;
const REDIAL_MS = 300;

const OWNER = {
  principal: 'someone',
  remote: 'simulated',
  allows: () => true,
  isActive: () => true,
  misused: () => {},
};
const ORDINARY_ENDS = new Set<number>([CloseCode.DONE, CloseCode.REPLACED, CloseCode.DEAD, 1006]);

/** A link may end in all ways but for a fault in somebody's frames. */
export function checkClose(stage: Stage, closed: { readonly code: number; readonly reason: string }): void {
  const isLate = closed.code === CloseCode.DEAD || closed.reason === 'no HELLO in time';
  const isOrdinary = isLate ? !stage.plan.isCalm : ORDINARY_ENDS.has(closed.code);
  expect(isOrdinary, () => `a link was closed with ${closed.code}: ${closed.reason}`);
}

export abstract class Peer implements LinkHandler {
  readonly stage: Stage;
  readonly line: Line;
  readonly link: Link;
  readonly #redial: () => void;
  #hasLeft = false;

  constructor(stage: Stage, line: Line, hello: Hello, redial: () => void) {
    this.stage = stage;
    this.line = line;
    this.#redial = redial;
    const { clock, plan } = stage;
    const rotation = hello.role === Role.ENTRY && plan.maxStreamId !== null ? { maxStreamId: plan.maxStreamId } : {};
    this.link = new Link({
      transport: line.a,
      clock,
      hello,
      peerRole: Role.SERVER,
      life: LIFE,
      helloTimeoutMs: HELLO_TIMEOUT_MS,
      handler: this,
      ...rotation,
    });
  }

  onHello(): null {
    return null;
  }
  abstract onOpen(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void;
  onSlots(_link: Link, _slots: Slots): void {}
  onSessions(): void {}
  onLate(): void {}
  onCanary(): void {}

  onGoaway(): void {
    this.#leave();
    this.#finish();
  }

  onClosed(_link: Link, closed: LinkClosed): void {
    checkClose(this.stage, closed);
    this.#leave();
  }

  goAway(): void {
    this.link.goAway(StreamCode.DRAINING);
    this.onGoaway();
  }

  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const { clock, random } = this.stage;
    clock.after(random.int(REDIAL_MS), () => {
      if (!this.stage.isClosing) this.#redial();
    });
  }

  readonly #finish = (): void => {
    if (this.link.isClosed) return;
    const { legs, egress, isOpener } = this.link;
    // A link without streams has nothing left to say, or its close would swallow it. An opener's may not have left.
    const isDone = legs.size === 0 && !(isOpener && egress.waiting.bytes > 0);
    if (isDone) this.link.close(CloseCode.DONE, 'finished');
    else this.stage.clock.after(FINISH_PERIOD_MS, this.#finish);
  };
}

function helloOf(role: Role, session: string, leases: number): Hello {
  const { heartbeatMs } = LIFE;
  return ourHello({ heartbeatMs, role, leases, instance: 'simulated', session, deployment: 'simulated' });
}

export class EntryPeer extends Peer {
  constructor(stage: Stage, relay: Relay, redial: () => void) {
    const line = stage.newLine(stage.plan.uplink);
    super(stage, line, helloOf(Role.ENTRY, '', 0), redial);
    stage.linkEnds.push({ link: this.link, end: line.a }, { link: relay.acceptUplink(line.b, OWNER), end: line.b });
  }

  onOpen(): void {
    throw new Violation('an OPEN came to an entry');
  }
}

export class ClientPeer extends Peer {
  readonly #context: StreamContext;
  #leases: number;
  /** The most that the relay may believe in. */
  #mostLeases: number;
  #busy = 0;
  #returned = 0;

  constructor(stage: Stage, relay: Relay, who: { session: string; leases: number }, redial: () => void) {
    const line = stage.newLine(stage.plan.clientLink);
    super(stage, line, helloOf(Role.CLIENT, who.session, who.leases), redial);
    this.#context = stage.newProcess();
    this.#leases = who.leases;
    this.#mostLeases = who.leases;
    stage.linkEnds.push({ link: this.link, end: line.a }, { link: relay.acceptClient(line.b, OWNER), end: line.b });
  }

  setLeases(leases: number): void {
    this.#leases = leases;
    this.#mostLeases = Math.max(this.#mostLeases, leases);
    this.#sendSlots();
  }

  onOpen(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    const open = readOpen(frame, start, end);
    if (open === null || open === 'bad-head') throw new Violation(`a head came out ${open ?? 'torn'}`);
    const exchange = this.stage.exchanges[Number(open.strings[3])];
    expect(exchange !== undefined && open.strings[1] === `/${exchange.plan.key}`, () => 'a head from nowhere');
    expect(exchange!.plan.session === open.session, () => `request ${exchange!.plan.key}: in another session`);
    expect(exchange!.backend === null, () => `request ${exchange!.plan.key}: opened twice`);
    this.#busy += 1;
    expect(this.#busy <= this.#mostLeases, () => `${this.#busy} requests with ${this.#mostLeases} leases`);
    const { stage } = this;
    const slotBack = (): void => this.#slotBack();
    const backend = new Backend({ stage, exchange: exchange!, context: this.#context, leg, open, last, slotBack });
    exchange!.backend = backend;
    backend.start();
  }

  #slotBack(): void {
    this.#busy -= 1;
    this.#returned += 1;
    this.#sendSlots();
  }

  #sendSlots(): void {
    this.link.sendSlots({ leases: this.#leases, returned: this.#returned, waiting: 0 });
  }
}
