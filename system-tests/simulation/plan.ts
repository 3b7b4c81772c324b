/** One schedule: who is there, what they ask for and what befalls them. */
import type { StreamCode } from '@sallyport/protocol';
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
  readonly uplink: LineTraits;
  readonly clientLink: LineTraits;
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

/** By then the links are up, where nothing goes wrong. */
export const FIRST_REQUEST_MS = 1_000;
/** Below two heartbeats, with room for what was on its way before. */
export const LONGEST_HARMLESS_STALL_MS = 7_000;

/** Whether a line is lost, or silent for so long that it counts as lost. */
export function losesLinks(plan: Plan): boolean {
  return plan.faults.some(
    ({ kind, forMs }) => kind === 'cut' || (kind === 'stall' && forMs > LONGEST_HARMLESS_STALL_MS),
  );
}
