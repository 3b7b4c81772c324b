/** Who a connection to the backend is for: PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt). Pure. */
import { isIP } from 'node:net';
import { lowerName } from '@sallyport/protocol';

export type ProxyProtocol = 'off' | 'v1' | 'v2';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 2; a connection of our own, or one for somebody. */
const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
/** What the backend is told where the addresses are not of one family: both are needed, one is known. */
const ANY = { 4: '0.0.0.0', 6: '::' } as const;

/**
 * The visitor as the entry knows it: the first in X-Forwarded-For, which the entry writes anew. Behind it come the proxies
 * that vouched for it, and the spec wants the first source, not the last hop. Null where it is no address.
 */
export function visitorOf(fields: readonly string[]): string | null {
  for (let i = 0; i < fields.length; i += 2) {
    if (lowerName(fields[i]!) !== 'x-forwarded-for') continue;
    const address = fields[i + 1]!.split(',', 1)[0]!.trim();
    return isIP(address) === 0 ? null : address;
  }
  return null;
}

/** The bytes in front of all others. The visitor's port is not known here: 0. */
export function proxyHeader(protocol: 'v1' | 'v2', visitor: string | null, backend: Endpoint): Buffer {
  const family = visitor === null ? 0 : isIP(visitor);
  if (visitor === null || (family !== 4 && family !== 6)) return unknown(protocol);
  const isSame = isIP(backend.address) === family;
  const destination = isSame ? backend : { address: ANY[family], port: backend.port };
  if (protocol === 'v2') return binary(family, visitor, destination);
  return Buffer.from(`PROXY TCP${family} ${visitor} ${destination.address} 0 ${destination.port}\r\n`);
}

function unknown(protocol: 'v1' | 'v2'): Buffer {
  return protocol === 'v1'
    ? Buffer.from('PROXY UNKNOWN\r\n')
    : Buffer.concat([V2_START, Buffer.from([LOCAL, 0, 0, 0])]);
}

function binary(family: 4 | 6, visitor: string, { address, port }: Endpoint): Buffer {
  const bytes = family === 4 ? bytesOfIPv4 : bytesOfIPv6;
  const payload = [...bytes(visitor), ...bytes(address), 0, 0, port >>> 8, port & 0xff];
  const head = [PROXY, family === 4 ? TCP4 : TCP6, 0, payload.length];
  return Buffer.concat([V2_START, Buffer.from([...head, ...payload])]);
}

function bytesOfIPv4(address: string): number[] {
  return address.split('.').map(Number);
}

/** RFC 4291 §2.2. */
function bytesOfIPv6(address: string): number[] {
  const [text = ''] = address.split('%');
  const [before = '', after] = text.split('::');
  const [left, right] = [groupsOf(before), after === undefined ? [] : groupsOf(after)];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return [...left, ...zeros, ...right].flatMap((group) => [group >>> 8, group & 0xff]);
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return Number.parseInt(group, 16);
    const [a = 0, b = 0, c = 0, d = 0] = bytesOfIPv4(group);
    return [(a << 8) | b, (c << 8) | d];
  });
}
