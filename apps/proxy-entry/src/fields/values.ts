/** Reading flat fields: name, value, … */
import { lowerName } from '@sallyport/protocol';

/** All values of a field, in order. */
export function valuesOf(fields: readonly string[], lower: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (lowerName(fields[i]!) === lower) values.push(fields[i + 1]!);
  return values;
}

/** All values of a field as one (RFC 9110 §5.3); null where there is none. */
export function joinedValue(fields: readonly string[], lower: string): string | null {
  let joined: string | null = null;
  for (let i = 0; i < fields.length; i += 2) {
    if (lowerName(fields[i]!) === lower) joined = joined === null ? fields[i + 1]! : `${joined}, ${fields[i + 1]!}`;
  }
  return joined;
}
