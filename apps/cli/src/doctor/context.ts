/** What the checks look at. */
import type { Environment, Problem } from '@sallyport/config';
import type { Settings } from '../settings.ts';
import type { Finding } from './finding.ts';

export type Part = 'entry' | 'server' | 'client' | 'backend';

export interface AdminPorts {
  /** Looked at in place of those of the configuration. */
  readonly urls: readonly URL[];
  /** The field that they want off loopback; null: none. */
  readonly authorization: string | null;
}

export interface DoctorContext {
  /** Null while the configuration has `problems`. */
  readonly settings: Settings | null;
  readonly problems: readonly Problem[];
  readonly env: Environment;
  /** A URL through the tunnel, as visitors use it. */
  readonly target: URL | null;
  readonly admin: AdminPorts;
  /** For each step on the network. */
  readonly timeoutMs: number;
  /** Wall clock. */
  readonly nowMs: () => number;
}

export type Check = (context: DoctorContext) => Promise<Finding[]>;

const PARTS: readonly Part[] = ['entry', 'server', 'client', 'backend'];

/** The parts that this configuration is about: those that somebody wrote something of; all of them if there is none. */
export function partsOf(settings: Settings): ReadonlySet<Part> {
  const set = PARTS.filter((part) => isPartSet(settings, part));
  return new Set(set.length === 0 ? PARTS : set);
}

/** Nothing is configured: `sallyport up` is what runs here, if anything does. */
export function isBare(settings: Settings): boolean {
  return !PARTS.some((part) => isPartSet(settings, part));
}

/** Where running parts are named and nothing is configured there is none: the defaults are those of another machine. */
export function configurationOf({ settings, admin }: DoctorContext): Settings | null {
  return settings === null || (isBare(settings) && admin.urls.length > 0) ? null : settings;
}

function isPartSet({ origins, sections }: Settings, part: Part): boolean {
  if (sections.includes(part)) return true;
  return [...origins].some(([path, origin]) => origin !== 'default' && path.startsWith(`${part}.`));
}

const AT_ONCE = 16;

/** `check` for each item, a few at a time, findings in the order of the items. */
export async function forEach<T, Found = Finding>(
  items: readonly T[],
  check: (item: T) => Promise<Found[]>,
): Promise<Found[]> {
  const findings: Found[] = [];
  for (let first = 0; first < items.length; first += AT_ONCE) {
    const found = await Promise.all(items.slice(first, first + AT_ONCE).map((item) => check(item)));
    findings.push(...found.flat());
  }
  return findings;
}
