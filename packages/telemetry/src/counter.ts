/** A number that only rises. */
export class Counter {
  #value = 0;

  /** @param by a positive amount; anything else is ignored, since a counter that falls reads as a restart. */
  inc(by = 1): void {
    if (by > 0 && by < Infinity) this.#value += by;
  }

  get value(): number {
    return this.#value;
  }
}

/** Label values one counter keeps apart. They come from closed sets of ours; this holds should one ever not be. */
export const MAX_LABEL_VALUES = 128;

/** The label value that stands for all beyond `MAX_LABEL_VALUES`. */
export const OVERFLOW_LABEL = 'other';

/** Counters told apart by the value of one label. */
export class LabelledCounter {
  readonly #counters = new Map<string, Counter>();

  /** @param known label values shown as 0 from the start: a series that appears at 1 has no rise for an alert to see. */
  constructor(known: readonly string[] = []) {
    for (const value of known) this.#add(value);
  }

  /** Counts for `value`, or for `other` once `MAX_LABEL_VALUES` different values have been seen. */
  inc(value: string, by = 1): void {
    (this.#counters.get(value) ?? this.#add(value)).inc(by);
  }

  get(value: string): number {
    return this.#counters.get(value)?.value ?? 0;
  }

  /** Each label value with its count, in order of first appearance. */
  *entries(): IterableIterator<[value: string, count: number]> {
    for (const [value, counter] of this.#counters) yield [value, counter.value];
  }

  #add(value: string): Counter {
    const full = this.#counters.size >= MAX_LABEL_VALUES;
    const label = full ? OVERFLOW_LABEL : value;
    const existing = this.#counters.get(label);
    if (existing) return existing;
    const counter = new Counter();
    this.#counters.set(label, counter);
    return counter;
  }
}
