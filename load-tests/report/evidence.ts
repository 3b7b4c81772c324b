/** What speaks for or against a run's figures beside the figures themselves. */

/** The generator against a server that answers at once, before the run: what it adds by itself. */
export type Calibration = {
  /** Requests per second offered: twice the plan's top rate, or as much as it could. */
  rate: number;
  achievedRate: number;
  lagP99Ms: number;
  serviceP50Ms: number;
  serviceP99Ms: number;
  cpuUsPerRequest: number;
};

/** A configured limit of a part that was reached during the run: `sallyport_limit_hits_total` of its `/metrics`. */
export type LimitHit = { part: string; limit: string; hits: number };

/** Where the parts run on this machine: CPU time per request, by part, in microseconds. */
export type PartCpu = { rate: number; usPerRequest: Record<string, number> };

export type Evidence = {
  /** Null where it was not asked for, or the engine has none. */
  calibration: Calibration | null;
  limits: LimitHit[];
  partCpu: PartCpu[];
  /** Clock, cgroup, open-file limit and the like, as name and value, for people. */
  fingerprint: Record<string, string>;
  /** What could not be read or was odd, a sentence each. */
  notes: string[];
};

export const NO_EVIDENCE: Evidence = { calibration: null, limits: [], partCpu: [], fingerprint: {}, notes: [] };
