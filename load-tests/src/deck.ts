import { seededRandom } from '../engine/arrivals.ts';
import { drawBodySize } from '../profiles/body-size.ts';
import type { BodySize } from '../profiles/body-size.ts';
import type { TraceArrival } from '../profiles/trace.ts';
import type { BodyPlan, TraceEntry } from '../engine/plan.ts';
import { LoadError } from './errors.ts';

/** Requests that are made ready before a run; each is a few hundred bytes in every generator. */
const MAX_PREPARED = 20_000;
/** How many requests a distribution of body sizes becomes at least: its tail shows, and memory stays small. */
export const DRAWN_SIZES = 64;

/** A request before it is known whereto: `path` null is the target's own resource, `/…` is below the target's place. */
export type Shape = {
  method: string;
  path: string | null;
  headers: string[];
  body: BodyPlan | { sizes: BodySize } | null;
  weight: number;
};
/** A request ready but for the arm: `session` and `credential` are indices. */
export type Card = {
  method: string;
  path: string | null;
  headers: string[];
  body: BodyPlan | null;
  session: number;
  credential: number;
};

/**
 * All combinations of requests (by weight), sessions and credentials, once each: what is sent in turn. Where more than
 * one of them varies, they are shuffled, so that no session is always met by the same credential or request. Sizes that
 * are distributed are drawn anew for each, from at least `DRAWN_SIZES` of them.
 * @throws LoadError `SP_LOAD_OPTIONS` beyond `MAX_PREPARED`
 */
export function dealCards(shapes: readonly Shape[], sessions: number, credentials: number, seed: number): Card[] {
  const weighted = shapes.flatMap((shape) => Array.from({ length: shape.weight }, () => shape));
  const count = weighted.length * sessions * credentials;
  if (count > MAX_PREPARED) {
    throw new LoadError(
      'SP_LOAD_OPTIONS',
      `${weighted.length} requests × ${sessions} sessions × ${credentials} credentials are over ${MAX_PREPARED}; use fewer`,
    );
  }
  const random = seededRandom(seed);
  const isDrawn = shapes.some(({ body }) => hasSizes(body));
  const rounds = isDrawn ? Math.ceil(DRAWN_SIZES / count) : 1;
  const cards = Array.from({ length: rounds }, () =>
    weighted.flatMap((shape) =>
      range(sessions).flatMap((session) => range(credentials).map((credential) => ({ shape, session, credential }))),
    ),
  ).flat();
  if ([weighted.length, sessions, credentials].filter((each) => each > 1).length > 1) shuffle(cards, random);
  return cards.map(({ shape: { method, path, headers, body }, session, credential }) => ({
    method,
    path,
    headers,
    body: hasSizes(body) ? { fillBytes: drawBodySize(body.sizes, random) } : body,
    session,
    credential,
  }));
}

/** A recorded run as requests that differ, and which of them is due when. `speed` 2 is twice as fast. */
export function dealTrace(
  trace: readonly TraceArrival[],
  sessions: number,
  credentials: number,
  speed: number,
): { cards: Card[]; entries: TraceEntry[] } {
  const cards: Card[] = [];
  const known = new Map<string, number>();
  const entries = trace.map(({ atMs, method, path, bodyBytes }, index) => {
    const [session, credential] = [index % sessions, index % credentials];
    const key = `${session} ${credential} ${bodyBytes} ${method} ${path}`;
    const at = known.get(key) ?? cards.length;
    if (at === cards.length) {
      known.set(key, at);
      const body = bodyBytes === 0 ? null : { fillBytes: bodyBytes };
      cards.push({ method, path, headers: [], body, session, credential });
    }
    return { atMs: atMs / speed, request: at };
  });
  return { cards, entries };
}

function hasSizes(body: Shape['body']): body is { sizes: BodySize } {
  return body !== null && 'sizes' in body;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** Fisher and Yates. */
function shuffle(items: unknown[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]];
  }
}
