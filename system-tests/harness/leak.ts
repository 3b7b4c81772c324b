/**
 * Preloaded into a part (`NODE_OPTIONS=--import=…`): from SIGUSR2 on it leaks a quarter of a MiB and a descriptor every
 * LEAK_EVERY_MS, until its end.
 */
import { openSync } from 'node:fs';

const NUMBERS_PER_LEAK = 32_768;
const DEFAULT_EVERY_MS = 25;

process.once('SIGUSR2', () => {
  const lost: unknown[] = [];
  setInterval(
    () => lost.push(Array.from({ length: NUMBERS_PER_LEAK }, Math.random), openSync('/dev/null', 'r')),
    Number(process.env['LEAK_EVERY_MS'] ?? DEFAULT_EVERY_MS),
  ).unref();
});
