/**
 * What a balancer says in front of a connection: whom it speaks for (PROXY protocol, versions 1 and 2, haproxy.org,
 * proxy-protocol.txt of 2020). Pure: bytes in, an answer out.
 */
import { isIP, SocketAddress } from 'node:net';
import type { Found } from './first-bytes.ts';
import type { Refusal } from './transport.ts';

/** Null: more bytes are needed. */
export type ProxyHeader =
  | {
      readonly kind: 'read';
      /** What belongs to the visitor begins behind it. */
      readonly bytes: number;
      /** Null: the balancer speaks for itself (a check of its own), or does not say for whom. */
      readonly source: string | null;
    }
  | { readonly kind: 'malformed' }
  | null;

/** §2.1: the longest line of version 1, with its CR LF. */
const LINE_BYTES = 107;
/** Addresses and extensions of version 2. The field could say 65,535; what balancers send stays far below. */
const PAYLOAD_BYTES = 4_096;
/** Who was to begin with such a header, and did not. */
export const BAD_PROXY_HEADER: Refusal = {
  code: 'bad-proxy-header',
  rule: 'PROXY protocol §2',
  text: 'a balancer began a connection with something else than a header of the PROXY protocol',
  status: 400,
};

const V1_START = Buffer.from('PROXY ');
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_HEAD_BYTES = 16;
const MALFORMED: ProxyHeader = { kind: 'malformed' };

export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return null;
  if (bytes[0] === V1_START[0]) return isStartOf(bytes, V1_START) ? readLine(bytes) : MALFORMED;
  return isStartOf(bytes, V2_START) ? readBinary(bytes) : MALFORMED;
}

export function lookForProxyHeader(bytes: Buffer): Found<NonNullable<ProxyHeader>> | null {
  const header = readProxyHeader(bytes);
  if (header === null) return null;
  return { value: header, bytes: header.kind === 'read' ? header.bytes : bytes.length };
}

/** Whether the two agree as far as both go. */
function isStartOf(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

const LINE = /^PROXY (TCP4|TCP6) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (\d{1,5}) (\d{1,5})$/;
const UNKNOWN_LINE = /^PROXY UNKNOWN(?: .*)?$/;
const LAST_PORT = 65_535;

function readLine(bytes: Buffer): ProxyHeader {
  const end = bytes.indexOf('\r\n');
  if (end === -1 || end + 2 > LINE_BYTES) return bytes.length >= LINE_BYTES || end !== -1 ? MALFORMED : null;
  const line = bytes.toString('latin1', 0, end);
  if (UNKNOWN_LINE.test(line)) return { kind: 'read', bytes: end + 2, source: null };
  const [, protocol, source = '', destination = '', ...ports] = LINE.exec(line) ?? [];
  const family = protocol === 'TCP4' ? 4 : 6;
  if (isIP(source) !== family || isIP(destination) !== family || ports.some((port) => Number(port) > LAST_PORT)) {
    return MALFORMED;
  }
  return { kind: 'read', bytes: end + 2, source: canonical(source) };
}

const VERSION_2 = 0x20;
const LOCAL = 0;
const PROXY = 1;
/** Family and transport (§2.2): what is not a stream cannot have come to a TCP port. */
const IPV4_STREAM = 0x11;
const IPV6_STREAM = 0x21;
const UNSPECIFIED = 0x00;
const UNIX_STREAM = 0x31;
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [UNSPECIFIED, 0],
  [IPV4_STREAM, 12],
  [IPV6_STREAM, 36],
  [UNIX_STREAM, 216],
]);

function readBinary(bytes: Buffer): ProxyHeader {
  const [command, family] = [bytes[12], bytes[13]];
  if (command !== undefined && command !== (VERSION_2 | LOCAL) && command !== (VERSION_2 | PROXY)) return MALFORMED;
  if (bytes.length < V2_HEAD_BYTES) return null;
  const payload = bytes.readUInt16BE(14);
  if (payload > PAYLOAD_BYTES) return MALFORMED;
  const isLocal = command === (VERSION_2 | LOCAL);
  const needed = ADDRESS_BYTES.get(family!);
  // A check of the balancer's own may say anything, or nothing, about addresses.
  if (!isLocal && (needed === undefined || payload < needed)) return MALFORMED;
  const end = V2_HEAD_BYTES + payload;
  if (bytes.length < end) return null;
  return { kind: 'read', bytes: end, source: isLocal ? null : sourceOf(family!, bytes) };
}

function sourceOf(family: number, bytes: Buffer): string | null {
  if (family === IPV4_STREAM) return [...bytes.subarray(V2_HEAD_BYTES, V2_HEAD_BYTES + 4)].join('.');
  if (family !== IPV6_STREAM) return null;
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(V2_HEAD_BYTES + at).toString(16));
  return canonical(groups.join(':'));
}

/** As Node shows addresses: IPv6 at its shortest (RFC 5952), and IPv4 within it by itself. */
function canonical(address: string): string {
  if (isIP(address) === 4) return address;
  return withoutMapping(new SocketAddress({ address, family: 'ipv6' }).address);
}

/** Node shows IPv4 on a dual-stack socket as `::ffff:1.2.3.4`. */
export function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}
