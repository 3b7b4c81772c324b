/** The Levenshtein distance: single-character insertions, deletions and replacements from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replace = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replace, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The known name closest to a misspelt one; of equals, the first. `known` must not be empty. */
export function nearest(name: string, known: readonly string[]): string {
  const distance = (candidate: string): number => editDistance(name.toLowerCase(), candidate.toLowerCase());
  return known.reduce((best, candidate) => (distance(candidate) < distance(best) ? candidate : best));
}
