/**
 * The HTTP proxy on the way to a server, as the environment names it: `HTTPS_PROXY` for wss://, `HTTP_PROXY` for ws://,
 * not for what `NO_PROXY` lists, nor for this machine itself. There is no standard for these; this is what curl does.
 */
import { BlockList, isIP } from 'node:net';

export interface Proxy {
  /** `host:port`, fit to print. */
  readonly name: string;
  /** The environment variable that names it. */
  readonly variable: string;
  readonly host: string;
  readonly port: number;
  /** TLS to the proxy itself. */
  readonly isTls: boolean;
  /** The value of `Proxy-Authorization` (RFC 9110 §11.7.2, RFC 7617); never to be printed. */
  readonly authorization: string | null;
}

/** What of the way to a server cannot be used as it is set: its message, and how to fix it. */
export class LinkAddressError extends Error {
  readonly code: 'SP_PROXY' | 'SP_LINK_CERTIFICATE';
  readonly fix: string;

  constructor(code: 'SP_PROXY' | 'SP_LINK_CERTIFICATE', message: string, fix: string) {
    super(message);
    this.code = code;
    this.fix = fix;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'ws:': 80, 'wss:': 443 };

/** Null: there is none for `url` (ws: or wss:). Throws a LinkAddressError where the environment names none that we can use. */
export function proxyFor(url: URL, env: Environment): Proxy | null {
  const [variable, text] = firstOf(env, url.protocol === 'wss:' ? ['https_proxy', 'HTTPS_PROXY'] : HTTP_NAMES);
  if (text === '') return null;
  const [, exceptions] = firstOf(env, ['no_proxy', 'NO_PROXY']);
  if (isExcepted(bareHost(url), portOf(url), exceptions)) return null;
  return parseProxy(variable, text);
}

const HTTP_NAMES = ['http_proxy', 'HTTP_PROXY'] as const;

function firstOf(env: Environment, names: readonly string[]): [string, string] {
  const name = names.find((each) => (env[each] ?? '') !== '') ?? '';
  return [name, (env[name] ?? '').trim()];
}

function parseProxy(variable: string, text: string): Proxy {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  const isTls = url?.protocol === 'https:';
  if (url === null || (!isTls && url.protocol !== 'http:') || url.hostname === '') {
    const fix = `write http://host:port or https://host:port, or unset ${variable}`;
    throw new LinkAddressError('SP_PROXY', `${variable} does not name an HTTP proxy`, fix);
  }
  const [host, port] = [bareHost(url), portOf(url)];
  return { name: `${url.hostname}:${port}`, variable, host, port, isTls, authorization: basic(variable, url) };
}

function basic(variable: string, { username, password }: URL): string | null {
  if (username === '' && password === '') return null;
  try {
    const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(plain).toString('base64')}`;
  } catch {
    const fix = `write % as %25 in ${variable}`;
    throw new LinkAddressError('SP_PROXY', `${variable} has credentials with a broken %-escape`, fix);
  }
}

/**
 * `exceptions`, by comma or space: `*`; a name, which stands for those below it too (a dot or `*.` before it may be
 * there); an address or a network in CIDR form; each with `:port` if it is for one port alone.
 */
export function isExcepted(host: string, port: number, exceptions: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost') || isIn(name, '127.0.0.0/8') || isIn(name, '::1/128')) {
    return true;
  }
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && (entry === '*' || isMeant(entry, name, port)));
}

function isMeant(entry: string, name: string, port: number): boolean {
  const [, bracketed, plain = '', onlyPort] = /^(?:\[(.*)\]|([^:]*|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? [];
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
  const what = bracketed ?? plain;
  if (isIP(name) !== 0) return isIn(name, what);
  const suffix = what.replace(/^\*?\./, '');
  return suffix !== '' && (name === suffix || name.endsWith(`.${suffix}`));
}

/** Whether an address is in a network (`10.0.0.0/8`) or is this address. */
function isIn(address: string, network: string): boolean {
  const [first = '', prefix] = network.split('/');
  const family = isIP(first);
  if (family === 0 || isIP(address) === 0) return false;
  const list = new BlockList();
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const most = family === 4 ? 32 : 128;
  const bits = prefix === undefined ? most : Number(prefix);
  if (!Number.isInteger(bits) || bits < 0 || bits > most) return false;
  list.addSubnet(first, bits, kind);
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** Without the brackets of an IPv6 address. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

export function portOf({ port, protocol }: URL): number {
  return port === '' ? DEFAULT_PORTS[protocol]! : Number(port);
}
