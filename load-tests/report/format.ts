import type { LoadReport } from './model.ts';

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

/** A count with its thousands set apart: 56,100. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A rate with no more decimals than it has: 20, 2.5, 1,000. */
export function rate(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 });
}

/** The same for tables that programs read, too: no thousands set apart. A shard's rate may be 333.333…. */
export function plainRate(value: number): string {
  return `${Number(value.toFixed(value < 10 ? 2 : 1))}`;
}

/** A 95 % interval of differences. */
export function interval(ci95: readonly [number, number] | null): string {
  return ci95 === null ? '–' : `${signedMs(ci95[0])} … ${signedMs(ci95[1])}`;
}

/** Rows of cells as aligned columns: to the right, since they are numbers, but for the columns in `words`. */
export function columns(rows: readonly (readonly string[])[], words: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map((row) => row.map((cell, index) => padded(cell, widths[index] ?? 0, words.includes(index))).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** How the load came. A closed model says so: it hides what a stall does to those who would have come (wrk2). */
export function loadText({ name, arrivals, model }: LoadReport['profile']): string {
  return `${name}, ${model === 'closed' ? 'closed model, for comparison only' : `${arrivals} arrivals`}`;
}

function padded(cell: string, width: number, isWord: boolean): string {
  return isWord ? cell.padEnd(width) : cell.padStart(width);
}
