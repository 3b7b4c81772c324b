/** All links that pass through this entry, and those that are asked for: limits, an end, and what is told of them. */
import { performance } from 'node:perf_hooks';
import type { LinkAddress } from '@sallyport/protocol';
import { joinedValue } from '../fields/values.ts';
import { wasHere } from '../fields/via.ts';
import { Problems } from '../problems.ts';
import type { Problem } from '../problems.ts';
import { passingLimit } from '../visitor/descriptors.ts';
import type { OwnAnswer, VisitorExchange } from '../visitor/transport.ts';
import type { Dialled } from './ask-server.ts';
import { AskedServer, inOrder } from './asked-server.ts';
import { Passage } from './passage.ts';
import type { PassageOwner } from './passage.ts';

/**
 * Links asked for at one time. A server answers within milliseconds; those that wait for one that does not must take
 * neither the places of links that pass nor the files of the process (a connection each, of those kept free for links).
 */
export const MAX_ASKS = 64;
const SWITCHING = 101;

export interface PassagesOptions {
  /** Our name in Via. */
  readonly pseudonym: string;
  readonly limitHit: (limit: string) => void;
  /** The answer to a dialler that gets no link; it is counted and logged there. */
  readonly answerOf: (problem: Problem, dialled: Dialled) => OwnAnswer;
  /** A server answered with `status`: to be counted and logged. */
  readonly onAnswered: (status: number, dialled: Dialled) => void;
}

export class Passages implements PassageOwner {
  /** At most `limit`, from the configuration. */
  readonly #open = new Set<Passage>();
  /** At most MAX_ASKS. */
  readonly #asking = new Set<Passage>();
  readonly #options: PassagesOptions;
  #servers: readonly AskedServer[] = [];
  #limit = 0;
  #isDraining = false;
  #wakeQuiet: (() => void) | null = null;

  constructor(options: PassagesOptions) {
    this.#options = options;
  }

  /** From now on. `servers`: none, and none passes. `maxLinks`: or fewer, as open files allow. */
  configure(servers: readonly LinkAddress[], maxLinks: number): void {
    this.#servers = servers.map((address) => new AskedServer(address, () => performance.now()));
    this.#limit = servers.length === 0 ? 0 : passingLimit(maxLinks);
  }

  /** Those that pass. */
  get size(): number {
    return this.#open.size;
  }

  /** Those that are asked for. */
  get asking(): number {
    return this.#asking.size;
  }

  get limit(): number {
    return this.#limit;
  }

  /** `remote`: the dialler's address. */
  take(visitor: VisitorExchange, remote: string): void {
    const { pseudonym, limitHit } = this.#options;
    const { request } = visitor;
    const before = joinedValue(request.fields, 'via');
    const ours = `1.1 ${pseudonym}`;
    const dialled = { request, remote, via: before === null ? ours : `${before}, ${ours}` };
    const servers = inOrder(this.#servers, joinedValue(request.fields, 'authorization') ?? '');
    const passage = new Passage(visitor, dialled, servers, this);
    if (this.#isDraining) return this.refuse(passage, Problems.draining);
    // One of `servers` leads to this path.
    if (before !== null && wasHere(before, pseudonym)) return this.refuse(passage, Problems.loop);
    if (this.#isFull()) return this.refuse(passage, Problems.overloaded);
    if (this.#asking.size >= MAX_ASKS) {
      limitHit('link-asks');
      return this.refuse(passage, Problems.overloaded);
    }
    this.#asking.add(passage);
    passage.ask();
  }

  /** Takes no more, and tells diallers to go elsewhere. */
  drain(): void {
    this.#isDraining = true;
    for (const passage of [...this.#asking, ...this.#open]) passage.leave();
  }

  /** Resolves when none is open nor asked for. The caller sets the limit. */
  async quiet(): Promise<void> {
    if (this.#open.size + this.#asking.size > 0) await new Promise<void>((resolve) => (this.#wakeQuiet = resolve));
  }

  // ---- from passages

  refuse(passage: Passage, problem: Problem): void {
    const { status, reason, fields, body } = this.#options.answerOf(problem, passage.dialled);
    this.onOver(passage);
    passage.visitor.head(status, reason, fields, true);
    passage.visitor.write(body);
    passage.visitor.end([]);
  }

  opens(passage: Passage): boolean {
    if (this.#isFull()) {
      this.refuse(passage, Problems.overloaded);
      return false;
    }
    this.#asking.delete(passage);
    this.#open.add(passage);
    this.#options.onAnswered(SWITCHING, passage.dialled);
    return true;
  }

  answered(passage: Passage, status: number): void {
    this.#options.onAnswered(status, passage.dialled);
    this.onOver(passage);
  }

  onOver(passage: Passage): void {
    this.#asking.delete(passage);
    this.#open.delete(passage);
    if (this.#open.size + this.#asking.size === 0) this.#wakeQuiet?.();
  }

  #isFull(): boolean {
    if (this.#open.size < this.#limit) return false;
    this.#options.limitHit('links');
    return true;
  }
}
