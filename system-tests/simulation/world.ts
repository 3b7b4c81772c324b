/** One schedule, played from its seed to its end, with every promise held against it on the way. */

import type { Leg } from '@sallyport/protocol';
import { Relay } from '../../apps/tunnel-server/src/relay/relay.ts';
import { Random } from '../../packages/protocol/src/testing/random.ts';
import { drawPlan } from './draw.ts';
import { checkQuiet, checkTurn } from './oracle.ts';
import { checkClose, ClientPeer, EntryPeer, HELLO_TIMEOUT_MS, LIFE } from './peers.ts';
import type { Peer } from './peers.ts';
import type { FaultPlan, Plan, RequestPlan } from './plan.ts';
import { Stage } from './stage.ts';
import type { Exchange } from './stage.ts';
import { Violation } from './violation.ts';
import { Visitor } from './visitor.ts';

/** Nothing in a plan takes longer; who is not done by then waits for a wake-up that was lost. */
const PATIENCE_MS = 400_000;
/** Time for cancelled backends to end and for silent links to be found dead. */
const QUIET_MS = 20_000;
/** Far beyond what a moment can be busy with. */
const MAX_TURNS_AT_ONCE = 100_000;
/** Where nobody has a timer any more, time passes all the same. */
const IDLE_STEP_MS = 1_000;

export class World {
  readonly stage: Stage;
  readonly relay: Relay;
  readonly #entries: EntryPeer[] = [];
  readonly #clients: ClientPeer[] = [];
  readonly #contexts: ReturnType<Stage['newProcess']>[] = [];
  #drained: Promise<void> | null = null;
  #isRelayClosed = false;

  constructor(seed: number) {
    const random = new Random(seed);
    this.stage = new Stage(random, drawPlan(random));
    this.relay = this.#newRelay();
    const { plan, clock } = this.stage;
    for (let i = 0; i < plan.entries; i += 1) {
      this.#contexts.push(this.stage.newProcess());
      this.#dialEntry(i);
    }
    for (const who of plan.clients) for (let i = 0; i < who.links; i += 1) this.#dialClient(this.#clients.length, who);
    for (const request of plan.requests) this.#prepare(request);
    for (const fault of plan.faults) clock.after(fault.atMs, () => this.#befall(fault));
    if (plan.drainAtMs !== null) clock.after(plan.drainAtMs, () => this.#drain());
  }

  /** Throws the first promise that is broken. */
  async run(): Promise<void> {
    const { clock, exchanges } = this.stage;
    const startMs = clock.nowMs();
    const lastMs = startMs + Math.max(...this.stage.plan.requests.map((each) => each.startMs));
    await this.#playWhile(() => {
      if (clock.nowMs() - startMs > PATIENCE_MS) throw new Violation(`never ends: ${this.#stuck()}`);
      return clock.nowMs() <= lastMs || exchanges.some(({ visitor }) => visitor.outcome === null);
    });
    const quietMs = clock.nowMs() + QUIET_MS;
    await this.#playWhile(() => clock.nowMs() < quietMs);
    checkQuiet(this.stage, this.relay);
    await this.#end();
  }

  async #playWhile(isWanted: () => boolean): Promise<void> {
    while (isWanted()) {
      this.#step();
      // A drain ends in a promise: it is heard between two moments.
      if (this.#drained !== null) await Promise.resolve();
    }
  }

  /** All that is due now, and on to the next moment. */
  #step(): void {
    const { clock } = this.stage;
    for (let turns = 0; clock.turn(); turns += 1) {
      if (turns > MAX_TURNS_AT_ONCE) throw new Violation('time stands still: something waits for itself');
      checkTurn(this.stage, this.relay);
    }
    if (Number.isFinite(clock.nextDueMs)) clock.skip();
    else clock.jump(IDLE_STEP_MS);
  }

  /** Everybody leaves, and nobody leaves a timer behind. */
  async #end(): Promise<void> {
    const { clock } = this.stage;
    this.stage.isClosing = true;
    if (!this.#isRelayClosed) this.relay.close();
    this.#isRelayClosed = true;
    const untilMs = clock.nowMs() + PATIENCE_MS;
    await this.#playWhile(() => clock.liveTimers > 0 && clock.nowMs() < untilMs);
    if (clock.liveTimers > 0) throw new Violation(`${clock.liveTimers} timers are left`);
    if (this.relay.uplinks.size + this.relay.clientLinks.size > 0) throw new Violation('the relay keeps closed links');
  }

  #newRelay(): Relay {
    const { clock, plan } = this.stage;
    return new Relay({
      clock,
      life: LIFE,
      helloTimeoutMs: HELLO_TIMEOUT_MS,
      queue: plan.queue,
      instance: 'simulated',
      deployment: 'simulated',
      egressBytes: plan.egressBytes,
      namesSession: () => false,
      ...(plan.maxStreamId === null ? {} : { maxStreamId: plan.maxStreamId }),
      observer: {
        queued: () => {},
        refused: () => {},
        limitHit: () => {},
        canary: () => {},
        event: (name, details) => {
          if (name.endsWith('-closed')) checkClose(this.stage, details as { code: number; reason: string });
        },
      },
    });
  }

  #dialEntry(index: number): void {
    if (this.#isRelayClosed) return;
    this.#entries[index] = new EntryPeer(this.stage, this.relay, () => this.#dialEntry(index));
  }

  #dialClient(index: number, who: Plan['clients'][number]): void {
    if (this.#isRelayClosed) return;
    this.#clients[index] = new ClientPeer(this.stage, this.relay, who, () => this.#dialClient(index, who));
  }

  #prepare(plan: RequestPlan): void {
    const visitor = new Visitor(this.stage, plan, this.#contexts[plan.entry]!);
    this.stage.exchanges.push({ plan, visitor, backend: null, isStarted: false });
    this.stage.clock.after(plan.startMs, () => {
      const { link } = this.#entries[plan.entry]!;
      visitor.start(link.takesStreams ? link : null);
    });
  }

  #befall(fault: FaultPlan): void {
    const peers: Peer[] = [...this.#entries, ...this.#clients];
    const peer = peers[fault.which % peers.length]!;
    if (fault.kind === 'cut') peer.line.cut();
    else if (fault.kind === 'stall') peer.line.stall(fault.forMs);
    else if (fault.kind === 'goaway') peer.goAway();
    else if (peer instanceof ClientPeer) peer.setLeases(1 + (fault.which % 9));
  }

  #drain(): void {
    this.stage.isClosing = true;
    this.#drained = this.relay.drain().then(() => {
      this.#isRelayClosed = true;
      this.relay.close();
    });
  }

  #stuck(): string {
    const stuck = this.stage.exchanges.filter(({ visitor }) => visitor.outcome === null);
    return stuck.map(describe).join(', ');
  }
}

/** Where a request stands: what was sent and read in each direction, and the legs at both ends. */
function describe({ plan, visitor, backend }: Exchange): string {
  const up = `${visitor.source?.sentBytes ?? 0} sent, ${backend?.sink.consumedBytes ?? 0} read`;
  const down = `${backend?.source?.sentBytes ?? 0} sent, ${visitor.sink.consumedBytes} read`;
  return `request ${plan.key} (up ${up}, down ${down}; ${legState(visitor.stream.leg)}; ${legState(backend?.stream.leg)})`;
}

function legState(leg: Leg | null | undefined): string {
  if (leg === null || leg === undefined) return 'no leg';
  return `in ${leg.inPhase} out ${leg.outPhase} credit ${leg.sendCredit} to send ${leg.receiveCredit} to receive`;
}
