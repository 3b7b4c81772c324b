/**
 * Whether a stack just started can be reached through. A client has its link when the server says HELLO; by then the server
 * may not have read the client's, and the entry may know of no server: what a visitor asked in that moment would be refused.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError, Exit } from '../exit.ts';

export interface Expected {
  /** Admin ports. */
  readonly entry: string;
  readonly server: string;
  readonly session: string;
  readonly clients: number;
}

const POLL_MS = 10;
const REACHABLE_WITHIN_MS = 10_000;

/** Resolves once the entry has a server and the session has its clients; rejects with a CommandError after 10 s. */
export async function untilReachable(expected: Expected): Promise<void> {
  const deadlineMs = performance.now() + REACHABLE_WITHIN_MS;
  while (!(await isReachable(expected))) {
    if (performance.now() > deadlineMs) {
      throw new CommandError(
        Exit.FAILED,
        'SP_NOT_REACHABLE',
        'the parts run, but do not reach each other; see their logs',
      );
    }
    await delay(POLL_MS);
  }
}

async function isReachable({ entry, server, session, clients }: Expected): Promise<boolean> {
  try {
    const [ready, sessions] = await Promise.all([fetch(`${entry}/readyz`), fetch(`${server}/api/sessions`)]);
    await ready.body?.cancel();
    const known = (await sessions.json()) as { session: string; links: number }[];
    return ready.ok && known.some((each) => each.session === session && each.links >= clients);
  } catch {
    // An admin port that does not answer: a part that has died is told of elsewhere.
    return false;
  }
}
