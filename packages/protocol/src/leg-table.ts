/**
 * The legs of a link by id. Not a Map: V8's makes a new table of itself each time as many entries were deleted as it has
 * room for, and the old table, which still holds what was in it then, points to the new one. Once such a table has grown
 * old, all that follow are taken for alive until the next full collection: of every hundred streams that were over, V8
 * copied the remains of some sixty. An open-addressing hash table with linear probing and Fibonacci hashing (Knuth, "The
 * Art of Computer Programming" 3, 6.4) keeps nothing; a deleted place is filled by moving back what was displaced by it.
 * It does not shrink: a place costs 8 bytes.
 */
import type { Leg } from './leg.ts';

const FIRST_BITS = 4;
/** 2^32 divided by the golden ratio: ids that follow each other come to lie far apart. */
const GOLDEN = 0x9e_37_79_b1;

export class LegTable {
  size = 0;
  #bits = FIRST_BITS;
  #places = empty(FIRST_BITS);

  get(id: number): Leg | undefined {
    return this.#places[this.#find(id)];
  }

  /** `leg.id` is not in it yet. */
  add(leg: Leg): void {
    // At most half full: probes stay short.
    if (this.size * 2 >= this.#places.length) this.#grow();
    this.#places[this.#find(leg.id)] = leg;
    this.size += 1;
  }

  delete(id: number): void {
    const places = this.#places;
    const mask = places.length - 1;
    let hole = this.#find(id);
    if (places[hole] === undefined) return;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const leg = places[at];
      if (leg === undefined) break;
      // Only what would be found from its own place on, with the hole in between, may move into it.
      if (((at - this.#home(leg.id)) & mask) < ((at - hole) & mask)) continue;
      places[hole] = leg;
      hole = at;
    }
    places[hole] = undefined;
    this.size -= 1;
  }

  /** As they are now, the oldest first. */
  all(): Leg[] {
    return this.#places.filter((leg) => leg !== undefined).sort((a, b) => a.id - b.id);
  }

  /** Where `id` is, or where it belongs. */
  #find(id: number): number {
    const places = this.#places;
    const mask = places.length - 1;
    let at = this.#home(id);
    for (let leg = places[at]; leg !== undefined && leg.id !== id; leg = places[at]) at = (at + 1) & mask;
    return at;
  }

  #home(id: number): number {
    return Math.imul(id, GOLDEN) >>> (32 - this.#bits);
  }

  #grow(): void {
    const before = this.#places;
    this.#bits += 1;
    this.#places = empty(this.#bits);
    for (const leg of before) if (leg !== undefined) this.#places[this.#find(leg.id)] = leg;
  }
}

function empty(bits: number): (Leg | undefined)[] {
  return Array.from({ length: 2 ** bits }, () => undefined);
}
