/** Which processes live, for tests that leave none behind. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
const GONE_WITHIN_MS = 20_000;

/** False for one that has ended and waits for its parent to notice. */
export function isAlive(pid: number): boolean {
  try {
    // The state comes after the name, which is in brackets (proc(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Processes that are no children of ours cannot be awaited; those still alive after 20 s are given back. */
export async function stillAlive(pids: readonly number[]): Promise<number[]> {
  const deadlineMs = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    const alive = pids.filter(isAlive);
    if (alive.length === 0 || performance.now() > deadlineMs) return alive;
    await delay(POLL_MS);
  }
}

/** The processes that descend from `pid`, itself not among them. */
export function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}
