/** Request fields as plans carry them: flat lists of lower-case names and values, a name as often as it has values. */

/** By name, for libraries that take an object: an array where there are several values. */
export function fieldsByName(flat: readonly string[]): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const [name = '', value = ''] = flat.slice(at, at + 2);
    const known = fields[name];
    fields[name] = known === undefined ? value : [known, value].flat();
  }
  return fields;
}

/** The same with one value a name, for those that take no more: the list that several mean (RFC 9110 §5.3). */
export function joinedFields(flat: readonly string[]): Record<string, string> {
  const fields = Object.entries(fieldsByName(flat));
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === 'string' ? value : value.join(', ')]),
  );
}
