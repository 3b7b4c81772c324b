/** How many connections of visitors the system lets a process have. */
import { readFileSync } from 'node:fs';

/** Kept free for links, the admin port, logs and files: at its limit Node accepts and closes whatever comes. */
const RESERVE = 128;

/** The lower of `wanted` and what so many open files allow, less those that are `taken`; at least one. */
export function connectionLimit(wanted: number, taken = 0, files = openFiles()): number {
  // A process with very few is left half of them.
  return Math.max(1, Math.min(wanted, files - Math.min(RESERVE + taken, Math.ceil(files / 2))));
}

/** Both ends of a link that passes are ours. */
export const FILES_OF_LINK = 2;

/** The lower of `wanted` and as many links as leave visitors half of the files that are free; at least one. */
export function passingLimit(wanted: number, files = openFiles()): number {
  const free = files - Math.min(RESERVE, Math.ceil(files / 2));
  return Math.max(1, Math.min(wanted, Math.floor(free / 2 / FILES_OF_LINK)));
}

/** Node itself raises the soft limit to the hard one as it starts (proc(5)). */
function openFiles(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
