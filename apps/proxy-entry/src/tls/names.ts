/** The names that a certificate is for, and whether a host is among them (RFC 9525 §6.3, RFC 6066 §3). Pure. */
import { isIP, SocketAddress } from 'node:net';

export interface CertificateNames {
  /** In lower case, without a dot at the end. */
  readonly exact: ReadonlySet<string>;
  /** `example.org` for `*.example.org`: one label, and all of it (RFC 9525 §6.3). */
  readonly wildcards: ReadonlySet<string>;
  readonly addresses: ReadonlySet<string>;
}

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * From the text of a subjectAltName as Node gives it: `DNS:example.org, IP Address:192.0.2.1`. What is no plain name is
 * passed over: Node puts such in quotes. The common name is not looked at (RFC 9525 §2).
 */
export function namesOf(subjectAltName: string): CertificateNames {
  const exact = new Set<string>();
  const wildcards = new Set<string>();
  const addresses = new Set<string>();
  for (const entry of subjectAltName.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').split(', ')) {
    const name = /^DNS:(.+)$/.exec(entry)?.[1]?.toLowerCase();
    const address = /^IP Address:(.+)$/.exec(entry)?.[1];
    if (address !== undefined && isIP(address) !== 0) addresses.add(canonical(address));
    else if (name?.startsWith('*.') === true && DNS_NAME.test(name.slice(2))) wildcards.add(name.slice(2));
    else if (name !== undefined && DNS_NAME.test(name)) exact.add(name);
  }
  return { exact, wildcards, addresses };
}

export function isNameless({ exact, wildcards, addresses }: CertificateNames): boolean {
  return exact.size + wildcards.size + addresses.size === 0;
}

/** `host`: in lower case, without port; an IPv6 address in brackets or not. */
export function covers({ exact, wildcards, addresses }: CertificateNames, host: string): boolean {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  if (isIP(bare) !== 0) return addresses.has(canonical(bare));
  const name = withoutDot(bare);
  return exact.has(name) || wildcards.has(withoutLabel(name));
}

/** `example.org.` is `example.org` by its full name (RFC 1034 §3.1). */
export function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** What is behind the first label; nothing for a name of one label. */
export function withoutLabel(name: string): string {
  const at = name.indexOf('.');
  return at === -1 ? '' : name.slice(at + 1);
}

function canonical(address: string): string {
  return new SocketAddress({ address, family: isIP(address) === 6 ? 'ipv6' : 'ipv4' }).address;
}
