import { isIPv4, isIPv6 } from 'node:net';

const IPV4_IN_IPV6 = '::ffff:';

/** Whether a listening address or host name means this machine only: 127.0.0.0/8, ::1, localhost. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const name = bare.toLowerCase();
  if (name === 'localhost') return true;
  const ipv4 = name.startsWith(IPV4_IN_IPV6) ? name.slice(IPV4_IN_IPV6.length) : name;
  if (isIPv4(ipv4)) return ipv4.startsWith('127.');
  return isIPv6(name) && (name === '::1' || name === '0:0:0:0:0:0:0:1');
}

/** Whether a Host header (`host` or `host:port`) names this machine. */
export function isLoopbackAuthority(authority: string): boolean {
  const portless = authority.replace(/:\d*$/, '');
  return isLoopbackHost(isIPv6(authority) ? authority : portless);
}
