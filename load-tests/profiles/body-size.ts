import { inRange, wholeIn } from '../src/ranges.ts';
import { listOf, oneOf, record, refuse } from './fields.ts';

export const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_SIZES = 1000;
const MAX_SIGMA = 5;
const KINDS = ['uniform', 'lognormal', 'list'] as const;

/** How many bytes a body has: a number, or a distribution of numbers. All in bytes but `sigma`. */
export type BodySize =
  | number
  /** Every size from `min` to `max` equally often. */
  | { kind: 'uniform'; min: number; max: number }
  /** exp(ln(median) + sigma × a standard normal), cut off at `max`: many small ones and a few large ones. */
  | { kind: 'lognormal'; median: number; sigma: number; max: number }
  /** These sizes equally often; one that is more frequent is written more often. */
  | { kind: 'list'; sizes: number[] };

/** @throws LoadError of exit code 2, naming `where` */
export function parseBodySize(value: unknown, where: string): BodySize {
  if (typeof value === 'number') return sizeOf(value, where);
  if (typeof value !== 'object' || value === null) {
    throw refuse(`${where} must be a number of bytes, or such as { kind: uniform, min: 100, max: 2000 }`);
  }
  const kind = oneOf((value as { kind?: unknown }).kind, KINDS, `${where}.kind`);
  if (kind === 'list') {
    const { sizes } = record(value, ['kind', 'sizes'], where);
    return { kind, sizes: listOf(sizes, MAX_SIZES, `${where}.sizes`, '[100, 100, 5000]', sizeOf) };
  }
  if (kind === 'uniform') {
    const fields = record(value, ['kind', 'min', 'max'], where);
    const max = sizeOf(fields['max'], `${where}.max`);
    return { kind, min: wholeIn(fields['min'], 0, max, `${where}.min`), max };
  }
  const { median, sigma, max } = record(value, ['kind', 'median', 'sigma', 'max'], where);
  return {
    kind,
    median: inRange(median, 1, MAX_BODY_BYTES, `${where}.median`),
    sigma: inRange(sigma, 0, MAX_SIGMA, `${where}.sigma`),
    max: sizeOf(max, `${where}.max`),
  };
}

function sizeOf(value: unknown, where: string): number {
  return wholeIn(value, 0, MAX_BODY_BYTES, where);
}

/** One size in bytes. @param random uniform numbers in [0, 1) */
export function drawBodySize(size: BodySize, random: () => number): number {
  if (typeof size === 'number') return size;
  if (size.kind === 'list') return size.sizes[Math.floor(random() * size.sizes.length)] ?? 0;
  if (size.kind === 'uniform') return size.min + Math.floor(random() * (size.max - size.min + 1));
  // Box and Muller's transform; 1 − u, since the logarithm of 0 is no number.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(size.max, Math.round(size.median * Math.exp(size.sigma * normal)));
}
