/** Parts that were not looked at, as they do not run or are elsewhere: nothing is known of these. Pure. */
import type { Config } from '@sallyport/config';
import { isLoopbackHost } from '@sallyport/telemetry';
import type { Settings } from '../settings.ts';
import { isBare } from './context.ts';
import type { Part } from './context.ts';
import { fail, warn } from './finding.ts';
import type { Finding } from './finding.ts';

export interface Missing {
  readonly part: Part;
  /** `nothing listens at http://127.0.0.1:12004` */
  readonly why: string;
  /** For certain nobody listens where it would. */
  readonly isSilent: boolean;
}

/** Nobody said what to look at, and nothing is where things are by themselves. */
export function judgeNobody(settings: Settings, isServed: boolean): Finding[] {
  if (isServed || settings.file !== undefined || !isBare(settings)) return [];
  const message = 'no configuration file was found here (./sallyport.yaml), and no part answers at the default ports';
  const fix = 'say what to look at: --config FILE, or running parts by --admin URL (may be repeated)';
  return [warn('configuration', message, fix)];
}

/**
 * Parts of the configuration that were not looked at while `isAnyRunning` of them was. A file may tell of parts on several
 * machines: for certain one is of this machine where all links stay on loopback, and where more is set of it than its
 * admin port. The others are one finding.
 */
export function judgeMissing(missing: readonly Missing[], isAnyRunning: boolean, settings: Settings): Finding[] {
  // Nothing is configured: whether that is in order `judgeNobody` tells.
  if (missing.length === 0 || (isBare(settings) && !isAnyRunning)) return [];
  const isMeant = ({ part, isSilent }: Missing) =>
    isSilent && isAnyRunning && hasOwnSection(settings, part) && areLinksLocal(settings.config);
  const others = missing.filter((each) => !isMeant(each));
  return [
    ...missing.filter(isMeant).map((each) => stopped(each, settings)),
    ...(others.length === 0 ? [] : [unlooked(others, settings)]),
  ];
}

function stopped({ part, why }: Missing, settings: Settings): Finding {
  const fix = `start it (${commandOf(part, settings)}, or its service); its log says why it ended`;
  return fail(part, `${why}; it does not run`, fix, 'SallyportPartDown');
}

function unlooked(missing: readonly Missing[], settings: Settings): Finding {
  const all = missing.map(({ part, why }) => `${part} (${why})`).join(', ');
  const [first, ...more] = missing.filter(({ isSilent }) => isSilent);
  const command =
    first !== undefined && more.length === 0 ? ` (${commandOf(first.part, settings)}, or its service)` : '';
  const start = first === undefined ? '' : `start what is meant to run here${command}; `;
  const fix = `${start}ask what runs by --admin URL (it stands in its first line), or on its own machine`;
  const page = first === undefined ? undefined : 'SallyportPartDown';
  const finding = warn('look', `not looked at: ${all}`, fix, page);
  return isBare(settings) ? { ...finding, status: 'info' } : finding;
}

function commandOf(part: Part, { file }: Settings): string {
  return `sallyport ${part}${file === undefined ? '' : ` --config ${file}`}`;
}

function hasOwnSection({ origins, sections }: Settings, part: Part): boolean {
  const set = [...origins].filter(([path, origin]) => origin !== 'default' && path.startsWith(`${part}.`));
  if (set.length === 0) return sections.includes(part);
  return set.some(([path]) => !path.startsWith(`${part}.admin.`));
}

function areLinksLocal({ entry, client }: Config): boolean {
  return [...entry.servers, ...client.servers].every((server) => isLoopbackHost(URL.parse(server)?.hostname ?? ''));
}
