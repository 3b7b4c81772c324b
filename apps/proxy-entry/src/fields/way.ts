/** Forwarded (RFC 7239) and X-Forwarded-*: the way a request came, as we saw it and as proxies that we trust tell it. */
import { FieldKind } from '@sallyport/protocol';
import { nodeOf } from './addresses.ts';
import type { Believed } from './origin.ts';
import type { RequestHead } from './request-head.ts';
import { joinedValue } from './values.ts';

export function writeWay(head: RequestHead): void {
  const { origin } = head.arrival;
  if (origin.believed === null) writeOwn(head);
  else writeContinued(head, origin.believed);
}

/** From a stranger: what it claims is not there. */
function writeOwn({ arrival, out }: RequestHead): void {
  const { origin, scheme, host, prefix } = arrival;
  out.push('Forwarded', ownElement(origin.peer, host, scheme), 'X-Forwarded-For', origin.peer);
  out.push('X-Forwarded-Proto', scheme, 'X-Forwarded-Host', host);
  if (prefix !== '') out.push('X-Forwarded-Prefix', prefix);
}

/** From a trusted proxy: what it says is continued, and begins with the visitor's address. */
function writeContinued({ arrival, aside, out, seen }: RequestHead, believed: Believed): void {
  const { origin, scheme, host, prefix } = arrival;
  out.push('Forwarded', [...believed.elements, ownElement(origin.peer, host, scheme)].join(', '));
  out.push('X-Forwarded-For', [...believed.chain, origin.peer].join(', '));
  out.push('X-Forwarded-Proto', believed.scheme ?? scheme, 'X-Forwarded-Host', believed.host ?? host);
  const before = (seen & FieldKind.WAY) === 0 ? null : joinedValue(aside, 'x-forwarded-prefix');
  if (before !== null && prefix !== '') out.push('X-Forwarded-Prefix', `${before}, ${prefix}`);
  else if (before !== null || prefix !== '') out.push('X-Forwarded-Prefix', before ?? prefix);
}

let last = { peer: '', host: '', scheme: '', text: '' };

/**
 * One element of Forwarded (RFC 7239 §4). The host is quoted always: with a port it is no token. The last one is kept,
 * since a visitor rarely comes once.
 */
function ownElement(peer: string, host: string, scheme: string): string {
  if (last.peer === peer && last.host === host && last.scheme === scheme) return last.text;
  const text = `for=${nodeOf(peer)};host="${host}";proto=${scheme}`;
  last = { peer, host, scheme, text };
  return text;
}
