/** Where a request comes from, as far as proxies that we trust vouch for it. Pure. */
import { parseHost } from '../route.ts';
import { addressOf, nodeOf } from './addresses.ts';
import { forwardedElements } from './forwarded-elements.ts';
import type { ForwardedElement } from './forwarded-elements.ts';
import { joinedValue } from './values.ts';

export interface Origin {
  /** The other end of the connection. */
  readonly peer: string;
  /** The visitor's, found from right to left: the first that is not a trusted proxy's. */
  readonly address: string;
  /** Null where the peer is a stranger: whatever it claims is not there. */
  readonly believed: Believed | null;
}

/** What trusted proxies say of the way before `peer`; what stands to the left of the visitor is its own claim, and gone. */
export interface Believed {
  /** Addresses, the visitor's first. */
  readonly chain: readonly string[];
  /** The same, as elements of Forwarded. */
  readonly elements: readonly string[];
  readonly scheme: 'http' | 'https' | null;
  readonly host: string | null;
}

type SchemeAndHost = Pick<Believed, 'scheme' | 'host'>;

const NOTHING: readonly string[] = [];
const UNTOLD: SchemeAndHost = { scheme: null, host: null };

/** RFC 7239 §6.2: for a connection that was reset before its address could be asked for. */
const UNKNOWN = 'unknown';

export function findOrigin(
  remoteAddress: string,
  fields: readonly string[],
  isTrusted: (address: string) => boolean,
): Origin {
  const peer = remoteAddress === '' ? UNKNOWN : remoteAddress;
  if (!isTrusted(peer)) return { peer, address: peer, believed: null };
  const list = joinedValue(fields, 'x-forwarded-for');
  const forwarded = joinedValue(fields, 'forwarded');
  const elements = forwarded === null ? null : (forwardedElements(forwarded) ?? []);
  const byList = list === null ? null : vouched(list.split(','), trimmedAddress, isTrusted);
  const byElements = elements === null ? null : vouched(elements, addressFor, isTrusted);
  const chain = byList ?? byElements ?? NOTHING;
  const visitor = chain[0] ?? peer;
  // A proxy that writes one of the two lets the visitor write the other: neither is believed where they differ.
  if (byList !== null && byElements !== null && (byElements[0] ?? peer) !== visitor) {
    return { peer, address: peer, believed: null };
  }
  const inLists = toldInLists(fields, list !== null);
  if (byElements === null) {
    return { peer, address: visitor, believed: rebuilt(chain, inLists ?? UNTOLD) };
  }
  const kept = elements!.slice(elements!.length - byElements.length);
  const inElements = toldInElement(kept[0]);
  const believed =
    inLists === null
      ? { chain, elements: kept.map(({ text }) => text), ...inElements }
      : rebuilt(chain, agreed(inLists, inElements));
  return { peer, address: visitor, believed };
}

/** The element of the visitor says what is believed of scheme and host. */
function rebuilt(chain: readonly string[], told: SchemeAndHost): Believed {
  const { scheme, host } = told;
  const more = `${host === null ? '' : `;host="${host}"`}${scheme === null ? '' : `;proto=${scheme}`}`;
  const elements = chain.map((address, i) => `for=${nodeOf(address)}${i === 0 ? more : ''}`);
  return { chain, elements, ...told };
}

/** Where both families are there one may be the visitor's own, for it knows its address: only what both say is so. */
function agreed(one: SchemeAndHost, other: SchemeAndHost): SchemeAndHost {
  return {
    scheme: one.scheme === other.scheme ? one.scheme : null,
    host: one.host === other.host ? one.host : null,
  };
}

/** From right to left while the address is that of a proxy we trust; the first that is not is the visitor's. */
function vouched<Entry>(
  entries: readonly Entry[],
  read: (entry: Entry) => string,
  isTrusted: (address: string) => boolean,
): readonly string[] {
  const addresses: string[] = [];
  // No further than need be: what a visitor wrote in front may be long.
  for (let i = entries.length - 1; i >= 0; i -= 1) {
    const address = read(entries[i]!);
    if (address === '') break;
    addresses.push(address);
    if (!isTrusted(address)) break;
  }
  return addresses.toReversed();
}

/**
 * Null where there is nothing of X-Forwarded-For, -Proto and -Host. Of several values the last: it alone is a trusted
 * proxy's for sure, for nobody can tell whether those before it are, or the visitor's.
 */
function toldInLists(fields: readonly string[], hasAddresses: boolean): SchemeAndHost | null {
  const scheme = lastOf(joinedValue(fields, 'x-forwarded-proto'));
  const host = lastOf(joinedValue(fields, 'x-forwarded-host'));
  return hasAddresses || scheme !== undefined || host !== undefined ? readTold(scheme, host) : null;
}

/** As the outermost proxy that we trust saw them. */
function toldInElement(element: ForwardedElement | undefined): SchemeAndHost {
  return readTold(element?.parameters.get('proto'), element?.parameters.get('host'));
}

function readTold(said: string | undefined, host: string | undefined): SchemeAndHost {
  const scheme = said?.toLowerCase();
  return {
    scheme: scheme === 'http' || scheme === 'https' ? scheme : null,
    host: host === undefined || parseHost(host) === null ? null : host,
  };
}

function lastOf(list: string | null): string | undefined {
  return list?.slice(list.lastIndexOf(',') + 1).trim();
}

function trimmedAddress(text: string): string {
  return addressOf(text.trim());
}

function addressFor({ parameters }: ForwardedElement): string {
  return addressOf(parameters.get('for') ?? '');
}
