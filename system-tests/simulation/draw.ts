/** Draws a schedule from a seed. */
import { StreamCode } from '@sallyport/protocol';
import type { Random } from '../../packages/protocol/src/testing/random.ts';
import { MAX_CHUNK_BYTES } from './content.ts';
import type { LineTraits } from './line.ts';
import { FIRST_REQUEST_MS, LONGEST_HARMLESS_STALL_MS } from './plan.ts';
import type { BodyPlan, FaultPlan, Plan, RequestPlan } from './plan.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Over how long the requests of a schedule come. */
const BUSY_MS = 4_000;
const LONG_BUSY_MS = 12_000;
const RUSH_MS = 400;
/** So that no body takes more turns than it is worth. */
const MOST_WRITES = 400;
const LONGEST_STALL_MS = 15_000;
const SLOW_BYTES_PER_MS = 500;
const FAST_BYTES_PER_MS = 100_000;

/** What a schedule is like as a whole. */
interface Mood {
  /** No link is cut and nobody leaves: what does not fail by itself must complete. */
  readonly isCalm: boolean;
  /** Visitors may leave, backends may fail. */
  readonly mayFail: boolean;
  /** Large bodies all at once, so that links are full and windows grow. */
  readonly isHeavy: boolean;
  readonly busyMs: number;
}

function drawLine(random: Random, { isHeavy }: Mood): LineTraits {
  const slow = random.spread(SLOW_BYTES_PER_MS, FAST_BYTES_PER_MS);
  return {
    delayMs: random.pick([0, 1, random.spread(1, 150)]),
    jitterMs: random.pick([0, random.spread(0, 30)]),
    bytesPerMs: random.chance(isHeavy ? 0.7 : 0.3) ? slow : Number.POSITIVE_INFINITY,
    isTorn: random.chance(0.5),
    isBuffered: random.chance(0.5),
    isCopied: random.chance(0.5),
  };
}

function drawBody(random: Random, { mayFail, isHeavy }: Mood): BodyPlan {
  const most = isHeavy ? 1_000_000 : random.pick([0, 100, 60_000, 400_000]);
  const bytes = random.spread(0, most);
  const chunkBytes = Math.max(random.spread(1, MAX_CHUNK_BYTES), Math.ceil((2 * bytes) / MOST_WRITES));
  return {
    bytes,
    chunkBytes: Math.min(chunkBytes, MAX_CHUNK_BYTES),
    pauseMs: isHeavy ? 0 : random.pick([0, 0, random.spread(1, 40)]),
    trailers: random.chance(0.2) ? ['trailer', `of ${bytes}`] : [],
    cutAtByte: mayFail && random.chance(0.15) ? random.int(bytes + 1) : null,
    readPauseMs: random.pick(isHeavy ? [0, 0, 0, 1] : [0, 0, 1, random.spread(1, 200)]),
  };
}

/** In heavy weather many share a link. */
function drawClient(random: Random, session: string, { isHeavy }: Mood): Plan['clients'][number] {
  if (isHeavy) return { session, links: 1 + random.int(2), leases: 4 + random.int(16) };
  return { session, links: 1 + random.int(3), leases: random.spread(1, 8) };
}

interface Cast {
  readonly sessions: readonly string[];
  readonly entries: number;
}

function drawRequest(random: Random, key: number, { sessions, entries }: Cast, mood: Mood): RequestPlan {
  const { mayFail, busyMs } = mood;
  const upload = random.chance(0.5) ? drawBody(random, mood) : null;
  const isEarly = upload !== null && random.chance(0.4);
  const code = random.pick([StreamCode.BACKEND_REFUSED, StreamCode.BACKEND_TIMEOUT, StreamCode.BACKEND_RESET]);
  return {
    key,
    startMs: FIRST_REQUEST_MS + random.int(busyMs),
    session: random.pick(sessions),
    entry: random.int(entries),
    upload,
    download: random.chance(0.8) ? drawBody(random, mood) : null,
    informationalHeads: random.chance(0.2) ? random.int(17) : 0,
    answerAtByte: isEarly ? random.int(upload.bytes + 1) : null,
    thinkMs: random.pick([0, 0, random.spread(0, 500)]),
    visitorLeavesMs: mayFail && random.chance(0.2) ? random.spread(0, 2_000) : null,
    failure: mayFail && random.chance(0.15) ? { code, notStarted: code === StreamCode.BACKEND_REFUSED } : null,
    cleanupMs: random.pick([0, random.spread(0, 300)]),
  };
}

function drawFault(random: Random, { isCalm, busyMs }: Mood): FaultPlan {
  const kinds = isCalm ? (['stall', 'leases'] as const) : (['cut', 'stall', 'goaway', 'goaway', 'leases'] as const);
  const withinMs = Math.max(BUSY_MS, busyMs);
  // Below two heartbeats in calm: nobody may be taken for dead.
  const longestMs = isCalm ? LONGEST_HARMLESS_STALL_MS : LONGEST_STALL_MS;
  return {
    // In calm the links come up undisturbed: who asked before would be told that there is no session.
    atMs: isCalm ? FIRST_REQUEST_MS + random.int(withinMs) : random.int(FIRST_REQUEST_MS + withinMs),
    kind: random.pick(kinds),
    which: random.int(1_000),
    forMs: random.chance(0.5) ? random.spread(10, longestMs) : random.int(longestMs),
  };
}

export function drawPlan(random: Random): Plan {
  const isCalm = random.chance(0.4);
  const isHeavy = random.chance(0.3);
  const busyMs = isHeavy ? RUSH_MS : random.pick([RUSH_MS, BUSY_MS, LONG_BUSY_MS]);
  const mood = { isCalm, mayFail: !isCalm || random.chance(0.5), isHeavy, busyMs };
  const sessions = ['red', 'green', 'blue'].slice(0, 1 + random.int(3));
  const cast = { sessions, entries: isHeavy ? 1 : 1 + random.int(2) };
  const requests = isHeavy ? 10 + random.int(25) : random.spread(1, 25);
  const queue = { limit: random.spread(1, 50), timeoutMs: random.spread(10, 5_000) };
  return {
    isCalm,
    entries: cast.entries,
    clients: sessions.map((session) => drawClient(random, session, mood)),
    uplink: drawLine(random, mood),
    clientLink: drawLine(random, mood),
    maxWindowBytes: isHeavy ? 8 * MIB : random.pick([0, 40_000, 256 * KIB, 8 * MIB]),
    budgetBytes: isHeavy ? 64 * MIB : random.pick([0, 50_000, 64 * MIB]),
    queue: isCalm ? { limit: 1_000, timeoutMs: 10_000_000 } : queue,
    egressBytes: isCalm ? Number.MAX_SAFE_INTEGER : random.pick([64 * KIB, 4 * MIB]),
    maxStreamId: !isCalm && random.chance(0.4) ? 1 + random.int(isHeavy ? 20 : 8) : null,
    requests: Array.from({ length: requests }, (_, key) => drawRequest(random, key, cast, mood)),
    faults: Array.from({ length: random.chance(0.3) ? 0 : random.spread(1, 6) }, () => drawFault(random, mood)),
    drainAtMs: random.chance(0.2) ? FIRST_REQUEST_MS + random.int(2 * BUSY_MS) : null,
  };
}
