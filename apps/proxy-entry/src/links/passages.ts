/** All links that pass through this entry: a limit, an end, and an order in which servers are asked. */
import type { LinkAddress } from '@sallyport/protocol';
import { Problems } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { OwnAnswer, Peer, VisitorExchange } from '../visitor/transport.ts';
import { Passage } from './passage.ts';
import type { PassageOwner } from './passage.ts';

export interface PassagesOptions {
  /** None: none passes. */
  readonly servers: readonly LinkAddress[];
  readonly limit: number;
  /** 0 ≤ random() < 1: diallers are spread over the servers. */
  readonly random: () => number;
  readonly limitHit: (limit: string) => void;
  /** The answer to a dialler that gets no link; it is counted and logged there. */
  readonly answerOf: (problem: Problem, peer: Peer) => OwnAnswer;
}

export class Passages implements PassageOwner {
  /** At most `limit`. */
  readonly #open = new Set<Passage>();
  readonly #options: PassagesOptions;
  /** Who is asked from now on. */
  servers: readonly LinkAddress[];
  #isDraining = false;
  #wakeQuiet: (() => void) | null = null;

  constructor(options: PassagesOptions) {
    this.#options = options;
    this.servers = options.servers;
  }

  get size(): number {
    return this.#open.size;
  }

  /** `remote`: the dialler's address. */
  take(visitor: VisitorExchange, remote: string): void {
    const passage = new Passage(visitor, remote, this.#servers(), this);
    if (this.#isDraining) return this.refuse(visitor, Problems.draining);
    if (this.#open.size >= this.#options.limit) {
      this.#options.limitHit('links');
      return this.refuse(visitor, Problems.overloaded);
    }
    this.#open.add(passage);
    passage.ask();
  }

  /** Takes no more, and tells diallers to go elsewhere. */
  drain(): void {
    this.#isDraining = true;
    for (const passage of this.#open) passage.leave();
  }

  /** Resolves when none is open. The caller sets the limit. */
  async quiet(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => (this.#wakeQuiet = resolve));
  }

  // ---- from passages

  refuse(visitor: VisitorExchange, problem: Problem): void {
    const { status, reason, fields, body } = this.#options.answerOf(problem, visitor.request.peer);
    visitor.head(status, reason, fields, true);
    visitor.write(body);
    visitor.end([]);
  }

  onOver(passage: Passage): void {
    this.#open.delete(passage);
    if (this.#open.size === 0) this.#wakeQuiet?.();
  }

  #servers(): LinkAddress[] {
    const { servers } = this;
    const first = Math.floor(this.#options.random() * servers.length);
    return [...servers.slice(first), ...servers.slice(0, first)];
  }
}
