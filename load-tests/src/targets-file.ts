import { readFileSync, statSync } from 'node:fs';
import { MAX_BODY_BYTES } from '../profiles/body-size.ts';
import { isField, isMethod, isOwnField } from '../profiles/request-shape.ts';
import { LoadError } from './errors.ts';

const MAX_TARGETS = 10_000;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Of all bodies together: they are held in memory, in the generator as well. */
const MAX_BODIES_BYTES = 64 * 1024 * 1024;
const EXAMPLE = 'GET http://127.0.0.1:12000/session/demo/loadtest/get';

/** One target as it was written. `headers` is a flat list of lower-case names and values. */
export type FileTarget = { method: string; url: URL; headers: string[]; body: Uint8Array | null; line: number };

/**
 * Reads vegeta's HTTP format (https://github.com/tsenart/vegeta#http-format): a line `METHOD URL`, fields `Name: value`
 * below it, at most one `@file` for the body (from the current folder), an empty line between targets, `#` for comments.
 * @throws LoadError `SP_LOAD_TARGETS`, naming the line
 */
export function readTargets(file: string): FileTarget[] {
  if (attempt(file, () => statSync(file).size) > MAX_FILE_BYTES) {
    throw refuse(`${file} is over ${MAX_FILE_BYTES} bytes; use fewer targets`);
  }
  let bodiesBytes = 0;
  const bodies = new Map<string, Uint8Array>();
  const readBody = (name: string, where: string): Uint8Array => {
    const known = bodies.get(name);
    if (known !== undefined) return known;
    const bytes = attempt(`${where}: ${name}`, () => statSync(name).size);
    bodiesBytes += bytes;
    if (bytes > MAX_BODY_BYTES || bodiesBytes > MAX_BODIES_BYTES) {
      throw refuse(
        `${where}: ${name} is too long; bodies may have ${MAX_BODY_BYTES} bytes, together ${MAX_BODIES_BYTES}`,
      );
    }
    const body = attempt(`${where}: ${name}`, () => readFileSync(name));
    bodies.set(name, body);
    return body;
  };
  const text = attempt(file, () => readFileSync(file, 'utf8'));
  return parseTargets(text, file, readBody);
}

/** @throws LoadError `SP_LOAD_TARGETS` */
function parseTargets(text: string, file: string, readBody: (name: string, where: string) => Uint8Array): FileTarget[] {
  const targets: FileTarget[] = [];
  let current: FileTarget | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    const where = `${file}:${index + 1}`;
    if (line.startsWith('#')) continue;
    if (line === '') {
      current = null;
    } else if (current === null || /^[A-Z]+ \S+$/.test(line)) {
      current = parseStart(line, where, index + 1);
      targets.push(current);
      if (targets.length > MAX_TARGETS) throw refuse(`${where}: there are more than ${MAX_TARGETS} targets; use fewer`);
    } else if (line.startsWith('@')) {
      if (current.body !== null) throw refuse(`${where}: a second body; leave one`);
      current.body = readBody(line.slice(1), where);
    } else {
      current.headers.push(...parseField(line, where));
    }
  }
  if (targets.length === 0) throw refuse(`${file} holds no targets; write lines such as ${EXAMPLE}`);
  return targets;
}

function parseStart(text: string, where: string, line: number): FileTarget {
  const [method = '', address = '', ...others] = text.split(/\s+/);
  const url = URL.parse(address);
  if (!isMethod(method) || url === null || others.length > 0) {
    throw refuse(`${where} is not METHOD URL; write it like ${EXAMPLE}`);
  }
  return { method, url, headers: [], body: null, line };
}

function parseField(text: string, where: string): [string, string] {
  const at = text.indexOf(':');
  const [name, value] = [text.slice(0, Math.max(0, at)).trim(), text.slice(at + 1).trim()];
  if (isOwnField(name)) throw refuse(`${where}: ${name} is set by the connection itself; remove the line`);
  if (isField(name, value)) return [name.toLowerCase(), value];
  throw refuse(`${where} is neither METHOD URL, nor a field "Name: value", nor a body "@file"`);
}

function attempt<Result>(what: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw refuse(`${what} cannot be read (${code}); check that it is there and readable`);
  }
}

function refuse(message: string): LoadError {
  return new LoadError('SP_LOAD_TARGETS', message);
}
