/** Reading what somebody wrote by hand: every complaint names the place and how to fix it. */
import { LoadError } from '../src/errors.ts';
import { nearest } from './nearest.ts';

export function refuse(message: string): LoadError {
  return new LoadError('SP_LOAD_PROFILE', message);
}

/** @throws LoadError `SP_LOAD_PROFILE` when `value` is no mapping, or has a key that is not known */
export function record(value: unknown, known: readonly string[], where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(`${where} must hold the keys ${known.join(', ')}`);
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw refuse(`${where}: unknown key "${key}"; nearest is "${nearest(key, known)}"`);
    }
  }
  return value as Record<string, unknown>;
}

/** @throws LoadError `SP_LOAD_PROFILE` when `value` is none of the words */
export function oneOf<const Word extends string>(value: unknown, words: readonly Word[], where: string): Word {
  const found = words.find((word) => word === value);
  if (found === undefined) throw refuse(`${where} must be ${words.join(' or ')}, not ${JSON.stringify(value)}`);
  return found;
}

/** A list of 1 to `most` items, each read by `read`. @throws LoadError `SP_LOAD_PROFILE` */
export function listOf<Item>(
  value: unknown,
  most: number,
  where: string,
  example: string,
  read: (item: unknown, where: string) => Item,
): Item[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) {
    throw refuse(`${where} must be a list of 1 to ${most}, such as ${example}`);
  }
  return value.map((item: unknown, index) => read(item, `${where}[${index}]`));
}
