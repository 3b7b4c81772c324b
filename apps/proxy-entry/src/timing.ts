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
import { HOPS } from '@sallyport/telemetry';

/** Requests whose upload kept the backend waiting longer than this stay out of the hop histograms. */
export const UPLOAD_TOLERANCE_US = 1_000;

/**
 * Writes the seven hops, whole microseconds, into `into`; they sum to `totalUs`. A negative goes to its neighbour.
 * Doubles: 32 bits would end at 36 minutes, which a slow upload may take.
 */
export function attribute(into: Float64Array, totalUs: number, streamUs: number, times: Readonly<HopTimes>): void {
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

/**
 * The hops of an answer of our own: since OPEN all time is charged to the hop at fault, before it to the entry. A fault of
 * none of these, such as the visitor's, is charged to the entry.
 */
export function chargeOwn(into: Float64Array, totalUs: number, streamUs: number, hop: string): void {
  const total = Math.round(totalUs);
  const stream = Math.min(total, Math.round(streamUs));
  const atFault = Math.max(0, (HOPS as readonly string[]).indexOf(hop));
  into.fill(0);
  into[0] = total - stream;
  into[atFault] = into[atFault]! + stream;
}

const NAMES = [...HOPS, 'total'].map((name, i) => Buffer.from(`${i === 0 ? '' : ', '}${name};dur=`, 'latin1'));
/** Eight names and eight numbers of at most 17 digits. */
const scratch = Buffer.alloc(512);
const ZERO = 0x30;
const POINT = 0x2e;

/**
 * The value of Server-Timing: seven hops and their total, milliseconds with three decimals. Written as bytes: strings
 * put together piece by piece leave a kilobyte of garbage a request.
 */
export function serverTiming(hopsUs: Float64Array): string {
  let at = 0;
  let totalUs = 0;
  for (let i = 0; i < HOPS.length; i += 1) {
    totalUs += hopsUs[i]!;
    at = writeMilliseconds(writeName(at, i), hopsUs[i]!);
  }
  at = writeMilliseconds(writeName(at, HOPS.length), totalUs);
  return scratch.toString('latin1', 0, at);
}

function writeName(at: number, index: number): number {
  const name = NAMES[index]!;
  for (let i = 0; i < name.length; i += 1) scratch[at + i] = name[i]!;
  return at + name.length;
}

/** Whole microseconds as milliseconds: `12.345`. */
function writeMilliseconds(at: number, us: number): number {
  const whole = Math.floor(us / 1_000);
  const rest = us - whole * 1_000;
  const end = at + (whole < 10 ? 1 : whole < 100 ? 2 : String(whole).length);
  for (let i = end - 1, left = whole; i >= at; i -= 1, left = Math.floor(left / 10)) scratch[i] = ZERO + (left % 10);
  scratch[end] = POINT;
  scratch[end + 1] = ZERO + Math.floor(rest / 100);
  scratch[end + 2] = ZERO + (Math.floor(rest / 10) % 10);
  scratch[end + 3] = ZERO + (rest % 10);
  return end + 4;
}
