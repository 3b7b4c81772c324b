import { BlockList, isIP, isIPv6 } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Whether a listening address or host name means this machine only: 127.0.0.0/8, ::1, localhost and the names below it
 * (RFC 6761 §6.3). The rule by which the configuration is judged; packages import none of ours, so it stands here too.
 */
export function isLoopbackHost(host: string): boolean {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host.toLowerCase();
  const name = bare.replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const family = isIP(bare);
  return family !== 0 && loopback.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a Host header (`host` or `host:port`) names this machine. */
export function isLoopbackAuthority(authority: string): boolean {
  const portless = authority.replace(/:\d*$/, '');
  return isLoopbackHost(isIPv6(authority) ? authority : portless);
}
