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

  constructor({ pseudonym, trustedProxies }: ForwardingOptions) {
    this.#pseudonym = pseudonym;
    this.#trusted = trustedProxies.length === 0 ? null : blockListOf(trustedProxies);
  }

  /** Fields for the backend, or `'loop'` where the request passed here before. */
  request(raw: readonly string[], arrival: Arrival): string[] | 'loop' {
    const via = valuesOf(raw, 'via');
    if (this.#isLoop(via)) return 'loop';
    const kept = endToEnd(raw, arrival.isUpgrade);
    const fields: string[] = ['Host', arrival.host];
    for (let i = 0; i < kept.length; i += 2) {
      if (!isRebuilt(kept[i]!)) fields.push(kept[i]!, kept[i + 1]!);
    }
    this.#addForwarded(fields, raw, arrival);
    fields.push('Via', joined([...via, `${arrival.httpVersion} ${this.#pseudonym}`]));
    fields.push('X-Request-Id', arrival.requestId);
    return fields;
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

  #isLoop(via: readonly string[]): boolean {
    if (via.length === 0) return false;
    const entries = via.join(',').split(',');
    return entries.length > MAX_VIA_ENTRIES || entries.some((each) => each.trim().split(/\s+/)[1] === this.#pseudonym);
  }

  /** From an untrusted peer what it claims is dropped; from a trusted proxy it is extended. */
  #addForwarded(fields: string[], raw: readonly string[], arrival: Arrival): void {
    const { remoteAddress, scheme, host, prefix } = arrival;
    const isTrusted = this.#trusted !== null && isListed(this.#trusted, remoteAddress);
    const keep = (name: string): string[] => (isTrusted ? valuesOf(raw, name) : []);
    const node = remoteAddress.includes(':') ? `"[${remoteAddress}]"` : remoteAddress;
    fields.push('Forwarded', joined([...keep('forwarded'), `for=${node};host="${host}";proto=${scheme}`]));
    fields.push('X-Forwarded-For', joined([...keep('x-forwarded-for'), remoteAddress]));
    fields.push('X-Forwarded-Proto', keep('x-forwarded-proto')[0] ?? scheme);
    fields.push('X-Forwarded-Host', keep('x-forwarded-host')[0] ?? host);
    const prefixes = joined([...keep('x-forwarded-prefix'), ...(prefix === '' ? [] : [prefix])]);
    if (prefixes !== '') fields.push('X-Forwarded-Prefix', prefixes);
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

function joined(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : values.join(', ');
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
