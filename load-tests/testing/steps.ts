import { HOPS } from '../report/model.ts';
import type { ArmReport, HopName, HopsReport, Latencies, StepReport } from '../report/model.ts';

/** Synthetic steps for the pure analysis: healthy unless told otherwise. */
export type ArmShape = {
  p50?: number;
  p99?: number;
  failed?: number;
  dropped?: number;
  /** Part of the offered load answered well and in step. */
  achieved?: number;
  statusCodes?: Record<string, number>;
  errors?: Record<string, number>;
  errorHops?: Record<string, number>;
};
export type StepShape = {
  rate: number;
  durationS?: number;
  tunnel?: ArmShape;
  direct?: ArmShape | null;
  /** p99 of hops in ms; the others 0.1. Null: the target sends no times. */
  hops?: Partial<Record<HopName, number>> | null;
  lagP99Ms?: number;
  elu?: number;
  sentRatio?: number;
  stealPercent?: number;
  throttledPercent?: number;
  maxInFlight?: number;
  /** How many of ten seconds show the step's p99; the others show its p50. */
  badSeconds?: number;
};

const SECONDS = 10;
const HEALTHY_P50 = 1;
const HEALTHY_P99 = 2;
const HEALTHY_HOP = 0.1;

export function makeStep(shape: StepShape): StepReport {
  const { rate, durationS = SECONDS, badSeconds = SECONDS } = shape;
  const tunnel = makeArm(rate * durationS, durationS, shape.tunnel ?? {});
  const direct = shape.direct === null ? null : makeArm(rate * durationS, durationS, shape.direct ?? {});
  const second = (arm: ArmReport, index: number) => {
    const { p50, p99 } = arm.latencyMs;
    const tail = index < badSeconds ? p99 : p50;
    return { ok: arm.ok / SECONDS, failed: arm.failed / SECONDS, p50, p99: tail, max: tail };
  };
  return {
    rate,
    durationS,
    complete: true,
    arms: direct === null ? { tunnel } : { tunnel, direct },
    addedMs: null,
    hopsMs: shape.hops === null ? null : makeHops(shape.hops ?? {}),
    generator: {
      lagP50Ms: 0.05,
      lagP99Ms: shape.lagP99Ms ?? 0.2,
      elu: shape.elu ?? 0.1,
      cpuPercent: 10,
      sentRatio: shape.sentRatio ?? 1,
      stealPercent: shape.stealPercent ?? 0,
      throttledPercent: shape.throttledPercent ?? 0,
      maxInFlight: shape.maxInFlight ?? 2000,
    },
    seconds: Array.from({ length: SECONDS }, (_, index) => ({
      atS: index,
      lengthS: 1,
      arms: { tunnel: second(tunnel, index), ...(direct && { direct: second(direct, index) }) },
    })),
  };
}

export function makeSteps(shapes: StepShape[]): StepReport[] {
  return shapes.map((shape) => makeStep(shape));
}

export function makeArm(offered: number, durationS: number, shape: ArmShape): ArmReport {
  const { failed = 0, dropped = 0 } = shape;
  const requests = offered - dropped;
  const ok = requests - failed;
  const achieved = shape.achieved ?? ok / offered;
  const latencyMs = flat(shape.p50 ?? HEALTHY_P50, shape.p99 ?? HEALTHY_P99);
  return {
    requests,
    ok,
    failed,
    dropped,
    achievedRate: (achieved * offered) / durationS,
    latencyMs,
    serviceMs: latencyMs,
    lagMs: flat(0.05, 0.2),
    statusCodes: shape.statusCodes ?? { 200: ok },
    errors: shape.errors ?? {},
    errorHops: shape.errorHops ?? {},
    bytesIn: requests * 20,
    bytesOut: 0,
    inFlightMax: 10,
    elapsedS: durationS,
  };
}

function flat(p50: number, p99: number): Latencies {
  return { min: p50 / 2, mean: p50, p50, p75: p50, p90: p99, p95: p99, p99, p999: p99, max: p99 };
}

function makeHops(p99: Partial<Record<HopName, number>>): HopsReport {
  const hop = (name: HopName) => ({ p50: HEALTHY_HOP, p99: p99[name] ?? HEALTHY_HOP });
  const hops = Object.fromEntries(HOPS.map((name) => [name, hop(name)])) as Omit<HopsReport, 'total'>;
  const total = HOPS.reduce((sum, name) => sum + hops[name].p99, 0);
  return { ...hops, total: { p50: HEALTHY_P50, p99: total } };
}
