/** Server-Timing as the tunnel writes it: seven hops and their total. */
import assert from 'node:assert/strict';
import { valuesOf } from './wire.ts';

const HOPS = ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend'];
const TOLERANCE_MS = 0.01;

/** Our line is the last; whatever the backend sent of its own comes before. */
export function assertTimingAddsUp(fields: readonly string[]): void {
  const line = valuesOf(fields, 'server-timing').at(-1) ?? '';
  const parts = line.split(', ').map((part) => /^([a-z]+);dur=(\d+\.\d{3})$/.exec(part));
  assert(!parts.includes(null), `milliseconds with three decimals: ${line}`);
  assert.deepEqual(
    parts.map((part) => part![1]),
    [...HOPS, 'total'],
  );
  const times = parts.map((part) => Number(part![2]));
  const totalMs = times.pop()!;
  const sumMs = times.reduce((sum, time) => sum + time, 0);
  assert(Math.abs(sumMs - totalMs) <= TOLERANCE_MS, `${sumMs} is not ${totalMs}: ${line}`);
}
