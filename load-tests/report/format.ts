/** Milliseconds with as many decimals as mean something: 0.512, 5.12, 51.2, 512. */
export function ms(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 1 ? 2 : 3);
}

/** A difference in milliseconds, with its sign. */
export function signedMs(value: number): string {
  return value < 0 ? ms(value) : `+${ms(value)}`;
}

/** `part` of `whole` as a percentage; never rounded up to 100 when something is missing. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const value = (100 * part) / whole;
  return `${(part < whole ? Math.min(value, 99.99) : value).toFixed(2)} %`;
}

/** Rows of cells as aligned columns, all to the right: they are numbers. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map((row) => row.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
