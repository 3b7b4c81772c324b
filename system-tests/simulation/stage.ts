/** What everybody in a simulation shares. */
import { INITIAL_WINDOW_BYTES, StreamCode, WindowBudget } from '@sallyport/protocol';
import type { Link, StreamContext } from '@sallyport/protocol';
import type { Random } from '../../packages/protocol/src/testing/random.ts';
import { VirtualClock } from '../../packages/protocol/src/testing/virtual-clock.ts';
import type { Backend } from './backend.ts';
import { Line } from './line.ts';
import type { LineEnd, LineTraits } from './line.ts';
import { losesLinks } from './plan.ts';
import type { Plan, RequestPlan } from './plan.ts';
import type { Sink } from './sink.ts';
import type { Source } from './source.ts';
import { expect } from './violation.ts';
import type { Visitor } from './visitor.ts';

/** One request, from both of its ends. */
export interface Exchange {
  readonly plan: RequestPlan;
  readonly visitor: Visitor;
  /** Null until its OPEN has reached a client. */
  backend: Backend | null;
  isStarted: boolean;
}

export interface LinkEnd {
  readonly link: Link;
  readonly end: LineEnd;
}

export class Stage {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly plan: Plan;
  readonly traffic = { inFlight: 0 };
  readonly lines: Line[] = [];
  /** Both ends of every link that there ever was. */
  readonly linkEnds: LinkEnd[] = [];
  readonly exchanges: Exchange[] = [];
  readonly #budgets: WindowBudget[] = [];
  /** Nobody dials any more. */
  isClosing = false;

  /** No link is ever taken out of the rotation for its backend's faults. */
  readonly isFlawless: boolean;

  constructor(random: Random, plan: Plan) {
    this.random = random;
    this.plan = plan;
    this.isFlawless = plan.isCalm && plan.requests.every((each) => each.failure === null);
  }

  get hasCuts(): boolean {
    return this.lines.some((line) => line.isCut);
  }

  get usedBudgetBytes(): number {
    return this.#budgets.reduce((sum, each) => sum + each.usedBytes, 0);
  }

  /** What streams of one process share. */
  newProcess(): StreamContext {
    const budget = new WindowBudget(this.plan.budgetBytes);
    this.#budgets.push(budget);
    return { clock: this.clock, budget, maxWindowBytes: this.plan.maxWindowBytes };
  }

  newLine(traits: LineTraits): Line {
    const line = new Line(this.clock, this.random, traits, this.traffic);
    this.lines.push(line);
    return line;
  }

  /** A stalled stream holds at most its window, in all processes together. */
  checkHeld(source: Source | null, sink: Sink | null, reader: StreamContext | null, name: string): void {
    const heldBytes = (source?.sentBytes ?? 0) - (sink?.consumedBytes ?? 0);
    const grownBytes = sink === null || reader === null ? 0 : reader.budget.usedBytes;
    const mostBytes = Math.max(INITIAL_WINDOW_BYTES, this.plan.maxWindowBytes);
    // At its end a window is given back while its last bytes are still being read.
    const limitBytes = sink?.isOver === true ? mostBytes : Math.min(mostBytes, INITIAL_WINDOW_BYTES + grownBytes);
    expect(heldBytes <= limitBytes, () => `${name} holds ${heldBytes} bytes, its window is ${limitBytes}`);
  }

  /** Whether a request may end with `code`, given what befell it. */
  allows(request: RequestPlan, code: number): boolean {
    if (request.failure !== null && code === request.failure.code) return true;
    if (request.download?.cutAtByte != null && code === StreamCode.BACKEND_RESET) return true;
    if (this.plan.drainAtMs !== null && code === StreamCode.DRAINING) return true;
    // Who goes away, or runs out of ids, lets what runs finish.
    if (code === StreamCode.LINK_LOST) return losesLinks(this.plan);
    return !this.plan.isCalm && MISFORTUNES.has(code);
  }
}

const MISFORTUNES = new Set<number>([
  StreamCode.DRAINING,
  StreamCode.NO_CLIENT,
  StreamCode.NO_SESSION,
  StreamCode.QUEUE_FULL,
  StreamCode.QUEUE_TIMEOUT,
  StreamCode.OVERLOADED,
]);
