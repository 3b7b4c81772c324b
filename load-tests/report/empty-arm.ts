import type { ArmReport, Latencies } from './model.ts';

const NOTHING: Latencies = { min: 0, mean: 0, p50: 0, p75: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 };

/** An arm that has not begun. */
export const EMPTY_ARM: ArmReport = {
  requests: 0,
  ok: 0,
  failed: 0,
  dropped: 0,
  achievedRate: 0,
  latencyMs: NOTHING,
  serviceMs: NOTHING,
  lagMs: NOTHING,
  statusCodes: {},
  errors: {},
  errorHops: {},
  bytesIn: 0,
  bytesOut: 0,
  inFlightMax: 0,
  elapsedS: 0,
};
