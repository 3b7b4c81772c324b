/** What the entry changes in a head: one list of named passes per direction. Fields are flat: name, value, … */
import { BlockList, isIP } from 'node:net';
import { endToEnd, lowerName } from '@sallyport/protocol';

export interface ForwardingOptions {
  /** `sallyport-<deployment id>`: our name in Via. */
  readonly pseudonym: string;
  /** CIDR networks whose Forwarded and X-Forwarded-* fields are believed. */
  readonly trustedProxies: readonly string[];
}

export interface Arrival {
  readonly remoteAddress: string;
  readonly httpVersion: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly prefix: string;
  readonly requestId: string;
  readonly isUpgrade: boolean;
}

/** Fields that are rebuilt below, in any spelling (`_` for `-` too): none passes as the visitor wrote it. */
const REBUILT = new Set([
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-prefix',
  'x-request-id',
  'host',
  'expect',
]);
const MAX_VIA_ENTRIES = 10;

export class Forwarding {
  readonly #pseudonym: string;
  readonly #trusted: BlockList | null;
  #lastElement = { remoteAddress: '', host: '', scheme: '', text: '' };

  constructor({ pseudonym, trustedProxies }: ForwardingOptions) {
    this.#pseudonym = pseudonym;
    this.#trusted = trustedProxies.length === 0 ? null : blockListOf(trustedProxies);
  }

  /** Appends the fields for the backend to `into`; false where the request passed here before. */
  request(into: string[], raw: readonly string[], arrival: Arrival): boolean {
    const via = joinedValue(raw, 'via');
    if (via !== null && this.#isLoop(via)) return false;
    const kept = endToEnd(raw, arrival.isUpgrade);
    into.push('Host', arrival.host);
    for (let i = 0; i < kept.length; i += 2) {
      if (!isRebuilt(kept[i]!)) into.push(kept[i]!, kept[i + 1]!);
    }
    if (this.#trusted !== null && isListed(this.#trusted, arrival.remoteAddress))
      this.#extendForwarded(into, raw, arrival);
    else this.#setForwarded(into, arrival);
    const ours = `${arrival.httpVersion} ${this.#pseudonym}`;
    into.push('Via', via === null ? ours : `${via}, ${ours}`, 'X-Request-Id', arrival.requestId);
    return true;
  }

  /** Fields for the visitor. `Server-Timing` of the backend is kept beside ours. */
  response(raw: readonly string[], requestId: string, timing: string | null, isUpgrade: boolean): string[] {
    const kept = endToEnd(raw, isUpgrade);
    const fields: string[] = [];
    let via = '';
    for (let i = 0; i < kept.length; i += 2) {
      const lower = lowerName(kept[i]!);
      if (lower === 'via') via = via === '' ? kept[i + 1]! : `${via}, ${kept[i + 1]!}`;
      else if (lower !== 'x-request-id') fields.push(kept[i]!, kept[i + 1]!);
    }
    fields.push('Via', via === '' ? `1.1 ${this.#pseudonym}` : `${via}, 1.1 ${this.#pseudonym}`);
    fields.push('X-Request-Id', requestId);
    if (timing !== null) fields.push('Server-Timing', timing);
    return fields;
  }

  #isLoop(via: string): boolean {
    const entries = via.split(',');
    return entries.length > MAX_VIA_ENTRIES || entries.some((each) => each.trim().split(/\s+/)[1] === this.#pseudonym);
  }

  /** From an untrusted peer: what it claims is not there. */
  #setForwarded(into: string[], arrival: Arrival): void {
    const { remoteAddress, scheme, host, prefix } = arrival;
    into.push('Forwarded', this.#forwardedElement(arrival), 'X-Forwarded-For', remoteAddress);
    into.push('X-Forwarded-Proto', scheme, 'X-Forwarded-Host', host);
    if (prefix !== '') into.push('X-Forwarded-Prefix', prefix);
  }

  /** From a trusted proxy: what it says is continued. */
  #extendForwarded(into: string[], raw: readonly string[], arrival: Arrival): void {
    const { remoteAddress, scheme, host, prefix } = arrival;
    into.push('Forwarded', continued(raw, 'forwarded', this.#forwardedElement(arrival)));
    into.push('X-Forwarded-For', continued(raw, 'x-forwarded-for', remoteAddress));
    into.push('X-Forwarded-Proto', valuesOf(raw, 'x-forwarded-proto')[0] ?? scheme);
    into.push('X-Forwarded-Host', valuesOf(raw, 'x-forwarded-host')[0] ?? host);
    const prefixes =
      prefix === '' ? joinedValue(raw, 'x-forwarded-prefix') : continued(raw, 'x-forwarded-prefix', prefix);
    if (prefixes !== null) into.push('X-Forwarded-Prefix', prefixes);
  }

  /** One element of Forwarded (RFC 7239 §4); the last one is kept, since a visitor rarely comes once. */
  #forwardedElement({ remoteAddress, scheme, host }: Arrival): string {
    const last = this.#lastElement;
    if (last.remoteAddress === remoteAddress && last.host === host && last.scheme === scheme) return last.text;
    const node = remoteAddress.includes(':') ? `"[${remoteAddress}]"` : remoteAddress;
    const text = `for=${node};host="${host}";proto=${scheme}`;
    this.#lastElement = { remoteAddress, host, scheme, text };
    return text;
  }
}

function isRebuilt(name: string): boolean {
  const lower = lowerName(name);
  return REBUILT.has(lower.includes('_') ? lower.replaceAll('_', '-') : lower);
}

/** All values of a field, in order. */
export function valuesOf(raw: readonly string[], lower: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (lowerName(raw[i]!) === lower) values.push(raw[i + 1]!);
  return values;
}

/** All values of a field as one (RFC 9110 §5.3); null where there is none. */
function joinedValue(raw: readonly string[], lower: string): string | null {
  let joined: string | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    if (lowerName(raw[i]!) === lower) joined = joined === null ? raw[i + 1]! : `${joined}, ${raw[i + 1]!}`;
  }
  return joined;
}

function continued(raw: readonly string[], lower: string, ours: string): string {
  const before = joinedValue(raw, lower);
  return before === null ? ours : `${before}, ${ours}`;
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string];
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

function isListed(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
