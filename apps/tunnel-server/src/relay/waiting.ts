/**
 * The requests of a session that wait for a slot, in order of arrival. Not a Set: the old tables of one keep what has left
 * alive, as those of a Map do (see leg-table.ts in packages/protocol). A doubly linked list through its members; who leaves
 * forgets its neighbours, so that garbage never points to what is younger. Its limit is its session's.
 */

/** Waits in one session at most. Only `Waiting` writes to these. */
export interface Waiter<T> {
  ahead: T | null;
  behind: T | null;
}

export class Waiting<T extends Waiter<T>> {
  size = 0;
  first: T | null = null;
  #last: T | null = null;

  /** Behind all others; it waits nowhere yet. */
  add(waiter: T): void {
    waiter.ahead = this.#last;
    if (this.#last === null) this.first = waiter;
    else this.#last.behind = waiter;
    this.#last = waiter;
    this.size += 1;
  }

  /** Nothing happens where it does not wait here. */
  delete(waiter: T): void {
    const { ahead, behind } = waiter;
    if (ahead === null && this.first !== waiter) return;
    if (ahead === null) this.first = behind;
    else ahead.behind = behind;
    if (behind === null) this.#last = ahead;
    else behind.ahead = ahead;
    waiter.ahead = null;
    waiter.behind = null;
    this.size -= 1;
  }
}
