/** What a head says of its body and its connection (RFC 9112 §6, §9). */
import { trimOws } from './bytes.ts';
import { Faults } from './fault.ts';
import type { Fault } from './fault.ts';
import type { FieldSink } from './field-scanner.ts';
import { Field } from './names.ts';

/** How the end of a body is found. */
export const Framing = { NONE: 0, LENGTH: 1, CHUNKED: 2, CLOSE: 3 } as const;
export type Framing = (typeof Framing)[keyof typeof Framing];

/** Over this many digits a length is no number that can be counted with. */
const LENGTH = /^\d{1,15}$/;

/** Filled in while the fields of one head are taken. */
export class HeadFacts implements FieldSink {
  /** −1: none was said. */
  contentLength = -1;
  /** All transfer codings, in order; '' for none. */
  codings = '';
  hasCodings = false;
  /** Options of `Connection`. */
  isClose = false;
  isKeepAlive = false;
  isUpgradeNominated = false;
  upgrade = '';
  expect = '';
  /** `timeout` of Keep-Alive in seconds; −1: none was said. */
  keepAliveSeconds = -1;
  /** The first thing that is wrong by itself. */
  fault: Fault | null = null;
  #hint = '';
  #hintSeconds = -1;

  reset(): void {
    this.contentLength = -1;
    this.codings = '';
    this.hasCodings = false;
    this.isClose = false;
    this.isKeepAlive = false;
    this.isUpgradeNominated = false;
    this.upgrade = '';
    this.expect = '';
    this.keepAliveSeconds = -1;
    this.fault = null;
  }

  note(field: number, value: string): void {
    if ((field & Field.CONTENT_LENGTH) !== 0) this.#noteLength(value);
    else if ((field & Field.TRANSFER_ENCODING) !== 0) this.#noteCodings(value);
    else if ((field & Field.CONNECTION) !== 0) this.#noteConnection(value);
    else if ((field & Field.UPGRADE) !== 0) this.upgrade = listed(this.upgrade, value);
    else if ((field & Field.EXPECT) !== 0) this.expect = listed(this.expect, value);
    else if ((field & Field.KEEP_ALIVE) !== 0) this.#noteKeepAlive(value);
  }

  /** What the codings come to; null where they are just `chunked`. RFC 9112 §6.1, §6.3. */
  codingFault(minor: number): Fault | null {
    if (minor === 0) return Faults.CODING_IN_1_0;
    if (this.contentLength >= 0) return Faults.LENGTH_AND_CODING;
    if (this.codings === 'chunked') return null;
    const codings = this.codings.split(',').map((coding) => trimOws(coding));
    if (codings.at(-1) !== 'chunked' || codings.indexOf('chunked') < codings.length - 1) return Faults.CODING;
    return codings.length === 1 ? null : Faults.UNKNOWN_CODING;
  }

  /** RFC 9112 §9.3. */
  keepsAlive(minor: number): boolean {
    return !this.isClose && (minor === 1 || this.isKeepAlive);
  }

  #noteLength(value: string): void {
    if (this.contentLength >= 0) this.fault ??= Faults.LENGTHS;
    else if (LENGTH.test(value)) this.contentLength = Number(value);
    else this.fault ??= value.includes(',') ? Faults.LENGTHS : Faults.LENGTH;
  }

  #noteCodings(value: string): void {
    this.codings = this.hasCodings ? `${this.codings},${value.toLowerCase()}` : value.toLowerCase();
    this.hasCodings = true;
  }

  #noteConnection(value: string): void {
    if (value === 'keep-alive') {
      this.isKeepAlive = true;
      return;
    }
    for (const option of value.toLowerCase().split(',')) {
      const name = trimOws(option);
      if (name === 'close') this.isClose = true;
      else if (name === 'keep-alive') this.isKeepAlive = true;
      else if (name === 'upgrade') this.isUpgradeNominated = true;
    }
  }

  #noteKeepAlive(value: string): void {
    // A backend says the same with every answer.
    if (value !== this.#hint) {
      this.#hint = value;
      this.#hintSeconds = Number(/(?:^|[,\s])timeout=(\d{1,6})/i.exec(value)?.[1] ?? -1);
    }
    this.keepAliveSeconds = this.#hintSeconds;
  }
}

function listed(before: string, value: string): string {
  return before === '' ? value : `${before}, ${value}`;
}
