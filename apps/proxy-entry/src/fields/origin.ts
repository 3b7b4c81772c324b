/** Where a request comes from, as far as proxies that we trust vouch for it. Pure. */
import { parseHost } from '../route.ts';
import { addressOf, nodeOf } from './addresses.ts';
import { forwardedElements } from './forwarded-elements.ts';
import type { ForwardedElement } from './forwarded-elements.ts';
import { joinedValue, valuesOf } from './values.ts';

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

/** A part of a list, from its end, that is vouched for: addresses, the first of which may be anybody's. */
interface Vouched {
  readonly addresses: readonly string[];
  /** How many proxies in a row we trust, with the peer. */
  readonly proxies: number;
}

const NOTHING: readonly string[] = [];

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
  const visitor = visitorOf(byList ?? byElements, peer);
  // A proxy that writes one of the two lets the visitor write the other: neither is believed where they differ.
  if (byList !== null && byElements !== null && visitorOf(byElements, peer) !== visitor) {
    return { peer, address: peer, believed: null };
  }
  const chain = (byList ?? byElements)?.addresses ?? NOTHING;
  const kept = byElements === null ? [] : elements!.slice(elements!.length - byElements.addresses.length);
  const believed = {
    chain,
    elements: byElements === null ? chain.map((address) => `for=${nodeOf(address)}`) : kept.map(({ text }) => text),
    ...schemeAndHost(fields, kept[0], (byList ?? byElements)?.proxies ?? 1),
  };
  return { peer, address: visitor, believed };
}

/** From right to left while the address is that of a proxy we trust; the first that is not is the visitor's. */
function vouched<Entry>(
  entries: readonly Entry[],
  read: (entry: Entry) => string,
  isTrusted: (address: string) => boolean,
): Vouched {
  const addresses: string[] = [];
  let proxies = 1;
  // No further than need be: what a visitor wrote in front may be long.
  for (let i = entries.length - 1; i >= 0; i -= 1) {
    const address = read(entries[i]!);
    if (address === '') break;
    addresses.push(address);
    if (!isTrusted(address)) break;
    proxies += 1;
  }
  return { addresses: addresses.toReversed(), proxies };
}

function visitorOf(way: Vouched | null, peer: string): string {
  return way?.addresses[0] ?? peer;
}

/** As the outermost proxy that we trust saw them. Each of them may have added to the list, or have overwritten it. */
function schemeAndHost(
  fields: readonly string[],
  element: ForwardedElement | undefined,
  proxies: number,
): Pick<Believed, 'scheme' | 'host'> {
  const scheme = (told(fields, 'x-forwarded-proto', proxies) ?? element?.parameters.get('proto'))?.toLowerCase();
  const host = told(fields, 'x-forwarded-host', proxies) ?? element?.parameters.get('host');
  return {
    scheme: scheme === 'http' || scheme === 'https' ? scheme : null,
    host: host === undefined || parseHost(host) === null ? null : host,
  };
}

function told(fields: readonly string[], lower: string, proxies: number): string | undefined {
  const values = valuesOf(fields, lower).flatMap((value) => value.split(','));
  return values[Math.max(0, values.length - proxies)]?.trim();
}

function trimmedAddress(text: string): string {
  return addressOf(text.trim());
}

function addressFor({ parameters }: ForwardedElement): string {
  return addressOf(parameters.get('for') ?? '');
}
