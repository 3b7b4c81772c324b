/** What running parts say together: what the line on one of them needs of the others. Pure. */
import { select, sumOf } from '@sallyport/load-tests';
import type { Sample } from '@sallyport/load-tests';
import { problemOfCode } from '@sallyport/proxy-entry';
import type { OfferLine } from './admin-answers.ts';
import type { RunningPart } from './running.ts';

const REFUSED = 'sallyport_refused_total';

/** Answers of backends, and how long these took together. */
interface Spent {
  readonly count: number;
  readonly seconds: number;
}

export interface Pace {
  /** Between the two readings. */
  readonly now: Spent;
  /** From the start to the first reading. */
  readonly before: Spent;
}

/** The backend of a session, as the clients that were asked see it. */
export interface BackendView {
  /** Of each client's, where they differ. */
  readonly names: string;
  readonly pace: Pace;
  /** Answers of 5xx between the two readings. */
  readonly failing: number;
}

export interface Deployment {
  /** Null: nobody who was asked knows. */
  readonly pace: Pace | null;
  /** By session, of those that an asked client offers. */
  readonly backends: ReadonlyMap<string, BackendView>;
  /** Sessions that have a client at a server that was asked. */
  readonly served: ReadonlySet<string>;
  /** Those that the configuration has a client for. */
  readonly configured: ReadonlySet<string>;
  /** Visitors were refused for want of a client in the last second. */
  readonly isClientMissed: boolean;
  /** The same, for what a backend did. */
  readonly isBackendMissed: boolean;
  readonly isServerAsked: boolean;
}

export function deploymentOf(parts: readonly RunningPart[], configured: readonly string[] = []): Deployment {
  const lines = parts.flatMap(({ sessions }) => sessions);
  const served = lines.flatMap(({ session, links }) => (links > 0 ? [session] : []));
  const isMore = (countIn: (samples: readonly Sample[]) => number) =>
    parts.some(({ before, after }) => countIn(after) > countIn(before));
  return {
    pace: paceOf(parts),
    backends: backendsOf(parts),
    served: new Set(served),
    configured: new Set(configured),
    isClientMissed: isMore(clientMissedIn),
    isBackendMissed: isMore(backendMissedIn),
    isServerAsked: parts.some(({ part }) => part === 'server'),
  };
}

function backendsOf(parts: readonly RunningPart[]): Map<string, BackendView> {
  const before = Map.groupBy(
    parts.flatMap(({ offersBefore }) => offersBefore),
    ({ session }) => session,
  );
  const after = Map.groupBy(
    parts.flatMap(({ offers }) => offers),
    ({ session }) => session,
  );
  const views = new Map<string, BackendView>();
  for (const [session, lines] of after) {
    const [was, is] = [totalOf(before.get(session) ?? []), totalOf(lines)];
    const now = { count: is.count - was.count, seconds: is.seconds - was.seconds };
    const names = [...new Set(lines.map(({ backend }) => backend))].join(', ');
    views.set(session, { names, pace: { now, before: was }, failing: is.failed - was.failed });
  }
  return views;
}

function totalOf(lines: readonly OfferLine[]): Spent & { readonly failed: number } {
  const sum = (of: (line: OfferLine) => number) => lines.reduce((total, line) => total + of(line), 0);
  return {
    count: sum(({ answers }) => answers),
    seconds: sum(({ backendSeconds }) => backendSeconds),
    failed: sum(({ serverErrors }) => serverErrors),
  };
}

function clientMissedIn(samples: readonly Sample[]): number {
  return sumOf(samples, REFUSED, { code: 'SP_NO_CLIENT' }) ?? 0;
}

function backendMissedIn(samples: readonly Sample[]): number {
  const refusals = select(samples, REFUSED).filter(
    ({ labels }) => problemOfCode(labels['code'] ?? '')?.hop === 'backend',
  );
  return refusals.reduce((total, { value }) => total + value, 0);
}

/** As the clients saw it; where none was asked, as the entries charge it. */
const SOURCES: readonly (readonly [histogram: string, labels: Record<string, string>])[] = [
  ['sallyport_backend_seconds', {}],
  ['sallyport_hop_seconds', { hop: 'backend' }],
];

function paceOf(all: readonly RunningPart[]): Pace | null {
  // A server has the histogram too, and nothing in it.
  const parts = all.filter(({ part }) => part !== 'server');
  const paces = SOURCES.flatMap(([histogram, labels]) => {
    const total = (reading: 'before' | 'after', which: 'count' | 'sum') =>
      parts.reduce((sum, part) => sum + (sumOf(part[reading], `${histogram}_${which}`, labels) ?? 0), 0);
    if (parts.every(({ after }) => sumOf(after, `${histogram}_count`, labels) === null)) return [];
    const before = { count: total('before', 'count'), seconds: total('before', 'sum') };
    const now = { count: total('after', 'count') - before.count, seconds: total('after', 'sum') - before.seconds };
    return [{ now, before }];
  });
  const [first, ...others] = paces;
  if (first === undefined) return null;
  // A client that was just restarted knows of less than the entry.
  const longest = others.reduce((most, { before }) => (before.count > most.count ? before : most), first.before);
  return { now: first.now, before: longest };
}

/** It is the backend that has changed, and not how much is asked. */
const SLOWER = 2;

export function isSlower({ now, before }: Pace): boolean {
  if (now.count <= 0) return true;
  return before.count > 0 && now.seconds / now.count >= (SLOWER * before.seconds) / before.count;
}

/** `the backend takes 501 ms now, 17 ms since the start` */
export function paceText({ now, before }: Pace, backend: string): string {
  const since = before.count > 0 ? `${mean(before)} since the start` : 'none since the start';
  if (now.count > 0) return `${backend} takes ${mean(now)} now, ${since}`;
  if (before.count === 0) return `${backend} has answered nothing since the start`;
  return `${backend} answered nothing in the last second, and took ${since}`;
}

const MS_PER_S = 1_000;
const WHOLE_FROM_MS = 10;

function mean({ count, seconds }: Spent): string {
  const ms = (seconds / count) * MS_PER_S;
  return `${ms < WHOLE_FROM_MS ? ms.toFixed(1) : Math.round(ms)} ms`;
}
