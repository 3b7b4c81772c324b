/** The leases of one link: how many the server may use, how many it uses, and what it was told of that (SLOTS). */
import type { Link } from '@sallyport/protocol';

export class LinkLeases {
  /** Of its dialler, among all. */
  readonly place: number;
  /** The server has said that the session is ours. */
  isAccepted = false;
  #count: number;
  /** What the server was told last. */
  #told: number;
  /** The most that it was ever told: its OPENs may have crossed with fewer. */
  #most: number;
  /** OPENs whose lease was not given back. */
  #busy = 0;
  #returned = 0;

  /** `count`: what HELLO says. */
  constructor(place: number, count: number) {
    this.place = place;
    this.#count = count;
    this.#told = count;
    this.#most = count;
  }

  /** From now on so many; the server is told once it has accepted us. */
  set(link: Link, count: number): void {
    this.#count = count;
    this.#most = Math.max(this.#most, count);
    if (this.isAccepted) this.#tell(link);
  }

  accepted(link: Link): void {
    this.isAccepted = true;
    if (this.#count !== this.#told) this.#tell(link);
  }

  /** An OPEN took one. False: the server was never told of so many. Either way it is given back by `giveBack`. */
  take(): boolean {
    this.#busy += 1;
    return this.#busy <= this.#most;
  }

  giveBack(link: Link): void {
    this.#busy -= 1;
    this.#returned = (this.#returned + 1) >>> 0;
    this.#tell(link);
  }

  #tell(link: Link): void {
    this.#told = this.#count;
    link.sendSlots({ leases: this.#count, returned: this.#returned, waiting: 0 });
  }
}
