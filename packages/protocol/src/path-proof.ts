/** Whether this process still carries data, as its links show. */
import type { Link } from './link.ts';

/** True as soon as one link that is ready is proved (`Life.isProved`), and where none is ready: then there is nothing to prove. */
export function isPathProved(links: Iterable<Link>): boolean {
  let isAnyReady = false;
  for (const link of links) {
    if (!link.isReady) continue;
    if (link.life.isProved) return true;
    isAnyReady = true;
  }
  return !isAnyReady;
}
