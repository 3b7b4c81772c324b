/**
 * Where a request's time went, without a clock in common: each process measured its own spans, and this puts them
 * together. T: the request event to the head written. O: OPEN queued to HEAD received. S: OPEN in to HEAD out at the
 * server, of which queue Q. C: the same at the client, of which slot W, upload U, backend B. Then
 *
 *   entry = T−O+U   uplink = O−S   queue = Q   link = S−Q−C   slot = W   client = C−W−U−B   backend = B
 *
 * which sum to T by construction. Waiting for the visitor's own upload is charged to the entry, where it arrives.
 */
import type { HopTimes } from '@sallyport/protocol';

export const HOP_NAMES = ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend'] as const;

/** Requests whose upload kept the backend waiting longer than this stay out of the hop histograms. */
export const UPLOAD_TOLERANCE_US = 1_000;

/** Writes the seven hops, whole microseconds, into `into`; they sum to `totalUs`. A negative goes to its neighbour. */
export function attribute(into: Int32Array, totalUs: number, streamUs: number, times: Readonly<HopTimes>): void {
  const { serverUs, queueUs, clientUs, slotUs, uploadUs, backendUs } = times;
  const stream = Math.min(Math.round(streamUs), Math.round(totalUs));
  into[0] = Math.round(totalUs) - stream + uploadUs;
  into[1] = stream - serverUs;
  into[2] = queueUs;
  into[3] = serverUs - queueUs - clientUs;
  into[4] = slotUs;
  into[5] = clientUs - slotUs - uploadUs - backendUs;
  into[6] = backendUs;
  for (let i = 0; i < 6; i += 1) {
    if (into[i]! < 0) {
      into[i + 1] = into[i + 1]! + into[i]!;
      into[i] = 0;
    }
  }
  for (let i = 6; i > 0; i -= 1) {
    if (into[i]! < 0) {
      into[i - 1] = into[i - 1]! + into[i]!;
      into[i] = 0;
    }
  }
}

/** `.000` to `.999`: what comes behind the milliseconds. */
const THOUSANDTHS = Array.from({ length: 1_000 }, (_, i) => `.${String(i).padStart(3, '0')}`);

function milliseconds(us: number): string {
  return Math.floor(us / 1_000) + THOUSANDTHS[us % 1_000]!;
}

/** The value of Server-Timing: seven hops and their total, milliseconds with three decimals. */
export function serverTiming(hopsUs: Int32Array): string {
  let text = '';
  let totalUs = 0;
  for (let i = 0; i < HOP_NAMES.length; i += 1) {
    totalUs += hopsUs[i]!;
    text += `${HOP_NAMES[i]!};dur=${milliseconds(hopsUs[i]!)}, `;
  }
  return `${text}total;dur=${milliseconds(totalUs)}`;
}
