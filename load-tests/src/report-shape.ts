/** What a report.json must hold before anything computes with it or shows it: the shape of `LoadReport`. */
import { ARM_NAMES, REPORT_SCHEMA, TIMED_HOPS } from '../report/model.ts';

/** Null, or where in the value and what it should be: `.steps[0].rate must be a number`. */
type Check = (value: unknown, place: string) => string | null;

const number: Check = (value, place) => must(Number.isFinite(value), place, 'a number');
const text: Check = (value, place) => must(typeof value === 'string', place, 'text');
const flag: Check = (value, place) => must(typeof value === 'boolean', place, 'true or false');

function must(isSo: boolean, place: string, what: string): string | null {
  return isSo ? null : `${place} must be ${what}`;
}

function word(...words: readonly string[]): Check {
  return (value, place) => must(words.includes(value as string), place, words.join(' or '));
}

function nullable(check: Check): Check {
  return (value, place) => (value === null ? null : check(value, place));
}

function maybe(check: Check): Check {
  return (value, place) => (value === undefined ? null : check(value, place));
}

function list(check: Check): Check {
  return (value, place) => {
    if (!Array.isArray(value)) return `${place} must be a list`;
    return firstOf(value.map((each, index) => () => check(each, `${place}[${index}]`)));
  };
}

/** Each of its values, whatever the keys are. */
function map(check: Check): Check {
  return (value, place) => {
    if (!isRecord(value)) return `${place} must hold names and values`;
    return firstOf(
      Object.entries(value).map(
        ([key, each]) =>
          () =>
            check(each, `${place}.${key}`),
      ),
    );
  };
}

/** These keys; others are left alone, since newer versions may have more. */
function fields(checks: Readonly<Record<string, Check>>): Check {
  return (value, place) => {
    if (!isRecord(value)) return `${place} must hold ${Object.keys(checks).join(', ')}`;
    return firstOf(
      Object.entries(checks).map(
        ([key, check]) =>
          () =>
            check(value[key], `${place}.${key}`),
      ),
    );
  };
}

function firstOf(looks: readonly (() => string | null)[]): string | null {
  for (const look of looks) {
    const wrong = look();
    if (wrong !== null) return wrong;
  }
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const pair: Check = (value, place) => {
  const isPair = Array.isArray(value) && value.length === 2 && value.every((each) => Number.isFinite(each));
  return must(isPair, place, 'two numbers');
};
const ci95 = nullable(pair);
const all = (names: readonly string[], check: Check): Record<string, Check> =>
  Object.fromEntries(names.map((name) => [name, check]));

const latencies = fields(all(['min', 'mean', 'p50', 'p75', 'p90', 'p95', 'p99', 'p999', 'max'], number));

const arm = fields({
  ...all(['requests', 'ok', 'failed', 'dropped', 'achievedRate', 'bytesIn', 'bytesOut'], number),
  ...all(['inFlightMax', 'elapsedS'], number),
  ...all(['latencyMs', 'serviceMs', 'lagMs'], latencies),
  ...all(['statusCodes', 'errors', 'errorHops'], map(number)),
  ...all(['inFlightMean', 'connects', 'tlsHandshakes', 'tlsResumed'], maybe(number)),
  connectMs: maybe(latencies),
  limited: maybe(fields({ count: number, retryAfterMaxS: number })),
  curve: maybe(list(pair)),
});
const arms = fields({ ...all(ARM_NAMES, maybe(arm)), tunnel: arm });

const generator = fields({
  ...all(['lagP50Ms', 'lagP99Ms', 'sentRatio', 'maxInFlight'], number),
  ...all(['elu', 'cpuPercent', 'stealPercent', 'throttledPercent'], nullable(number)),
});

const second = fields({
  atS: number,
  lengthS: number,
  arms: map(fields(all(['ok', 'failed', 'p50', 'p99', 'max'], number))),
});

const step = fields({
  rate: number,
  durationS: number,
  complete: flag,
  arms,
  apart: maybe(list(text)),
  addedMs: nullable(fields({ p50: number, p99: number, ci95 })),
  hopsMs: nullable(fields(all(TIMED_HOPS, fields({ p50: number, p99: number })))),
  generator,
  seconds: list(second),
});

const evidence = fields({
  calibration: nullable(
    fields(all(['rate', 'achievedRate', 'lagP99Ms', 'serviceP50Ms', 'serviceP99Ms', 'cpuUsPerRequest'], number)),
  ),
  limits: list(fields({ part: text, limit: text, hits: number, firstAt: maybe(number) })),
  partCpu: list(
    fields({
      rate: number,
      usPerRequest: map(number),
      ...all(['cores', 'loopBusy', 'loopDelayP99Ms'], maybe(map(number))),
    }),
  ),
  fingerprint: map(text),
  notes: list(text),
});

const paired = list(fields({ metric: text, medianMs: number, ci95 }));
const judged = { metric: text, differenceMs: number, ci95 };

const sections = fields({
  overhead: maybe(
    fields({
      ...all(['rate', 'windows', 'windowS'], number),
      added: paired,
      cpuUsPerRequest: nullable(map(number)),
      hops: maybe(list(fields({ hop: text, p50Ms: number, p99Ms: number, ci95 }))),
      books: maybe(nullable(fields({ sentence: nullable(text) }))),
    }),
  ),
  capacity: maybe(
    fields({
      tries: list(
        fields({
          ...all(['rate', 'achievedRate', 'p50Ms', 'p99Ms'], number),
          phase: text,
          isCarried: flag,
          reasons: list(text),
        }),
      ),
      knee: nullable(fields({ carriedRate: number, refusedRate: number })),
      usl: nullable(fields({ ...all(['lambda', 'sigma', 'kappa', 'rSquared'], number), peakRate: nullable(number) })),
      whatIf: list(fields({ rate: number, slots: number, queueMeanMs: nullable(number), isMeasured: flag })),
      sentence: maybe(text),
    }),
  ),
  soak: maybe(
    fields({
      trends: list(
        fields({ ...all(['name', 'unit', 'verdict'], text), ...all(['slopePerHour', 'first', 'last'], number), ci95 }),
      ),
      isLeaking: nullable(flag),
      isFailing: maybe(flag),
      sentence: text,
    }),
  ),
  gate: maybe(
    fields({
      outcome: word('pass', 'fail', 'inconclusive'),
      rows: list(fields({ ...judged, baselineMs: number, marginMs: number, outcome: text })),
      control: nullable(list(fields({ ...judged, isFit: flag, of: maybe(text) }))),
      windows: number,
      windowS: number,
      isFit: maybe(flag),
      sentence: text,
    }),
  ),
  compare: maybe(
    fields({
      ...all(['a', 'b', 'sentence'], text),
      rows: list(fields({ ...all(['rate', 'aMs', 'bMs', 'differenceMs'], number), metric: text, ci95 })),
    }),
  ),
  tls: maybe(
    list(
      fields({
        ...all(['handshakes', 'connectP50Ms', 'latencyP50Ms', 'latencyP99Ms'], number),
        mode: text,
        resumed: maybe(number),
        added: paired,
      }),
    ),
  ),
});

const report = fields({
  schema: word(REPORT_SCHEMA),
  command: text,
  tool: fields({ name: word('sallyport'), version: text, engine: word('embedded', 'k6'), node: text }),
  machine: fields({ ...all(['cpus', 'memoryBytes'], number), ...all(['cpuModel', 'platform', 'kernel'], text) }),
  target: fields({
    tunnel: text,
    direct: nullable(text),
    method: text,
    timeoutMs: number,
    protocol: maybe(text),
    bodyBytes: maybe(number),
    content: maybe(text),
  }),
  profile: fields({
    name: text,
    arrivals: text,
    seed: number,
    warmUpS: number,
    model: maybe(text),
    shard: maybe(fields({ index: number, count: number })),
  }),
  startedAt: (value, place) => must(typeof value === 'string' && !Number.isNaN(Date.parse(value)), place, 'a date'),
  stopped: nullable(fields({ reason: word('interrupted', 'threshold', 'error'), code: text, message: text })),
  steps: list(step),
  totals: fields({ durationS: number, arms }),
  thresholds: list(fields({ expression: text, failedAt: list(number), worst: nullable(number) })),
  generator,
  evidence,
  verdict: fields({
    fault: word('none', 'generator', 'backend', 'tunnel', 'inconclusive'),
    hop: nullable(text),
    at: nullable(number),
    kneeRate: nullable(number),
    confidence: number,
    evidence: list(text),
    sentence: text,
  }),
  sections,
});

/** Null for a report; otherwise the first thing in it that is not as it must be. */
export function reportProblem(value: unknown): string | null {
  return report(value, '');
}
