/** Via (RFC 9110 §7.6.3): which way a message came, and whether it came here before. */
import { FieldKind } from '@sallyport/protocol';
import type { SignedHead } from './head.ts';
import { joinedValue } from './values.ts';

/** A request that passed more proxies than this is taken to go round in circles. */
export const MAX_VIA_ENTRIES = 10;

/** Our entry behind those that are there. */
export function writeVia({ aside, out, seen, pseudonym }: SignedHead, version: string): void {
  const before = (seen & FieldKind.VIA) === 0 ? null : joinedValue(aside, 'via');
  const ours = `${version} ${pseudonym}`;
  out.push('Via', before === null ? ours : `${before}, ${ours}`);
}

/** Whether one of the entries is ours, or there are too many. */
export function isLoop({ aside, seen, pseudonym }: SignedHead): boolean {
  return (seen & FieldKind.VIA) !== 0 && wasHere(joinedValue(aside, 'via')!, pseudonym);
}

/** The same of the value of Via. */
export function wasHere(via: string, pseudonym: string): boolean {
  const entries = viaEntries(via);
  return entries.length > MAX_VIA_ENTRIES || entries.some((entry) => receivedBy(entry) === pseudonym);
}

/** Entries, without their comments: those may hold commas. */
function viaEntries(via: string): string[] {
  const entries: string[] = [];
  let entry = '';
  let depth = 0;
  for (let i = 0; i < via.length; i += 1) {
    const character = via[i]!;
    if (character === '\\' && depth > 0) i += 1;
    else if (character === '(') depth += 1;
    else if (character === ')' && depth > 0) depth -= 1;
    else if (depth > 0) continue;
    else if (character === ',') {
      if (entry.trim() !== '') entries.push(entry);
      if (entries.length > MAX_VIA_ENTRIES) return entries;
      entry = '';
    } else entry += character;
  }
  // A comment without an end hides nothing: what cannot be read counts as it stands.
  if (depth > 0) return via.split(',');
  if (entry.trim() !== '') entries.push(entry);
  return entries;
}

function receivedBy(entry: string): string {
  return entry.trim().split(/[ \t]+/)[1] ?? '';
}
