import { CENSOR, redactUser } from './redact-user.ts';

/** The one list of names whose values never reach a log. A key that contains one, in any case, is redacted. */
export const SECRET_NAMES = [
  'authorization',
  'cookie',
  'set-cookie',
  'secret',
  'password',
  'passwd',
  'token',
  'pepper',
  'apikey',
  'api-key',
  'api_key',
  'private-key',
  'privatekey',
  'credential',
  'passphrase',
  'pwd',
  'bearer',
  'jwt',
  'signature',
] as const;

const MAX_DEPTH = 6;
const MAX_ITEMS = 200;
const CUT = '[cut]';

const SECRET_KEY = new RegExp(SECRET_NAMES.join('|'), 'i');
/** Secret as query parameters, by their whole name; elsewhere they are words like others. */
const SECRET_PARAMETERS: ReadonlySet<string> = new Set(['sig', 'code', 'session_id', 'session-id', 'sessionid']);
/** What a text must hold for a parameter of it to be secret: most hold none of it, and are looked through once. */
const MAYBE_SECRET = new RegExp([...SECRET_NAMES, ...SECRET_PARAMETERS, '%'].join('|'), 'i');
/** A parameter in a target: its separator, name and value, which may hold semicolons, although they separate as well. */
const PARAMETER = /([?&;])([^=&#;?]*)=[^&#;]*(?:;[^=&#;]*(?=[;&#]|$))*/g;
/** The same in any text, where a blank or a quote ends it. */
const PARAMETER_IN_TEXT = /([?&;])([^=&#;?\s"'<>]*)=[^&#;\s"'<>]*/g;
/** In any text: what a field Authorization has behind its scheme (RFC 6750 §2.1). */
const BEARER = /\b(bearer) +[\w.~+/=-]+/gi;

/** Header names are a stranger's choice, so that what is remembered about names is bounded. */
const MAX_KNOWN_NAMES = 1000;
const knownNames = new Map<string, boolean>();

function isSecretName(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const secret = SECRET_KEY.test(name);
  if (knownNames.size >= MAX_KNOWN_NAMES) knownNames.clear();
  knownNames.set(name, secret);
  return secret;
}

const hasParameter = (text: string): boolean => text.includes('?') && MAYBE_SECRET.test(text);

function redactParameter(parameter: string, separator: string, name: string): string {
  const plain = name.includes('%') ? name.replaceAll(/%([\da-f]{2})/gi, decoded) : name;
  const isSecret = SECRET_KEY.test(plain) || SECRET_PARAMETERS.has(plain.toLowerCase());
  return isSecret ? `${separator}${name}=${CENSOR}` : parameter;
}

const decoded = (_: string, hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));

/** What may stand in any text: a URL with a password or with a secret parameter, a credential as it is sent. */
function redactText(value: string): string {
  const shown = redactUser(value).replace(BEARER, `$1 ${CENSOR}`);
  return hasParameter(shown) ? shown.replace(PARAMETER_IN_TEXT, redactParameter) : shown;
}

/** Of a target that is no path: all up to the last `@`, behind the scheme, for strangers write URLs wrongly as well. */
const USER_OF_TARGET = /^([a-z][a-z\d+.-]*:\/\/)?[^?#]*@/i;

/**
 * The request target without the values of secret query parameters (`?access_token=…`), user and password of a URL, and
 * a fragment, which is none of a server's business (RFC 9110 §4.2.5).
 */
export function redactTarget(target: string): string {
  let shown = redactUser(target);
  if (!shown.startsWith('/')) shown = shown.replace(USER_OF_TARGET, `$1${CENSOR}@`);
  if (hasParameter(shown)) shown = shown.replace(PARAMETER, redactParameter);
  const at = shown.indexOf('#');
  return at === -1 ? shown : `${shown.slice(0, at)}#${CENSOR}`;
}

/** A Host as it was sent, without user and password, which have no place in it (RFC 9110 §7.2). */
export const redactHost = (host: string): string =>
  host.includes('@') ? `${CENSOR}${host.slice(host.lastIndexOf('@'))}` : host;

/**
 * The same object when it holds nothing to hide, otherwise a copy in which the values of secret names are censored, at
 * any depth, also in a raw header list (`['Cookie', 'a=b']`), and user, password and
 * secret parameters of every URL. Errors become plain objects of type, code, message, stack
 * and cause: their other properties may be anything. Below 6 levels or after 200 items there is `[cut]`: what is not
 * looked at is not written.
 */
export function redact<T extends object>(value: T): T {
  return redactObject(value as Record<string, unknown>, 0) as T;
}

function redactObject(value: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | null = null;
  let items = 0;
  for (const key in value) {
    const old = value[key];
    const now = ++items > MAX_ITEMS ? CUT : redactValue(key, old, depth);
    // A name may be a URL as well.
    const name = key.includes('://') ? redactText(key) : key;
    if (now === old && name === key) continue;
    copy ??= { ...value };
    if (name !== key) delete copy[key];
    // Two names may be the same once they are shown.
    copy[name !== key && name in copy ? `${name} (${items})` : name] = now;
  }
  return copy ?? value;
}

function redactValue(key: string, value: unknown, depth: number): unknown {
  if (value === null || typeof value === 'boolean' || value === undefined) return value;
  if (isSecretName(key)) return CENSOR;
  if (typeof value === 'object') return redactNested(value, depth + 1);
  return typeof value === 'string' ? redactText(value) : value;
}

function redactNested(value: object, depth: number): unknown {
  if (depth > MAX_DEPTH) return CUT;
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Float64Array) return Array.from(value.subarray(0, MAX_ITEMS));
  if (Array.isArray(value)) return redactArray(value, depth);
  if (value instanceof URL) return redactText(value.href);
  if ('toJSON' in value) return value;
  return redactObject(value as Record<string, unknown>, depth);
}

function redactArray(values: readonly unknown[], depth: number): readonly unknown[] {
  let changed = values.length > MAX_ITEMS;
  const copy = values.slice(0, MAX_ITEMS).map((old, i, all) => {
    const name = i > 0 ? all[i - 1] : undefined;
    let now = old;
    if (typeof old === 'object' && old !== null) now = redactNested(old, depth + 1);
    else if (typeof old === 'string') now = typeof name === 'string' && isSecretName(name) ? CENSOR : redactText(old);
    changed ||= now !== old;
    return now;
  });
  if (values.length > MAX_ITEMS) copy.push(CUT);
  return changed ? copy : values;
}

function plainError(error: Error, depth: number): Record<string, unknown> {
  const { cause, code } = error as Error & { code?: unknown };
  const plain: Record<string, unknown> = {
    type: error.name,
    message: redactText(error.message),
    stack: redactText(error.stack ?? ''),
  };
  if (typeof code === 'string') plain['code'] = code;
  if (typeof cause === 'object' && cause !== null) plain['cause'] = redactNested(cause, depth + 1);
  else if (typeof cause === 'string') plain['cause'] = redactText(cause);
  return plain;
}
