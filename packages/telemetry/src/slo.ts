import type { PartMetrics } from './part-metrics.ts';

const MS_PER_S = 1000;

/** The section `slo` of the configuration. */
export type SloObjectives = {
  readonly availabilityPercent: number;
  /** To the head of the answer. */
  readonly latencyMs: number;
  readonly latencyPercent: number;
};

/**
 * Counts answers against the service level objectives, and exports these beside the counts, so that alerts compare the
 * two and need not be written anew for another objective. Two objectives: `availability` (of all answers those that are
 * no failure) and `latency` (of these the fast ones: a failure that came quickly is not fast).
 */
export class SloCounts {
  /** May be replaced while it runs. */
  objectives: SloObjectives;
  #answers = 0;
  #good = 0;
  #fast = 0;

  constructor(metrics: Pick<PartMetrics, 'gauge' | 'counterOf'>, objectives: SloObjectives) {
    this.objectives = objectives;
    const availability = { slo: 'availability' };
    const latency = { slo: 'latency' };
    metrics.counterOf('sallyport_slo_events_total', availability, () => this.#answers);
    metrics.counterOf('sallyport_slo_good_total', availability, () => this.#good);
    metrics.counterOf('sallyport_slo_events_total', latency, () => this.#good);
    metrics.counterOf('sallyport_slo_good_total', latency, () => this.#fast);
    const ratio = 'sallyport_slo_objective_ratio';
    metrics.gauge(ratio, availability, () => ratioOf(this.objectives.availabilityPercent));
    metrics.gauge(ratio, latency, () => ratioOf(this.objectives.latencyPercent));
    metrics.gauge('sallyport_slo_latency_seconds', {}, () => this.objectives.latencyMs / MS_PER_S);
  }

  /** One answer: whether it was no failure, and the seconds from the request to its head. */
  count(isGood: boolean, seconds: number): void {
    this.#answers += 1;
    if (!isGood) return;
    this.#good += 1;
    if (seconds * MS_PER_S <= this.objectives.latencyMs) this.#fast += 1;
  }
}

/** 0.999 for 99.9, where a division gives 0.9990000000000001. */
function ratioOf(percent: number): number {
  return Number((percent / 100).toFixed(9));
}
