import type { Engine, EngineEvents, EnginePlan } from '../engine/plan.ts';
import type { Calibration, Evidence, LimitHit, PartCpu } from '../report/evidence.ts';
import { fingerprint } from './fingerprint.ts';
import { CPU_TOTAL, findParts, readPart } from './parts.ts';
import type { AdminPorts, FoundParts, Part, Reading } from './parts.ts';
import { quantileBetween, select, sumOf } from './prometheus-text.ts';
import { isLoopback } from './target.ts';

const US_PER_S = 1e6;
const MS_PER_S = 1000;
const P99 = 0.99;
/** Parts that nobody named must have seen at least this share of our requests to be the ones we went through. */
const MIN_SEEN_SHARE = 0.5;

/** An engine that tells of its steps only at the run's end (k6) leaves nothing to read between them. */
const MIN_APART_MS = 300;

/** A step's rate and the requests that went through the parts in it, and the readings of all parts at its end, in their order. */
type Ended = { rate: number; requests: number; atMs: number; readings: (Reading | null)[] };
type Ending = Omit<Ended, 'readings'> & { readings: Promise<Ended['readings']> };

/**
 * Finds the parts and reads their `/metrics` once; what is returned reads them at each step's end. Nothing here fails a
 * run: what cannot be read is a note.
 */
export async function watchParts(admin: AdminPorts, plan: EnginePlan): Promise<PartsWatch> {
  const target = plan.arms[0];
  return new PartsWatch(await findParts(admin, target !== undefined && isLoopback(new URL(target.origin))));
}

export class PartsWatch {
  readonly #parts: readonly Part[];
  readonly #areGuessed: boolean;
  readonly #notes: string[];
  readonly #fingerprint = fingerprint();
  /** One for each step of the plan, at most. */
  readonly #steps: Ending[] = [];
  #start: Promise<Ended['readings']>;

  constructor({ parts, areGuessed, notes }: FoundParts) {
    this.#parts = parts;
    this.#areGuessed = areGuessed;
    this.#notes = [...notes];
    this.#start = Promise.resolve(parts.map(({ first }) => first));
  }

  /** The same engine, with the parts read at the end of the warm-up and of each step. */
  watching(engine: Engine): Engine {
    const run: Engine['run'] = async (plan, events, signal) => {
      const end = await engine.run(plan, this.#watched(events), signal);
      await Promise.all([this.#start, ...this.#steps.map(({ readings }) => readings)]);
      return end;
    };
    return { name: engine.name, run };
  }

  /** @param calibration null where the generator was not calibrated */
  async evidence(calibration: Calibration | null = null): Promise<Evidence> {
    const steps = await Promise.all(this.#steps.map(async (step) => ({ ...step, readings: await step.readings })));
    const all = [{ rate: 0, requests: 0, atMs: -Infinity, readings: await this.#start }, ...steps];
    const common = { calibration, fingerprint: this.#fingerprint };
    if (this.#areGuessed && this.#parts.length > 0 && !this.#sawOurs(all)) {
      const note = 'the parts at the default admin ports did not see this load, and are left out: give --admin URL';
      return { ...common, limits: [], partCpu: [], notes: [...this.#notes, note] };
    }
    return { ...common, limits: this.#limits(all), partCpu: this.#cpu(all), notes: this.#notes };
  }

  #watched(events: EngineEvents): EngineEvents {
    return {
      onProgress: (progress) => events.onProgress(progress),
      onStepDue: (stepIndex) => {
        // Its warm-up is over, and it does not say so.
        if (stepIndex === 0) this.#start = this.#read();
        events.onStepDue?.(stepIndex);
      },
      onWarmUp: (measurement) => {
        if (this.#steps.length === 0) this.#start = this.#read();
        events.onWarmUp(measurement);
      },
      onStep: (measurement) => {
        // The twin is the target once more, through the same parts.
        const { tunnel, twin } = measurement.arms;
        const requests = (tunnel?.requests ?? 0) + (twin?.requests ?? 0);
        this.#steps.push({ rate: measurement.rate, requests, atMs: performance.now(), readings: this.#read() });
        events.onStep(measurement);
      },
    };
  }

  #read(): Promise<Ended['readings']> {
    return Promise.all(
      this.#parts.map(async (part) => {
        const reading = await readPart(part);
        return typeof reading === 'string' ? null : reading;
      }),
    );
  }

  #sawOurs(all: readonly Ended[]): boolean {
    const sent = all.reduce((sum, { requests }) => sum + requests, 0);
    const entries = this.#parts.flatMap(({ name }, index) => (name.startsWith('entry') ? [index] : []));
    if (entries.length === 0) return false;
    const last = all.at(-1)?.readings ?? [];
    const seen = entries.reduce((sum, index) => {
      return sum + requestsIn(last[index]) - requestsIn(this.#parts[index]?.first);
    }, 0);
    return seen >= MIN_SEEN_SHARE * sent;
  }

  /** Which limits were reached since the beginning, with the step in which that was first seen. */
  #limits(all: readonly Ended[]): LimitHit[] {
    const hits = new Map<string, LimitHit>();
    for (const [index, part] of this.#parts.entries()) {
      for (const { rate, readings } of all) {
        for (const { labels, value } of select(readings[index]?.samples ?? [], 'sallyport_limit_hits_total')) {
          const limit = labels['limit'] ?? 'unknown';
          const was = sumOf(part.first.samples, 'sallyport_limit_hits_total', { limit }) ?? 0;
          if (value <= was) continue;
          const key = `${part.name} ${limit}`;
          const known = hits.get(key) ?? { part: part.name, limit, hits: 0, ...(rate > 0 && { firstAt: rate }) };
          hits.set(key, { ...known, hits: value - was });
        }
      }
    }
    return [...hits.values()];
  }

  #cpu(all: readonly Ended[]): PartCpu[] {
    const apart = readApart(all);
    return apart.slice(1).flatMap((step, index) => {
      // Of several rates in one nothing can be said.
      if (Number.isNaN(step.rate)) return [];
      const figures = {
        rate: step.rate,
        usPerRequest: {} as Record<string, number>,
        cores: {} as Record<string, number>,
        loopBusy: {} as Record<string, number>,
        loopDelayP99Ms: {} as Record<string, number>,
      };
      for (const [place, { process }] of this.#parts.entries()) {
        const before = apart[index]?.readings[place];
        const after = step.readings[place];
        if (process === null || !before || !after) continue;
        const wallS = (after.atMs - before.atMs) / MS_PER_S;
        note(figures.usPerRequest, process, (US_PER_S * grown(before, after, CPU_TOTAL)) / step.requests);
        note(figures.cores, process, grown(before, after, CPU_TOTAL) / wallS);
        note(figures.loopBusy, process, grown(before, after, 'sallyport_event_loop_active_seconds_total') / wallS);
        const delayS = quantileBetween(before.samples, after.samples, 'sallyport_event_loop_delay_seconds', P99);
        note(figures.loopDelayP99Ms, process, delayS === null ? Number.NaN : delayS * MS_PER_S);
      }
      return figures;
    });
  }
}

/** Steps that ended at the same moment, as one: what was read then is of all of them. Its rate is NaN if they had several. */
function readApart(all: readonly Ended[]): Ended[] {
  const apart: Ended[] = [];
  for (const step of all) {
    const last = apart.at(-1);
    if (last === undefined || step.atMs - last.atMs >= MIN_APART_MS) apart.push(step);
    else {
      const rate = step.rate === last.rate ? step.rate : Number.NaN;
      apart[apart.length - 1] = { ...step, rate, requests: last.requests + step.requests };
    }
  }
  return apart;
}

function requestsIn(reading: Reading | null | undefined): number {
  return sumOf(reading?.samples ?? [], 'sallyport_requests_total') ?? 0;
}

function grown(before: Reading, after: Reading, name: string): number {
  return (sumOf(after.samples, name) ?? Number.NaN) - (sumOf(before.samples, name) ?? Number.NaN);
}

/** To three decimals; what is not known, or beyond any bucket, is left out. */
function note(figures: Record<string, number>, name: string, value: number): void {
  if (Number.isFinite(value)) figures[name] = Math.round(value * 1000) / 1000;
}
