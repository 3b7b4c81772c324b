/** The configuration read again for a part that runs: the same file, environment and flags as at its start. */
import { changesFor, formatProblem } from '@sallyport/config';
import type { Config, LoadResult } from '@sallyport/config';
import type { ReloadRefused } from '@sallyport/telemetry';
import type { Credential } from './stack/messages.ts';

export interface Next {
  readonly config: Config;
  /** What an entry or a client shows to its servers. */
  readonly credential: Credential;
}

type Read<What> = { readonly ok: true; readonly changed: readonly string[]; readonly next: What } | ReloadRefused;

/**
 * Whole or not at all: where one setting that needs a restart has another value, none is taken over. `complete` adds what
 * else is read, and throws what is wrong with it.
 */
export function rereader<What>(
  part: 'entry' | 'server' | 'client',
  load: () => LoadResult,
  complete: (config: Config) => What | Promise<What>,
): (inForce: Config) => Promise<Read<What>> {
  return async (inForce) => {
    const loaded = load();
    if (!loaded.ok) return { ok: false, problems: loaded.problems.map(formatProblem), restart: [] };
    const { config } = loaded;
    const { live, restart } = changesFor(part, inForce, config);
    const problems = restart.map((path) => `${path} has another value now, which needs a restart`);
    if (restart.length > 0) return { ok: false, problems, restart };
    return { ok: true, changed: live, next: await complete(config) };
  };
}
