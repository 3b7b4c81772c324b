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
] as const;

const CENSOR = '[redacted]';
const MAX_DEPTH = 6;
const MAX_ITEMS = 200;
const CUT = '[cut]';

const SECRET_KEY = new RegExp(SECRET_NAMES.join('|'), 'i');
const SECRET_QUERY = new RegExp(`([?&][^=&#]*(?:${SECRET_NAMES.join('|')})[^=&#]*=)[^&#]*`, 'gi');

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

/** User and password of a URL (RFC 3986 §3.2.1), in whatever text it stands. */
const USER_INFORMATION = /(:\/\/)[^\s/?#"'<>]*@/g;

/** What may stand in any text: a URL with a password. */
const redactText = (value: string): string =>
  value.includes('@') ? value.replace(USER_INFORMATION, `$1${CENSOR}@`) : value;

/** The request target with the values of secret query parameters (`?access_token=…`) redacted. */
export const redactTarget = (target: string): string =>
  target.includes('?') ? target.replace(SECRET_QUERY, `$1${CENSOR}`) : target;

/**
 * The same object when it holds nothing to hide, otherwise a copy in which the values of secret names are censored, at
 * any depth, also in a raw header list (`['Cookie', 'a=b']`), and user and password of every URL. Errors become plain objects of type, code, message, stack
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
    let now = old;
    if (++items > MAX_ITEMS) now = CUT;
    else if (old === null || typeof old === 'boolean' || old === undefined) continue;
    else if (isSecretName(key)) now = CENSOR;
    else if (typeof old === 'object') now = redactNested(old, depth + 1);
    else if (typeof old === 'string') now = redactText(old);
    if (now === old) continue;
    copy ??= { ...value };
    copy[key] = now;
  }
  return copy ?? value;
}

function redactNested(value: object, depth: number): unknown {
  if (depth > MAX_DEPTH) return CUT;
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Float64Array) return Array.from(value.subarray(0, MAX_ITEMS));
  if (Array.isArray(value)) return redactArray(value, depth);
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
