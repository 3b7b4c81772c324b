import { availableParallelism } from 'node:os';
import { DEFAULT_CONNECTIONS } from './plan.ts';
import type { EnginePlan } from './plan.ts';

/**
 * Arrivals per second, over all arms, that one generator process is trusted with: under half of the 12,000 at which the
 * event loop of one was 70 % busy, on a 2-core machine with others at work (Node 26.10, plain HTTP/1.1, kept alive).
 */
export const RATE_PER_GENERATOR = 5000;

/**
 * How many processes run a plan: as it says, or else one for every `RATE_PER_GENERATOR` arrivals of its top step, on at
 * most half of the processors, since the rest belong to what is measured.
 */
export function generatorsFor(plan: EnginePlan): number {
  if (plan.generators !== undefined) return plan.generators;
  const topRate = (Math.max(0, ...plan.steps.map(({ rate }) => rate)) * plan.arms.length) / (plan.shard?.count ?? 1);
  const wanted = plan.model === 'closed' ? 1 : Math.ceil(topRate / RATE_PER_GENERATOR);
  return Math.max(1, Math.min(wanted, Math.floor(availableParallelism() / 2)));
}

/** The plan of each of `count` processes: every `count`-th round of the plan's own share, and its part of the limits. */
export function sharePlan(plan: EnginePlan, count: number): EnginePlan[] {
  const { maxInFlight, connections = DEFAULT_CONNECTIONS } = plan;
  const own = plan.shard ?? { index: 0, count: 1 };
  return Array.from({ length: count }, (_, index) => ({
    ...plan,
    generators: 1,
    shard: { index: own.index + own.count * index, count: own.count * count },
    maxInFlight: Math.max(1, part(maxInFlight, index, count)),
    connections: part(connections, index, count),
  }));
}

/** The `index`-th of `count` whole parts that add up to `total`. */
function part(total: number, index: number, count: number): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}
