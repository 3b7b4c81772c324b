/** Field lines, found in place by their bytes and made strings all at once. */
import { Class, CLASSES, COLON, CR, LF, SPACE, TAB } from './bytes.ts';
import { Faults } from './fault.ts';
import type { Fault } from './fault.ts';
import { MAX_FIELD_LINES } from './limits.ts';
import { Field, fieldOfSpelling, findName, hashStep } from './names.ts';
import type { KnownName } from './names.ts';

/** Instead of an offset: the end has not come yet. */
export const INCOMPLETE = -1;
/** Instead of an offset: `fault` says why. */
export const REFUSED = -2;

/** What the fields with a bit of `Field` are given to. */
export interface FieldSink {
  note(field: number, value: string): void;
}

/** Holds what it found until the next scan. One serves all readers: a scan is taken before anything else runs. */
export class FieldScanner {
  fault: Fault = Faults.NOT_HTTP;
  #count = 0;
  readonly #known: (KnownName | null)[] = Array.from({ length: MAX_FIELD_LINES }, () => null);
  readonly #nameAt = new Int32Array(MAX_FIELD_LINES);
  readonly #nameEnd = new Int32Array(MAX_FIELD_LINES);
  readonly #valueAt = new Int32Array(MAX_FIELD_LINES);
  readonly #valueEnd = new Int32Array(MAX_FIELD_LINES);

  /**
   * The lines from `at` up to and with the empty one. Answers the offset behind it, INCOMPLETE or REFUSED. A line is
   * judged when all of it is there, so that it is judged alike however it was torn.
   */
  scan(bytes: Buffer, at: number, end: number, maxLines: number): number {
    this.#count = 0;
    for (;;) {
      if (at >= end) return INCOMPLETE;
      if (bytes[at] === CR) {
        if (at + 1 >= end) return INCOMPLETE;
        return bytes[at + 1] === LF ? at + 2 : this.judge(bytes, at, end, Faults.LINE_END);
      }
      at = this.#scanLine(bytes, at, end);
      if (at < 0) return at;
      if (this.#count === maxLines) return this.#refuse(Faults.TOO_MANY_LINES);
      this.#count += 1;
    }
  }

  /** `fault` where the line that it is in has come to its end. */
  judge(bytes: Buffer, at: number, end: number, fault: Fault): typeof INCOMPLETE | typeof REFUSED {
    const lineEnd = bytes.indexOf(LF, at);
    return lineEnd === -1 || lineEnd >= end ? INCOMPLETE : this.#refuse(fault);
  }

  /** What was scanned, flat: name, value, …; `text` is what stands from `textAt` on. */
  take(text: string, textAt: number, sink: FieldSink): string[] {
    // At its full length from the start: growing it would leave as much garbage again.
    // oxlint-disable-next-line unicorn/no-new-array -- `from` and `fill` would write it twice
    const fields = new Array<string>(2 * this.#count);
    for (let i = 0; i < this.#count; i += 1) {
      const known = this.#known[i]!;
      const name = known?.text ?? text.substring(this.#nameAt[i]! - textAt, this.#nameEnd[i]! - textAt);
      const value = text.substring(this.#valueAt[i]! - textAt, this.#valueEnd[i]! - textAt);
      fields[2 * i] = name;
      fields[2 * i + 1] = value;
      const field = known === null ? fieldOfSpelling(name) : known.field;
      if (field !== Field.OTHER) sink.note(field, value);
    }
    return fields;
  }

  /** One line; the offset behind it. */
  #scanLine(bytes: Buffer, at: number, end: number): number {
    let byte = 0;
    let hash = 0;
    let i = at;
    while (i < end && (CLASSES[(byte = bytes[i]!)]! & Class.TOKEN) !== 0) {
      hash = hashStep(hash, byte);
      i += 1;
    }
    if (i === end) return INCOMPLETE;
    if (byte !== COLON || i === at) return this.judge(bytes, i, end, nameFault(byte, i === at));
    const nameEnd = i;
    i += 1;
    while (i < end && ((byte = bytes[i]!) === SPACE || byte === TAB)) i += 1;
    const valueAt = i;
    while (i < end && (CLASSES[(byte = bytes[i]!)]! & Class.VALUE) !== 0) i += 1;
    if (i + 1 >= end && (i === end || byte === CR)) return INCOMPLETE;
    if (byte !== CR || bytes[i + 1] !== LF) {
      return this.judge(bytes, i, end, byte === CR || byte === LF ? Faults.LINE_END : Faults.VALUE);
    }
    let valueEnd = i;
    while (valueEnd > valueAt && ((byte = bytes[valueEnd - 1]!) === SPACE || byte === TAB)) valueEnd -= 1;
    const line = this.#count;
    // One more than there may be is refused by who counts them.
    if (line < MAX_FIELD_LINES) {
      this.#known[line] = findName(bytes, at, nameEnd, hash);
      this.#nameAt[line] = at;
      this.#nameEnd[line] = nameEnd;
      this.#valueAt[line] = valueAt;
      this.#valueEnd[line] = valueEnd;
    }
    return i + 2;
  }

  #refuse(fault: Fault): typeof REFUSED {
    this.fault = fault;
    return REFUSED;
  }
}

function nameFault(byte: number, isAtStart: boolean): Fault {
  const isSpace = byte === SPACE || byte === TAB;
  if (isSpace) return isAtStart ? Faults.FOLDED : Faults.SPACE_BEFORE_COLON;
  return byte === LF || byte === CR ? Faults.LINE_END : Faults.NAME;
}
