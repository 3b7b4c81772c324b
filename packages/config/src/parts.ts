import { BlockList, isIP, isIPv6 } from 'node:net';
import { type TSchema, type TSchemaOptions, Type } from 'typebox';

/** A session id: a UUID, or 1 to 63 of a-z, 0-9 and inner hyphens (one DNS label, RFC 1035 §2.3.1). */
export const SESSION_ID_PATTERN =
  '^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$';

/** The title of every leaf that names a file: such values are made absolute while loading. */
export const FILE_PATH_TITLE = 'a path of a file';

// setTimeout takes at most 2^31−1 ms and fires at once beyond; a day is under that and long enough.
const TIMEOUT_MAX_MS = 86_400_000;
const COUNT_MAX = 1_000_000;
const BIND_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;
const DNS_NAME_PATTERN =
  '^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$';
// sun_path holds 108 bytes on Linux, the last of them a zero (unix(7)).
const UNIX_PATH_MAX_BYTES = 107;
const CREDENTIAL_PATTERN = /^[^\s:/\\]{1,64}:[^\s:/\\]{16,}$/;

/** True for text shaped like `id:secret`: never to be printed, and never a path. */
export function looksLikeCredential(text: string): boolean {
  return CREDENTIAL_PATTERN.test(text);
}

/** A setting that a running part takes over when its configuration is loaded again; all others need a restart. */
export function live<T extends TSchema>(schema: T): T {
  return Object.assign(schema, { live: true });
}

interface Limits {
  readonly minimum?: number;
  readonly maximum?: number;
}

export function port(description: string, fallback: number) {
  return Type.Integer({
    description: `${description}; 0 means a free one`,
    default: fallback,
    minimum: 0,
    maximum: 65_535,
  });
}

/** Milliseconds, at most a day. */
export function milliseconds(description: string, fallback: number, limits: Limits = {}) {
  return Type.Integer({ description, default: fallback, minimum: 1, maximum: TIMEOUT_MAX_MS, ...limits });
}

/** A whole number that is not a time. */
export function count(description: string, fallback: number, limits: Limits = {}) {
  return Type.Integer({ description, default: fallback, minimum: 1, maximum: COUNT_MAX, ...limits });
}

/** A number that need not be whole. */
export function decimal(
  description: string,
  fallback: number,
  limits: { readonly minimum: number; readonly maximum: number },
) {
  return Type.Number({ description, default: fallback, ...limits });
}

export function flag(description: string, fallback: boolean) {
  return Type.Boolean({ description, default: fallback });
}

export function choice<const Values extends string[]>(
  description: string,
  fallback: Values[number],
  values: readonly [...Values],
) {
  return Type.Enum(values, { description, default: fallback });
}

export function sessionId(description: string) {
  return Type.String({
    description,
    title: 'a session id (a-z, 0-9 and inner hyphens, at most 63; or a UUID)',
    pattern: SESSION_ID_PATTERN,
    examples: ['demo'],
  });
}

export function dnsName(description: string) {
  return Type.String({
    description,
    title: 'a host name in lower case',
    pattern: DNS_NAME_PATTERN,
    examples: ['tunnel.example.org'],
  });
}

/** A file's path; relative ones count from the configuration file, or from the working folder for environment and flags. */
export function filePath(description: string) {
  return Type.Refine(
    Type.String({ description, title: FILE_PATH_TITLE, minLength: 1, maxLength: 4096, examples: ['./secret.txt'] }),
    (text: string) => !looksLikeCredential(text) && !text.includes('\0'),
  );
}

/** An address or name to listen on. */
export function bindHost(description: string) {
  return Type.Refine(
    Type.String({
      description,
      title: 'an address or a host name',
      default: '127.0.0.1',
      minLength: 1,
      maxLength: 255,
    }),
    (text: string) => isIPv6(text) || BIND_NAME.test(text),
  );
}

/** A network in CIDR form (RFC 4632 §3.1, RFC 4291 §2.3). */
export function cidr() {
  return Type.Refine(Type.String({ title: 'a network in CIDR form', maxLength: 49, examples: ['10.0.0.0/8'] }), isCidr);
}

/** Where a tunnel-server takes links (RFC 6455 §3: no fragment). */
export function linkUrl() {
  return Type.Refine(
    Type.String({
      title: 'a ws:// or wss:// URL',
      pattern: '^wss?://',
      maxLength: 2048,
      examples: ['wss://tunnel.example.org:12001'],
    }),
    (text: string) => URL.canParse(text) && !text.includes('#'),
  );
}

/** A backend's origin, or a Unix socket. A path, query or fragment is refused: the visitor's target is all there is. */
export function backendUrl(options: TSchemaOptions) {
  return Type.Refine(
    Type.String({
      ...options,
      title: 'an http:// or https:// origin without a path, or unix:/path',
      pattern: '^(?:https?://|unix:/)',
      maxLength: 2048,
      examples: ['http://127.0.0.1:3000', 'unix:/run/app.sock'],
    }),
    isBackendUrl,
  );
}

function isBackendUrl(text: string): boolean {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return path.length > 1 && !path.includes('\0') && Buffer.byteLength(path) <= UNIX_PATH_MAX_BYTES;
  }
  const url = URL.parse(text);
  return url !== null && url.pathname === '/' && !text.includes('?') && !text.includes('#');
}

function isCidr(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || address.includes('%') || !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return false;
  return Number(prefix) <= (family === 4 ? 32 : 128);
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * True for 127.0.0.0/8, ::1 (also in brackets, as URL.hostname has it), localhost and the names below it (RFC 6761 §6.3),
 * their last dot or not. Resolves nothing. The admin port judges by the same rule.
 */
export function isLoopbackHost(host: string): boolean {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host.toLowerCase();
  const name = bare.replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const family = isIP(bare);
  return family !== 0 && loopback.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}
