/** Which name a backend's certificate must have. */
import { isIP } from 'node:net';
import type { BackendOptions } from './transport.ts';

/** Asked for (SNI) and checked; empty for an address, which SNI has no place for (RFC 6066 §3) and is checked as it is. */
export function tlsName({ url, serverName }: Pick<BackendOptions, 'url' | 'serverName'>): string {
  const name = serverName ?? hostOf(url);
  return isIP(name) === 0 ? name : '';
}

/** The host of a backend's URL, an IPv6 address without its brackets. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '');
}
