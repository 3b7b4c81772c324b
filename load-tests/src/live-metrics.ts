import { Counter, Gauge, Registry } from 'prom-client';
import type { EnginePlan, Progress, StepMeasurement } from '../engine/plan.ts';
import { plainRate } from '../report/format.ts';
import type { ArmName, ArmReport, ByArm } from '../report/model.ts';

/** Steps whose beginnings are told: the windows of a gate, or the tries of a search. Earlier ones are left out. */
export const MAX_LIVE_STEPS = 200;
const MS_PER_S = 1000;

type Sums = Record<'ok' | 'failed' | 'dropped', number>;
/** `rate` null: a closed loop, which is asked for none. */
type LiveStep = { number: number; rate: number | null; startedS: number };
type Capacity = Record<'carried' | 'refused', number | null>;

/**
 * What a load test says of itself to Prometheus while it runs. Counts are of all steps so far; rates and quantiles are
 * of the step under way, from its beginning, so that they end as the report's figures. Seconds and requests per second.
 */
export class LiveMetrics {
  readonly #registry = new Registry();
  /** One for each arm at most. */
  readonly #ended = new Map<string, Sums>();
  /** At most `MAX_LIVE_STEPS`. */
  readonly #steps: LiveStep[] = [];
  #begun = 0;
  #over = 0;
  #asked: number | null = null;
  #running: ByArm<ArmReport> = {};
  #shown: ByArm<ArmReport> = {};
  #capacity: Capacity = { carried: null, refused: null };
  #updates = 0;

  constructor() {
    this.#addCounts();
    this.#addArmGauges();
    this.#addSteps();
    this.#addCapacity();
  }

  /** How often something new was told. */
  get updates(): number {
    return this.#updates;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** A step should begin about now: from engines that have no progress to tell. */
  due(plan: EnginePlan, stepIndex: number): void {
    this.#begin(plan, plan.steps[stepIndex]?.rate ?? 0, 0);
  }

  progress(plan: EnginePlan, { stepIndex, elapsedS, arms }: Progress): void {
    if (this.#over === this.#begun) this.#begin(plan, plan.steps[stepIndex]?.rate ?? 0, elapsedS);
    this.#running = arms;
    this.#shown = arms;
    this.#updates += 1;
  }

  step(plan: EnginePlan, { rate, durationS, arms }: StepMeasurement): void {
    if (this.#over === this.#begun) this.#begin(plan, rate * (plan.shard?.count ?? 1), durationS);
    this.#over += 1;
    for (const [name, { ok, failed, dropped }] of armsOf(arms)) {
      const was = this.#ended.get(name) ?? { ok: 0, failed: 0, dropped: 0 };
      this.#ended.set(name, { ok: was.ok + ok, failed: was.failed + failed, dropped: was.dropped + dropped });
    }
    this.#running = {};
    this.#shown = arms;
    this.#updates += 1;
  }

  /** What `load capacity` has found. Null: no rate was carried, or none refused. */
  capacity(carried: number | null, refused: number | null): void {
    this.#capacity = { carried, refused };
    this.#updates += 1;
  }

  #begin(plan: EnginePlan, rate: number, elapsedS: number): void {
    this.#begun += 1;
    this.#asked = plan.model === 'closed' ? null : rate / (plan.shard?.count ?? 1);
    this.#steps.push({ number: this.#begun, rate: this.#asked, startedS: Date.now() / MS_PER_S - elapsedS });
    if (this.#steps.length > MAX_LIVE_STEPS) this.#steps.shift();
    this.#updates += 1;
  }

  #addCounts(): void {
    const ended = this.#ended;
    const running = (): ByArm<ArmReport> => this.#running;
    const counter: Counter<'arm' | 'outcome'> = new Counter({
      name: 'sallyport_load_requests_total',
      help: 'Requests of this load test, by arm and outcome; dropped: due beyond the limit of requests in flight.',
      labelNames: ['arm', 'outcome'],
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [arm, sums] of [...ended, ...armsOf(running())]) {
          for (const outcome of ['ok', 'failed', 'dropped'] as const) counter.inc({ arm, outcome }, sums[outcome]);
        }
      },
    });
  }

  #addArmGauges(): void {
    const rate = this.#gauge(
      'sallyport_load_rate',
      'Requests a second, asked for and achieved.',
      ['arm', 'kind'],
      () => {
        rate.reset();
        for (const [arm, { achievedRate }] of armsOf(this.#shown)) {
          if (this.#asked !== null) rate.set({ arm, kind: 'asked' }, this.#asked);
          rate.set({ arm, kind: 'achieved' }, achievedRate);
        }
      },
    );
    const labels = ['arm', 'quantile'];
    const help = 'From the intended start of a request to its last byte, of this step so far.';
    const latency = this.#gauge('sallyport_load_latency_seconds', help, labels, () => {
      latency.reset();
      for (const [arm, { latencyMs }] of armsOf(this.#shown)) setQuantiles(latency, arm, latencyMs);
    });
    const lag = this.#gauge(
      'sallyport_load_lag_seconds',
      'How late the generator sent, of this step so far.',
      labels,
      () => {
        lag.reset();
        for (const [arm, { lagMs }] of armsOf(this.#shown)) setQuantiles(lag, arm, lagMs);
      },
    );
  }

  #addSteps(): void {
    const step = this.#gauge('sallyport_load_step', 'Steps begun so far.', [], () => step.set(this.#begun));
    const name = 'sallyport_load_step_start_timestamp_seconds';
    const starts = this.#gauge(
      name,
      'When each step began, by its number and the rate asked.',
      ['step', 'rate'],
      () => {
        starts.reset();
        for (const { number, rate, startedS } of this.#steps) {
          starts.set({ step: String(number), rate: rate === null ? 'closed loop' : plainRate(rate) }, startedS);
        }
      },
    );
  }

  #addCapacity(): void {
    const help = 'What load capacity has found: the highest rate carried, the lowest refused.';
    const gauge = this.#gauge('sallyport_load_capacity_rate', help, ['end'], () => {
      for (const end of ['carried', 'refused'] as const) {
        const rate = this.#capacity[end];
        if (rate !== null) gauge.set({ end }, rate);
      }
    });
  }

  #gauge(name: string, help: string, labelNames: string[], collect: () => void): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry], collect });
  }
}

function armsOf(arms: ByArm<ArmReport>): [ArmName, ArmReport][] {
  return Object.entries(arms) as [ArmName, ArmReport][];
}

function setQuantiles(gauge: Gauge, arm: string, { p50, p95, p99 }: ArmReport['latencyMs']): void {
  gauge.set({ arm, quantile: '0.5' }, p50 / MS_PER_S);
  gauge.set({ arm, quantile: '0.95' }, p95 / MS_PER_S);
  gauge.set({ arm, quantile: '0.99' }, p99 / MS_PER_S);
}
