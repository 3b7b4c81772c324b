/** Plays cases, many at once, through one stack: each from an address of its own, by which the backend knows it again. */
import type { BackendJudge, StrictBackend } from './backend.ts';
import type { Request } from './rfc9112.ts';
import { values } from './rfc9112.ts';
import type { Kind, Run } from './run-kind.ts';
import type { Script } from './script.ts';

export interface Failure {
  /** Of the case; of all that ran, where what the backend saw does not say which it was. */
  readonly seeds: readonly number[];
  readonly what: string;
}

export interface Tally {
  cases: number;
  requests: number;
  /** Read by the backend. */
  admitted: number;
  /** Cases with something that HTTP does not allow, or that the entry has to refuse. */
  refused: number;
}

export interface PlayOptions {
  /** Of the first case; the others follow it. */
  readonly seed: number;
  readonly forMs: number;
  readonly mostCases: number;
  /** A failing case is not made small. */
  readonly isHasty?: boolean;
  readonly onProgress?: (tally: Tally) => void;
}

/** The longest wait for anything that has to come, on a machine that may stand still for seconds. */
const CEILING_MS = 30_000;
/** Cases under way at once. */
const LANES = 24;
/** Cases that are over and whose requests would still be known, should one come late. */
const REMEMBERED = 5_000;
const PROGRESS_MS = 1_000;
const MOST_ADDRESSES = 0x7e_ff_fe;

export class Desync<Spec> implements BackendJudge {
  readonly tally: Tally = { cases: 0, requests: 0, admitted: 0, refused: 0 };
  readonly #kind: Kind<Spec>;
  readonly #url: URL;
  /** By address; the oldest first. */
  readonly #runs = new Map<string, Run>();
  readonly #seeds = new WeakMap<Run, number>();
  /** What the backend said of a case while it ran. */
  readonly #problems = new WeakMap<Run, string>();
  #addresses = 0;
  #serials = 0;
  #failure: Failure | null = null;
  readonly #failed: Promise<void>;
  #wakeFailed!: () => void;

  constructor(kind: Kind<Spec>, entry: string, backend: StrictBackend) {
    this.#kind = kind;
    this.#url = new URL(entry);
    this.#failed = new Promise((resolve) => (this.#wakeFailed = resolve));
    backend.judge = this;
  }

  /** Until one fails, there are enough, or the time is over. */
  async play({ seed, forMs, mostCases, onProgress }: PlayOptions): Promise<Failure | null> {
    const endMs = performance.now() + forMs;
    const progress = setInterval(() => onProgress?.(this.tally), PROGRESS_MS);
    let begun = 0;
    const lane = async () => {
      while (this.#failure === null && begun < mostCases && performance.now() < endMs) {
        const own = (seed + begun) >>> 0;
        begun += 1;
        const what = await this.run(this.#kind.draw(own), own);
        if (what !== null) this.#fail([own], what);
      }
    };
    const lanes = Promise.all(Array.from({ length: LANES }, lane));
    // The others may be waiting for what will not come.
    await Promise.race([lanes, this.#failed]);
    clearInterval(progress);
    return this.#failure;
  }

  /** One case; what is wrong with how it went, or null. */
  async run(spec: Spec, seed?: number, ceilingMs = CEILING_MS): Promise<string | null> {
    const run = this.#kind.begin(spec, this.#nextAddress());
    if (seed !== undefined) this.#seeds.set(run, seed);
    this.#runs.set(run.address, run);
    const problem = await run.visit(this.#url, ceilingMs);
    run.isOver = true;
    this.#count(run);
    this.#forgetOldest();
    return this.#problems.get(run) ?? problem;
  }

  #forgetOldest(): void {
    if (this.#runs.size <= REMEMBERED) return;
    for (const [address, { isOver }] of this.#runs) {
      if (!isOver) continue;
      this.#runs.delete(address);
      return;
    }
  }

  // ---- from the backend

  onRequest(request: Request, isWhole: boolean): Script | null {
    const from = values(request.lines, 'x-forwarded-for').join();
    const run = this.#runs.get(from);
    const said = `${request.method} ${request.target}; ${request.lines.map((line) => line.join(': ')).join('; ')}`;
    if (run === undefined) {
      this.onViolation(`a request of nobody (${said})`);
      return null;
    }
    const script = run.take(request, isWhole, (this.#serials += 1));
    if (typeof script !== 'string') return script;
    const what = `the backend read ${script} (${said})`;
    if (!this.#problems.has(run)) this.#problems.set(run, what);
    if (run.isOver) this.#fail(this.#seedsOf([run]), `${what}, when the case was over`);
    return null;
  }

  onViolation(what: string): void {
    const runs = [...this.#runs.values()].filter((run) => !run.isOver);
    for (const run of runs) this.#problems.set(run, `the backend read ${what}`);
    this.#fail(this.#seedsOf(runs), `the backend read ${what}`);
  }

  #fail(seeds: readonly number[], what: string): void {
    this.#failure ??= { seeds, what };
    this.#wakeFailed();
  }

  #seedsOf(runs: readonly Run[]): number[] {
    return runs.flatMap((run) => this.#seeds.get(run) ?? []);
  }

  #count(run: Run): void {
    this.tally.cases += 1;
    this.tally.requests += run.expected.length;
    this.tally.admitted += run.admitted;
    const isRefused = run.expected.some(
      ({ reading, verdict }) => reading.kind === 'wrong' || verdict?.kind === 'refuse',
    );
    if (isRefused) this.tally.refused += 1;
  }

  /** From 127.1.0.1 on: what the entry says in X-Forwarded-For names the case. */
  #nextAddress(): string {
    this.#addresses = (this.#addresses % MOST_ADDRESSES) + 1;
    const n = this.#addresses;
    return `127.${1 + (n >> 16)}.${(n >> 8) & 0xff}.${n & 0xff}`;
  }
}
