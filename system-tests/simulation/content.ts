/** Bodies that say whose they are: every byte follows from the request, the direction and the offset. */
import { Random } from '../../packages/protocol/src/testing/random.ts';

/** A prime, so that no power of two of bytes lost or doubled goes unseen. */
const PERIOD_BYTES = 8_191;
export const MAX_CHUNK_BYTES = 65_536;
const PATTERN = (() => {
  const period = new Random(1).bytes(PERIOD_BYTES);
  return Buffer.concat(Array.from({ length: 2 + Math.ceil(MAX_CHUNK_BYTES / PERIOD_BYTES) }, () => period));
})();

/** `upload` is towards the backend. */
export type Direction = 'upload' | 'download';

/** Bytes `[from, to)` of a body; at most MAX_CHUNK_BYTES. Not to be written to. */
export function bodyBytes(key: number, direction: Direction, from: number, to: number): Buffer {
  const shift = (key * 613 + (direction === 'upload' ? 0 : 307) + from) % PERIOD_BYTES;
  return PATTERN.subarray(shift, shift + to - from);
}
