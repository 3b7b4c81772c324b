/** Parts that do not run: one of several, or none at all. Pure. */
import type { Config } from '@sallyport/config';
import { isLoopbackHost } from '@sallyport/telemetry';
import type { Settings } from '../settings.ts';
import { isBare } from './context.ts';
import type { Part } from './context.ts';
import { fail, warn } from './finding.ts';
import type { Finding } from './finding.ts';

export interface Missing {
  readonly part: Part;
  /** Where its admin port would be: `http://127.0.0.1:12004`. */
  readonly origin: string;
}

/** Nobody said what to look at, and nothing is where things are by themselves. */
export function judgeNobody(settings: Settings, isServed: boolean): Finding[] {
  if (isServed || settings.file !== undefined || !isBare(settings)) return [];
  const message = 'no configuration file was found here (./sallyport.yaml), and no part answers at the default ports';
  const fix = 'say what to look at: --config FILE, or running parts by --admin URL (may be repeated)';
  return [warn('configuration', message, fix)];
}

/**
 * A part of the configuration that does not run while others of it do. A file may tell of parts on several machines: for
 * certain it is of this one alone where all links stay on loopback, and where more is set of a part than its admin port.
 * Null: it is in order that it does not run.
 */
export function judgeMissing(missing: Missing | null, running: ReadonlySet<Part>, settings: Settings): Finding | null {
  if (missing === null || running.size === 0 || isBare(settings)) return null;
  const { part, origin } = missing;
  const message = `nothing listens at ${origin}; it does not run`;
  const start = `sallyport ${part}${settings.file === undefined ? '' : ` --config ${settings.file}`}`;
  const fix = `start it (${start}, or its service); its log says why it ended`;
  const isMeant = hasOwnSection(settings, part) && areLinksLocal(settings.config);
  if (isMeant) return fail(part, message, fix, 'SallyportPartDown');
  return warn(part, `${message}, if it is meant to run on this machine`, fix, 'SallyportPartDown');
}

function hasOwnSection({ origins }: Settings, part: Part): boolean {
  return [...origins].some(
    ([path, origin]) => origin !== 'default' && path.startsWith(`${part}.`) && !path.startsWith(`${part}.admin.`),
  );
}

function areLinksLocal({ entry, client }: Config): boolean {
  return [...entry.servers, ...client.servers].every((server) => isLoopbackHost(URL.parse(server)?.hostname ?? ''));
}
