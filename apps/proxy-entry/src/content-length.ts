/** What an answer's head says of the length of its body. */
import { FieldKind, kindOf } from '@sallyport/protocol';

/** −1: none; null: malformed, or several that differ. */
export function declaredLength(fields: readonly string[]): number | null {
  let length = -1;
  for (let i = 0; i < fields.length; i += 2) {
    if ((kindOf(fields[i]!) & FieldKind.CONTENT_LENGTH) === 0) continue;
    const value = fields[i + 1]!;
    if (!/^\d{1,15}$/.test(value) || (length >= 0 && length !== Number(value))) return null;
    length = Number(value);
  }
  return length;
}
