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
export type LimitHit = {
  part: string;
  limit: string;
  hits: number;
  /** The rate of the step in which it was first reached; absent where that is not known. */
  firstAt?: number;
};

/** What a part's process did during one step, by part. A part that could not be read is absent. */
export type PartCpu = {
  rate: number;
  /** CPU time per request of all arms that pass it, microseconds. */
  usPerRequest: Record<string, number>;
  /** CPU time over wall time: 1 is one core. */
  cores?: Record<string, number>;
  /** Share of wall time in which the event loop was working, 0 to 1. */
  loopBusy?: Record<string, number>;
  /** p99 of the event loop's delay, milliseconds: the upper bound of the histogram bucket it lies in. */
  loopDelayP99Ms?: Record<string, number>;
};

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
