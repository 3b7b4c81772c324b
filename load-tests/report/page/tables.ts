import { count, loadText, ms, percent, rate } from '../format.ts';
import { markup } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { ARM_NAMES } from '../model.ts';
import type { ArmReport, GeneratorReport, LoadReport } from '../model.ts';
import type { Table } from '../section-tables.ts';

/** Longer text breaks into lines; shorter cells never do. */
const LONG_CELL = 40;

/** A table that scrolls by itself, by finger and by keyboard, so that the page never has to. */
export function tableBlock({ title, note, head, rows, words }: Table): Markup | null {
  if (rows.length === 0) return null;
  const kind = (index: number): string => (words.includes(index) ? 'word' : 'number');
  return markup`<h3 class="title">${title}</h3>${note === null ? null : markup`<p class="lead">${note}</p>`}
<div class="table" tabindex="0" role="region" aria-label="${title}"><table>
<thead><tr>${head.map((cell, index) => markup`<th scope="col" class="${kind(index)}">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => markup`<tr>${row.map((cell, index) => cellMarkup(cell, index, kind(index)))}</tr>\n`)}</tbody></table></div>
`;
}

function cellMarkup(cell: string, index: number, kind: string): Markup {
  return index === 0
    ? markup`<th scope="row" class="${kind}">${cell}</th>`
    : markup`<td class="${cell.length > LONG_CELL ? `${kind} long` : kind}">${cell}</td>`;
}

/** How fit the generator was, step by step. */
export function healthTable({ steps, generator }: LoadReport): Markup | null {
  return tableBlock({
    title: 'The generator’s own health',
    note: 'how late requests left, and how busy it was; a dash is a figure this engine or machine does not give',
    head: [
      'rate/s',
      'lag p50 ms',
      'p99',
      'loop busy %',
      'CPU %',
      'sent in time %',
      'steal %',
      'throttled %',
      'room in flight',
    ],
    rows: [...steps.map((step) => healthRow(rate(step.rate), step.generator)), healthRow('worst', generator)],
    words: [],
  });
}

function healthRow(name: string, own: GeneratorReport): string[] {
  return [
    name,
    ms(own.lagP50Ms),
    ms(own.lagP99Ms),
    share(own.elu === null ? null : 100 * own.elu),
    share(own.cpuPercent),
    share(100 * own.sentRatio),
    share(own.stealPercent),
    share(own.throttledPercent),
    count(own.maxInFlight),
  ];
}

/** What the parts' processes did, where they could be read. */
export function partTable({ evidence }: LoadReport): Markup | null {
  return tableBlock({
    title: 'The parts of the tunnel',
    note: 'what their own admin addresses tell of each step',
    head: ['rate/s', 'part', 'CPU µs a request', 'cores', 'loop busy %', 'loop delay p99 ms'],
    rows: evidence.partCpu.flatMap(({ rate: offered, usPerRequest, cores, loopBusy, loopDelayP99Ms }) =>
      Object.entries(usPerRequest).map(([part, us]) => [
        rate(offered),
        part,
        us.toFixed(1),
        cores?.[part]?.toFixed(2) ?? '–',
        share(loopBusy?.[part] === undefined ? null : 100 * loopBusy[part]),
        loopDelayP99Ms?.[part] === undefined ? '–' : ms(loopDelayP99Ms[part]),
      ]),
    ),
    words: [1],
  });
}

/** Every figure of every arm and step; errors and status codes by name. */
export function rawTables(report: LoadReport): (Markup | null)[] {
  const all = [
    ...report.steps.map(({ rate: offered, arms }) => ({ name: rate(offered), arms })),
    { name: 'all', arms: report.totals.arms },
  ];
  const rows = all.flatMap(({ name, arms }) =>
    ARM_NAMES.flatMap((arm) => (arms[arm] === undefined ? [] : [{ name, arm, own: arms[arm] }])),
  );
  const latencies = ['min', 'mean', 'p50', 'p75', 'p90', 'p95', 'p99', 'p999', 'max'] as const;
  return [
    tableBlock({
      title: 'Counts',
      note: null,
      head: [
        'rate/s',
        'arm',
        'requests',
        'ok',
        'failed',
        'dropped',
        'ok %',
        'achieved/s',
        'most in flight',
        'bytes in',
        'bytes out',
      ],
      rows: rows.map(({ name, arm, own }) => [name, arm, ...countCells(own)]),
      words: [1],
    }),
    tableBlock({
      title: 'Latency in ms, from the intended start to the last byte',
      note: null,
      head: ['rate/s', 'arm', ...latencies.map((each) => (each === 'p999' ? 'p99.9' : each)), 'service p50', 'p99'],
      rows: rows.map(({ name, arm, own }) => [
        name,
        arm,
        ...latencies.map((each) => ms(own.latencyMs[each])),
        ms(own.serviceMs.p50),
        ms(own.serviceMs.p99),
      ]),
      words: [1],
    }),
    tableBlock({
      title: 'Connections and refusals',
      note: 'refused for coming too often: 429, and 503 with Retry-After',
      head: [
        'rate/s',
        'arm',
        'connects',
        'connect p50 ms',
        'p99',
        'TLS handshakes',
        'resumed',
        'refused',
        'longest wait s',
      ],
      rows: rows
        .filter(({ own }) => own.connects !== undefined)
        .map(({ name, arm, own }) => [name, arm, ...connectionCells(own)]),
      words: [1],
    }),
    tableBlock({
      title: 'Answers and errors by kind',
      note: null,
      head: ['rate/s', 'arm', 'what', 'count'],
      rows: rows.flatMap(({ name, arm, own }) =>
        Object.entries({ ...own.statusCodes, ...own.errors }).map(([what, number]) => [name, arm, what, count(number)]),
      ),
      words: [1, 2],
    }),
  ];
}

function countCells(own: ArmReport): string[] {
  const { requests, ok, failed, dropped, achievedRate, inFlightMax, bytesIn, bytesOut } = own;
  const counts = [requests, ok, failed, dropped].map((each) => count(each));
  return [
    ...counts,
    percent(ok, requests),
    achievedRate.toFixed(2),
    ...[inFlightMax, bytesIn, bytesOut].map((each) => count(each)),
  ];
}

function counted(value: number | undefined): string {
  return value === undefined ? '–' : count(value);
}

function connectionCells({ connects, connectMs, tlsHandshakes, tlsResumed, limited }: ArmReport): string[] {
  const times = connectMs === undefined ? ['–', '–'] : [ms(connectMs.p50), ms(connectMs.p99)];
  const refusals = [counted(limited?.count), counted(limited?.retryAfterMaxS)];
  return [counted(connects), ...times, counted(tlsHandshakes), counted(tlsResumed), ...refusals];
}

/** What ran where. */
export function machineBlock({ target, profile, tool, machine, evidence, totals }: LoadReport): Markup {
  const gigabytes = (machine.memoryBytes / 2 ** 30).toFixed(1);
  const pairs: [string, string][] = [
    ['Target', `${target.method} ${target.tunnel}`],
    ['Direct', target.direct ?? 'none'],
    ['Profile', `${loadText(profile)}, warm-up ${profile.warmUpS} s, ${totals.durationS.toFixed(0)} s measured`],
    ['Time limit', `${count(target.timeoutMs)} ms a request`],
    ['Engine', `${tool.engine}, Node ${tool.node}`],
    ['Machine', `${machine.cpus} × ${machine.cpuModel}, ${gigabytes} GiB, ${machine.platform}, ${machine.kernel}`],
    ...Object.entries(evidence.fingerprint),
  ];
  return markup`<dl class="setting">${pairs.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function share(value: number | null): string {
  return value === null ? '–' : value.toFixed(1);
}
