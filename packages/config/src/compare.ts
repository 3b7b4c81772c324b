/** What one configuration changes of another, for a part that runs. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { type Leaf, LEAVES } from './leaves.ts';
import type { Config } from './schema.ts';

export interface Changes {
  /** Paths of settings that a reload may change. */
  readonly live: readonly string[];
  /** Paths of settings that need a restart. */
  readonly restart: readonly string[];
}

/** Sections that one part alone reads; every other setting is for all of them. */
const READER: Readonly<Record<string, string>> = {
  entry: 'entry',
  slo: 'entry',
  tracing: 'entry',
  server: 'server',
  client: 'client',
  backend: 'backend',
};

/** In the schema's order. What belongs to another part alone is no change for `part`. */
export function changesFor(part: 'entry' | 'server' | 'client', before: Config, after: Config): Changes {
  const changed = LEAVES.filter(({ keys }) => (READER[keys[0]!] ?? part) === part).filter(
    ({ keys }) => !isDeepStrictEqual(valueAt(before, keys), valueAt(after, keys)),
  );
  return { live: pathsOf(changed, true), restart: pathsOf(changed, false) };
}

function pathsOf(leaves: readonly Leaf[], isLive: boolean): string[] {
  return leaves.filter((leaf) => leaf.isLive === isLive).map(({ path }) => path);
}

function valueAt(config: Config, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], config);
}
