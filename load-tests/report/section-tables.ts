import { count, interval, ms, rate, signedMs } from './format.ts';
import type {
  CapacitySection,
  CompareSection,
  GateSection,
  OverheadSection,
  Sections,
  SoakSection,
  TlsSection,
} from './sections.ts';

/** A table of any form of the report. `words` are the columns that hold words; the others hold numbers. */
export type Table = { title: string; note: string | null; head: string[]; rows: string[][]; words: number[] };

/** What the command found beside the steps, as tables: the same ones on the terminal, in text, Markdown and the page. */
export function sectionTables(sections: Sections): Table[] {
  const { overhead, capacity, soak, gate, compare, tls } = sections;
  return [
    ...(gate === undefined ? [] : gateTables(gate)),
    ...(overhead === undefined ? [] : overheadTables(overhead)),
    ...(capacity === undefined ? [] : capacityTables(capacity)),
    ...(soak === undefined ? [] : [soakTable(soak)]),
    ...(compare === undefined ? [] : [compareTable(compare)]),
    ...(tls === undefined ? [] : [tlsTable(tls)]),
  ];
}

function overheadTables({ rate: at, windows, windowS, added, cpuUsPerRequest, hops = [] }: OverheadSection): Table[] {
  const main: Table = {
    title: `What the tunnel adds at ${rate(at)} requests/s`,
    note: `medians of ${windows} windows of ${windowS} s, tunnel less direct, with their 95 % intervals`,
    head: ['percentile', 'added ms', '95 % interval'],
    rows: added.map(({ metric, medianMs, ci95 }) => [metric, signedMs(medianMs), interval(ci95)]),
    words: [0],
  };
  const tables = hops.length === 0 ? [main] : [main, hopShareTable(hops)];
  if (cpuUsPerRequest === null) return tables;
  const parts = Object.entries(cpuUsPerRequest);
  const total = parts.reduce((sum, [, us]) => sum + us, 0);
  const rows = [...parts, ['all parts', total] as const].map(([part, us]) => [part, us.toFixed(1)]);
  return [...tables, { title: 'CPU per request', note: null, head: ['part', 'µs'], rows, words: [0] }];
}

function hopShareTable(hops: NonNullable<OverheadSection['hops']>): Table {
  return {
    title: 'Hop by hop',
    note: 'medians of the windows, and the interval of the first',
    head: ['hop', 'p50 ms', '95 % interval', 'p99'],
    rows: hops.map(({ hop, p50Ms, ci95, p99Ms }) => [hop, ms(p50Ms), range(ci95), ms(p99Ms)]),
    words: [0],
  };
}

/** An interval of durations, which have no sign. */
function range(ci95: readonly [number, number] | null): string {
  return ci95 === null ? '–' : `${ms(ci95[0])} … ${ms(ci95[1])}`;
}

function capacityTables({ tries, knee, usl, whatIf }: CapacitySection): Table[] {
  const top = Math.max(0, ...tries.map((each) => each.rate));
  const tables: Table[] = [
    {
      title: 'Rates that were tried',
      note:
        knee === null
          ? `not saturated at ${rate(top)} requests/s`
          : `${rate(knee.carriedRate)} requests/s was carried, ${rate(knee.refusedRate)} was not: the knee lies between`,
      head: ['rate/s', 'phase', 'carried', 'achieved', 'p50 ms', 'p99', 'why not'],
      rows: tries.map((each) => [
        rate(each.rate),
        each.phase,
        each.isCarried ? 'yes' : 'no',
        rate(each.achievedRate),
        ms(each.p50Ms),
        ms(each.p99Ms),
        each.reasons.join('; '),
      ]),
      words: [1, 2, 6],
    },
  ];
  if (usl !== null) {
    const peak = usl.peakRate === null ? 'none' : `${rate(usl.peakRate)}/s`;
    tables.push({
      title: 'Universal scalability law',
      note: 'X(N) = λN / (1 + σ(N−1) + κN(N−1)), N requests in flight',
      head: ['λ, 1/s', 'σ contention', 'κ coherency', 'peak', 'R²'],
      rows: [[rate(usl.lambda), usl.sigma.toFixed(4), usl.kappa.toExponential(1), peak, usl.rSquared.toFixed(3)]],
      words: [],
    });
  }
  if (whatIf.length > 0) tables.push(whatIfTable(whatIf));
  return tables;
}

function whatIfTable(whatIf: CapacitySection['whatIf']): Table {
  return {
    title: 'With other slots',
    note: 'mean time in the queue hop; by a queueing model unless measured',
    head: ['rate/s', 'slots', 'queue ms', 'by'],
    rows: whatIf.map((each) => [
      rate(each.rate),
      `${each.slots}`,
      each.queueMeanMs === null ? 'grows without end' : ms(each.queueMeanMs),
      each.isMeasured ? 'measured' : 'model',
    ]),
    words: [3],
  };
}

function soakTable({ trends }: SoakSection): Table {
  return {
    title: 'Trends over the run',
    note: 'Theil–Sen slopes with their 95 % intervals',
    head: ['series', 'unit', 'first', 'last', 'per hour', '95 % interval', 'trend'],
    rows: trends.map(({ name, unit, first, last, slopePerHour, ci95, verdict }) => [
      name,
      unit,
      plain(first),
      plain(last),
      signed(slopePerHour),
      ci95 === null ? '–' : `${signed(ci95[0])} … ${signed(ci95[1])}`,
      verdict,
    ]),
    words: [0, 1, 6],
  };
}

function gateTables({ rows, control, windows, windowS }: GateSection): Table[] {
  const main: Table = {
    title: 'The gate',
    note: `candidate less baseline, ${windows} windows of ${windowS} s, against the margin`,
    head: ['percentile', 'baseline ms', 'difference', '95 % interval', 'margin', 'outcome'],
    rows: rows.map((row) => [
      row.metric,
      ms(row.baselineMs),
      signedMs(row.differenceMs),
      interval(row.ci95),
      signedMs(row.marginMs),
      row.outcome,
    ]),
    words: [0, 5],
  };
  if (control === null) return [main];
  return [
    main,
    {
      title: 'The control (A/A)',
      note: 'the baseline against itself: outside half the margin this machine is not fit to judge',
      head: ['percentile', 'difference', '95 % interval', 'machine'],
      rows: control.map((row) => [
        row.metric,
        signedMs(row.differenceMs),
        interval(row.ci95),
        row.isFit ? 'fit' : 'not fit',
      ]),
      words: [0, 3],
    },
  ];
}

function compareTable({ a, b, rows }: CompareSection): Table {
  return {
    title: 'A against B',
    note: `A is ${a}; B is ${b}; the difference is B less A`,
    head: ['rate/s', 'figure', 'A ms', 'B ms', 'difference', '95 % interval'],
    rows: rows.map((row) => [
      rate(row.rate),
      row.metric,
      ms(row.aMs),
      ms(row.bMs),
      signedMs(row.differenceMs),
      interval(row.ci95),
    ]),
    words: [1],
  };
}

function tlsTable(modes: TlsSection): Table {
  return {
    title: 'TLS modes',
    note: `blocks in the order A-B-B-A; added against ${modes[0]?.mode ?? 'the first'}`,
    head: ['mode', 'handshakes', 'resumed', 'connect p50 ms', 'p50', 'p99', 'added p50', '95 % interval'],
    rows: modes.map((mode) => {
      const added = mode.added.find(({ metric }) => metric === 'p50');
      return [
        mode.mode,
        count(mode.handshakes),
        mode.resumed === undefined ? '–' : count(mode.resumed),
        ms(mode.connectP50Ms),
        ms(mode.latencyP50Ms),
        ms(mode.latencyP99Ms),
        added === undefined ? '–' : signedMs(added.medianMs),
        interval(added?.ci95 ?? null),
      ];
    }),
    words: [0],
  };
}

/** Bytes, descriptors, milliseconds alike: three figures that mean something, thousands set apart. */
function plain(value: number): string {
  const isLarge = Math.abs(value) >= 100;
  return isLarge ? count(value) : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

function signed(value: number): string {
  return value > 0 ? `+${plain(value)}` : plain(value);
}
