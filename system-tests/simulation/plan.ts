/** One schedule, drawn from a seed: who is there, what they ask for and what befalls them. */
import { StreamCode } from '@sallyport/protocol';
import type { Random } from '../../packages/protocol/src/testing/random.ts';
import { MAX_CHUNK_BYTES } from './content.ts';
import type { LineTraits } from './line.ts';

export interface BodyPlan {
  readonly bytes: number;
  /** Writes are of 1 to this many bytes. */
  readonly chunkBytes: number;
  /** Between two writes; 0: as fast as the stream takes them. */
  readonly pauseMs: number;
  readonly trailers: readonly string[];
  /** The source dies here. */
  readonly cutAtByte: number | null;
  /** What the reader needs for a chunk. */
  readonly readPauseMs: number;
}

export interface RequestPlan {
  readonly key: number;
  readonly startMs: number;
  readonly session: string;
  readonly entry: number;
  readonly upload: BodyPlan | null;
  readonly download: BodyPlan | null;
  readonly informationalHeads: number;
  /** The answer begins when this many bytes of the request were read; null: at its end. */
  readonly answerAtByte: number | null;
  readonly thinkMs: number;
  /** The visitor goes away so long after its request. */
  readonly visitorLeavesMs: number | null;
  /** The backend fails instead of answering. */
  readonly failure: { readonly code: StreamCode; readonly notStarted: boolean } | null;
  /** How long the backend goes on after it was told to stop. */
  readonly cleanupMs: number;
}

export interface FaultPlan {
  readonly atMs: number;
  readonly kind: 'cut' | 'stall' | 'goaway' | 'leases';
  /** Which of the links of that time. */
  readonly which: number;
  readonly forMs: number;
}

export interface Plan {
  /** Nobody is cut and nobody leaves: everything must complete. */
  readonly isCalm: boolean;
  readonly entries: number;
  readonly clients: readonly { readonly session: string; readonly links: number; readonly leases: number }[];
  readonly line: LineTraits;
  readonly maxWindowBytes: number;
  readonly budgetBytes: number;
  readonly queue: { readonly limit: number; readonly timeoutMs: number };
  readonly egressBytes: number;
  readonly maxStreamId: number | null;
  readonly requests: readonly RequestPlan[];
  readonly faults: readonly FaultPlan[];
  /** The relay is told to stop. */
  readonly drainAtMs: number | null;
}

const KIB = 1024;
/** By then the links are up, where nothing goes wrong. */
export const FIRST_REQUEST_MS = 1_000;
const BUSY_MS = 4_000;

function drawBody(random: Random, mayFail: boolean): BodyPlan {
  const bytes = random.pick([0, random.spread(1, 100), random.spread(1, 60_000), random.spread(1, 400_000)]);
  const mostWrites = 400;
  const chunkBytes = Math.max(random.spread(1, MAX_CHUNK_BYTES), Math.ceil((2 * bytes) / mostWrites));
  const cut = mayFail && random.chance(0.15);
  return {
    bytes,
    chunkBytes: Math.min(chunkBytes, MAX_CHUNK_BYTES),
    pauseMs: random.pick([0, 0, random.spread(1, 40)]),
    trailers: random.chance(0.2) ? ['trailer', `of ${bytes}`] : [],
    cutAtByte: cut ? random.int(bytes + 1) : null,
    readPauseMs: random.pick([0, 0, 1, random.spread(1, 200)]),
  };
}

function drawRequest(random: Random, key: number, sessions: readonly string[], entries: number, mayFail: boolean) {
  const upload = random.chance(0.5) ? drawBody(random, mayFail) : null;
  const isEarly = upload !== null && random.chance(0.4);
  const code = random.pick([StreamCode.BACKEND_REFUSED, StreamCode.BACKEND_TIMEOUT, StreamCode.BACKEND_RESET]);
  const plan: RequestPlan = {
    key,
    startMs: FIRST_REQUEST_MS + random.int(BUSY_MS),
    session: random.pick(sessions),
    entry: random.int(entries),
    upload,
    download: random.chance(0.8) ? drawBody(random, mayFail) : null,
    informationalHeads: random.chance(0.2) ? random.int(17) : 0,
    answerAtByte: isEarly ? random.int(upload.bytes + 1) : null,
    thinkMs: random.pick([0, 0, random.spread(0, 500)]),
    visitorLeavesMs: mayFail && random.chance(0.2) ? random.spread(0, 2_000) : null,
    failure: mayFail && random.chance(0.15) ? { code, notStarted: code === StreamCode.BACKEND_REFUSED } : null,
    cleanupMs: random.pick([0, random.spread(0, 300)]),
  };
  return plan;
}

function drawFault(random: Random, isCalm: boolean): FaultPlan {
  const kind = isCalm
    ? random.pick(['stall', 'leases'] as const)
    : random.pick(['cut', 'stall', 'goaway', 'leases'] as const);
  // Below two heartbeats in calm: nobody may be taken for dead.
  const forMs = random.spread(10, isCalm ? 3_000 : 15_000);
  // In calm the links come up undisturbed: who asked before would be told that there is no session.
  const atMs = isCalm ? FIRST_REQUEST_MS + random.int(BUSY_MS) : random.int(FIRST_REQUEST_MS + BUSY_MS);
  return { atMs, kind, which: random.int(1_000), forMs };
}

export function drawPlan(random: Random): Plan {
  const isCalm = random.chance(0.4);
  const mayFail = !isCalm || random.chance(0.5);
  const sessions = ['red', 'green', 'blue'].slice(0, 1 + random.int(3));
  const entries = 1 + random.int(2);
  const requests = random.spread(1, 25);
  return {
    isCalm,
    entries,
    clients: sessions.map((session) => ({ session, links: 1 + random.int(3), leases: random.spread(1, 8) })),
    line: {
      delayMs: random.pick([0, 1, random.spread(1, 150)]),
      jitterMs: random.pick([0, random.spread(0, 30)]),
      bytesPerMs: random.pick([Number.POSITIVE_INFINITY, random.spread(100, 10_000), random.spread(10_000, 100_000)]),
      isTorn: random.chance(0.5),
      isBuffered: random.chance(0.5),
      isCopied: random.chance(0.5),
    },
    maxWindowBytes: random.pick([0, 40_000, 256 * KIB, 8 * KIB * KIB]),
    budgetBytes: random.pick([0, 50_000, 64 * KIB * KIB]),
    queue: isCalm
      ? { limit: 1_000, timeoutMs: 10_000_000 }
      : { limit: random.spread(1, 50), timeoutMs: random.spread(10, 5_000) },
    egressBytes: isCalm ? Number.MAX_SAFE_INTEGER : random.pick([64 * KIB, 4 * KIB * KIB]),
    maxStreamId: !isCalm && random.chance(0.2) ? random.spread(1, 10) : null,
    requests: Array.from({ length: requests }, (_, i) => drawRequest(random, i, sessions, entries, mayFail)),
    faults: Array.from({ length: random.chance(0.3) ? 0 : random.spread(1, 6) }, () => drawFault(random, isCalm)),
    drainAtMs: random.chance(0.2) ? FIRST_REQUEST_MS + random.int(2 * BUSY_MS) : null,
  };
}
