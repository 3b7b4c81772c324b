/** Addresses as forwarding fields spell them, and which of them belong to proxies that we trust. Pure. */
import { BlockList, isIP } from 'node:net';

/** RFC 7239 §6 `node`, and what X-Forwarded-For holds: an address, perhaps with a port. */
const WITH_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3}))(?::\d{1,5})?$/;
const MAPPED_IPV4 = '::ffff:';

/** The bare address; '' where it is none that could be told apart: `unknown`, `_hidden`, nonsense. */
export function addressOf(text: string): string {
  const match = WITH_PORT.exec(text);
  const bare = match === null ? text : (match[1] ?? match[2]!);
  // A zone means something on one machine only.
  if (bare.includes('%') || isIP(bare) === 0) return '';
  const lower = bare.toLowerCase();
  const mapped = lower.startsWith(MAPPED_IPV4) ? lower.slice(MAPPED_IPV4.length) : '';
  return isIP(mapped) === 4 ? mapped : lower;
}

/** RFC 7239 §6: an IPv6 address is bracketed, and then no token. */
export function nodeOf(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}

/** Tells whether an address is within `networks` (CIDR). */
export function trustOf(networks: readonly string[]): (address: string) => boolean {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string];
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}
