import { ARM_NAMES } from '../report/model.ts';
import type { ArmSecond, SecondReport } from '../report/model.ts';

/** Seconds that are kept of a step: a little over an hour of single ones. */
export const MAX_SECONDS = 4096;

/**
 * A step's seconds, of which at most `MAX_SECONDS` are kept: when there are more, every two neighbours become one, and
 * from then on twice as many are put together. So all are of one length, which `lengthS` says; an open one is the last.
 */
export class BoundedSeconds {
  readonly #limit: number;
  /** At most `#limit`. */
  #kept: SecondReport[] = [];
  #open: SecondReport | null = null;
  #inOpen = 0;
  #perKept = 1;

  /** @param limit an even number */
  constructor(limit = MAX_SECONDS) {
    this.#limit = limit;
  }

  add(second: SecondReport): void {
    this.#open = this.#open === null ? second : together(this.#open, second);
    this.#inOpen += 1;
    if (this.#inOpen < this.#perKept) return;
    this.#kept.push(this.#open);
    this.#open = null;
    this.#inOpen = 0;
    if (this.#kept.length === this.#limit) this.#halve();
  }

  all(): SecondReport[] {
    return this.#open === null ? [...this.#kept] : [...this.#kept, this.#open];
  }

  #halve(): void {
    this.#perKept *= 2;
    this.#kept = this.#kept.flatMap((second, index) => {
      const before = this.#kept[index - 1];
      return index % 2 === 0 || before === undefined ? [] : [together(before, second)];
    });
  }
}

function together(a: SecondReport, b: SecondReport): SecondReport {
  const arms: SecondReport['arms'] = {};
  for (const name of ARM_NAMES) {
    const [first, second] = [a.arms[name], b.arms[name]];
    const arm = first === undefined || second === undefined ? (first ?? second) : bothOf(first, second);
    if (arm !== undefined) arms[name] = arm;
  }
  return { atS: a.atS, lengthS: a.lengthS + b.lengthS, arms };
}

/** Their histograms are gone: the median is the mean of both by their answers, the tail the worse of both. */
function bothOf(a: ArmSecond, b: ArmSecond): ArmSecond {
  const [ofA, ofB] = [a.ok + a.failed, b.ok + b.failed];
  return {
    ok: a.ok + b.ok,
    failed: a.failed + b.failed,
    p50: ofA + ofB === 0 ? 0 : (a.p50 * ofA + b.p50 * ofB) / (ofA + ofB),
    p99: Math.max(a.p99, b.p99),
    max: Math.max(a.max, b.max),
  };
}
