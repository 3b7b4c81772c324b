import { MIN_STARVED_BUSY, isStarved } from './starved.ts';
import { rateText } from './rate-text.ts';
import type { Evidence, LimitHit } from '../report/evidence.ts';
import type { HopName, StepReport } from '../report/model.ts';

/** A slot held this many times as long as at the lowest step is why requests queue. */
const HOLDING_FACTOR = 2;
const MIN_HOLDING_MS = 5;
const HALF = 0.5;
/** What is held while a slot is taken, in the order of the path. */
export const HELD_HOPS = ['link', 'slot', 'client', 'backend'] as const satisfies readonly HopName[];
/** The limits whose name says which hop waits or refuses. */
const HOP_OF_LIMIT: Readonly<Record<string, HopName>> = {
  'entry connections': 'entry',
  'server queue': 'queue',
  'server queue-wait': 'queue',
  'server queue-timeout': 'queue',
  'server link-egress': 'link',
  'client slots': 'queue',
};

/** The hops that grow when a part's event loop does not come round. */
const BESIDE: Readonly<Record<'entry' | 'client', readonly HopName[]>> = {
  entry: ['entry', 'uplink'],
  client: ['client', 'slot', 'link', 'queue', 'backend'],
};

/** What stands behind a hop; null: time that no hop has. */
export type Cause = { hop: HopName | null; sign: string };

/**
 * What is behind a queue that grew. By Little's law the busy slots are arrivals × the time a slot is held: where that
 * time is what it was at the lowest rate, the slots are too few, and the queue is the cause (undefined). Where it has at
 * least doubled, the queue is a consequence: the cause is what lengthened it, which is the hop behind the queue whose
 * median grew most, or the way of the bodies, which is in no hop.
 */
export function behindQueue(steps: readonly StepReport[], index: number): Cause | undefined {
  const step = steps[index];
  if (step === undefined || index === 0) return undefined;
  const lower = steps.slice(0, index).filter(({ hopsMs }) => hopsMs !== null);
  const parts = [...HELD_HOPS, null].map((hop) => {
    const from = Math.min(...lower.map((each) => heldMs(each, hop)));
    return { hop, from, by: heldMs(step, hop) - from };
  });
  const from = parts.reduce((sum, part) => sum + part.from, 0);
  const by = parts.reduce((sum, part) => sum + part.by, 0);
  if (!Number.isFinite(from) || by < MIN_HOLDING_MS || from + by < HOLDING_FACTOR * from) return undefined;
  const most = parts.reduce((a, b) => (b.by > a.by ? b : a));
  const where = most.hop === null ? 'outside all hops (bodies on their way)' : `in the ${most.hop} hop`;
  const sign = `a slot was held ${from.toFixed(1)} → ${(from + by).toFixed(1)} ms, most of it ${where}: the queue follows from that`;
  return { hop: most.hop, sign };
}

function heldMs({ arms, hopsMs }: StepReport, hop: (typeof HELD_HOPS)[number] | null): number {
  if (hopsMs === null) return 0;
  if (hop !== null) return hopsMs[hop].p50;
  // A difference of medians is not the median of a difference: it counts only where the p99 agree.
  const { p50, p99 } = arms.tunnel.serviceMs;
  const [middleMs, tailMs] = [p50 - hopsMs.total.p50, p99 - hopsMs.total.p99];
  return tailMs >= HALF * middleMs ? Math.max(0, middleMs) : 0;
}

/**
 * A part that works but does not get the CPU for it: its event loop was busy most of the time with less than half of the
 * CPU time that takes. What waits for its loop is charged to the hops beside it: before and behind the entry that is no
 * hop, and the uplink, which ends when the entry has read the answer. So the entry is named where those grew; the client
 * likewise for what ends when the client has read or answered, and for the queue behind its slots. The server has no hop
 * of its own: what grew beside it stands.
 */
export function starvedHop(evidence: Evidence, rate: number, hop: HopName | null | undefined): Cause | null {
  const figures = evidence.partCpu.find((each) => each.rate === rate);
  const starved = Object.entries(figures?.loopBusy ?? {}).filter(([part, busy]) =>
    isStarved(busy, figures?.cores?.[part] ?? busy),
  );
  const [worst] = starved.toSorted(([, a], [, b]) => b - a);
  if (worst === undefined) return null;
  const [part, busy] = worst;
  const cores = figures?.cores?.[part] ?? 0;
  const sign = `${part}: its event loop worked ${(100 * busy).toFixed(0)} % of the time with ${(100 * cores).toFixed(0)} % of a core: it does not get the CPU it needs`;
  const own = (['entry', 'client'] as const).find((each) => part.startsWith(each));
  if (own !== undefined && (hop === null || hop === undefined || BESIDE[own].includes(hop))) return { hop: own, sign };
  return { hop: hop ?? null, sign };
}

/**
 * Signs that the whole machine is short of CPU at a rate: every part that works at all (two at least) gets less than half
 * of the CPU it works for. Then all of them are slow together, and who is slowest says nothing. Empty: it is not so.
 */
export function starvedMachine(evidence: Evidence, rate: number): string[] {
  const figures = evidence.partCpu.find((each) => each.rate === rate);
  const working = Object.entries(figures?.loopBusy ?? {}).filter(([, busy]) => busy >= MIN_STARVED_BUSY);
  if (working.length < 2 || !working.every(([part, busy]) => isStarved(busy, figures?.cores?.[part] ?? busy)))
    return [];
  return [
    `machine: ${working.map(([part]) => part).join(', ')} all got less than half of the CPU they worked for at ${rateText(rate)}/s`,
  ];
}

/** The limits that were reached by this rate, for people. */
export function limitSigns(evidence: Evidence, rate: number): string[] {
  return reachedBy(evidence, rate).map(
    ({ part, limit, hits }) => `limit reached: ${limit} of the ${part}, ${hits} times (sallyport_limit_hits_total)`,
  );
}

export function hopOfLimit(evidence: Evidence, rate: number): HopName | null {
  const named = reachedBy(evidence, rate).map(({ part, limit }) => HOP_OF_LIMIT[`${part.split(' ')[0]} ${limit}`]);
  return named.find((hop) => hop !== undefined) ?? null;
}

function reachedBy({ limits }: Evidence, rate: number): LimitHit[] {
  return limits.filter(({ firstAt }) => firstAt === undefined || firstAt <= rate);
}
