import { extname } from 'node:path';

/**
 * The address of a module beside the one that asks, for what takes an address and not an import (Worker, fork). Ends
 * as the asker does: `.ts` in a checkout, `.js` where emitted.
 */
export function sibling(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${extname(new URL(importMetaUrl).pathname)}`, importMetaUrl);
}
