/** A head between two passes, and the passes that requests and answers have in common. Fields are flat: name, value, … */
import { FieldKind, isTakenAway, kindOf, listsTrailers, nominated } from '@sallyport/protocol';

export interface Head {
  /** As they came. */
  readonly sent: readonly string[];
  /** As they go on, from `from` on; before that is what is no field. */
  readonly out: string[];
  readonly from: number;
  /** Bits of `FieldKind`: what does not just pass on. */
  readonly held: number;
  /** What was kept back because of those bits. */
  readonly aside: string[];
  /** Bits of all that was kept back. */
  seen: number;
}

/** One that says that it passed here. */
export interface SignedHead extends Head {
  /** Our name in Via. */
  readonly pseudonym: string;
  readonly requestId: string;
  readonly isUpgrade: boolean;
}

/** What is of no concern to us goes on, in order and as it is; the rest is kept back for the passes that follow. */
export function passOn(head: Head): void {
  const { sent, out, aside, held } = head;
  let seen = 0;
  for (let i = 0; i < sent.length; i += 2) {
    const name = sent[i]!;
    const kind = kindOf(name);
    if ((kind & held) === 0) {
      out.push(name, sent[i + 1]!);
      continue;
    }
    seen |= kind;
    aside.push(name, sent[i + 1]!);
  }
  head.seen = seen;
}

/** RFC 9110 §7.6.1: what `Connection` names ends here too. */
export function dropNominated(head: Head): void {
  if ((head.seen & FieldKind.CONNECTION) === 0) return;
  const names = nominated(head.aside);
  if (names !== null) keep(head, (name) => !isTakenAway(name, names));
}

/** An upgrade is for the backend to decide. */
export function keepUpgrade({ aside, out, seen, isUpgrade }: SignedHead): void {
  if (!isUpgrade || (seen & FieldKind.UPGRADE) === 0) return;
  for (let i = 0; i < aside.length; i += 2) {
    if ((kindOf(aside[i]!) & FieldKind.UPGRADE) !== 0) out.push(aside[i]!, aside[i + 1]!);
  }
}

/** Of `TE` goes on that trailers are welcome. */
export function keepTrailersWelcome({ aside, out, seen }: Head): void {
  if ((seen & FieldKind.TE) !== 0 && listsTrailers(aside)) out.push('TE', 'trailers');
}

/** Takes out of what goes on the fields that `isKept` denies. */
export function keep({ out, from }: Head, isKept: (name: string) => boolean): void {
  let to = from;
  for (let i = from; i < out.length; i += 2) {
    if (!isKept(out[i]!)) continue;
    out[to] = out[i]!;
    out[to + 1] = out[i + 1]!;
    to += 2;
  }
  out.length = to;
}
