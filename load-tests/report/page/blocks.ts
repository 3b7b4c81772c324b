import { count, interval, ms, percent, rate, signedMs } from '../format.ts';
import { headline } from '../headline.ts';
import type { Tone } from '../headline.ts';
import type { Chart } from '../chart.ts';
import { markup } from '../markup.ts';
import type { Inserted, Markup } from '../markup.ts';
import type { LoadReport, StepReport, Verdict } from '../model.ts';

const TONE_NAME: Readonly<Record<Tone, string>> = { good: 'Good', bad: 'Fault', unsure: 'Not certain' };
/** A tick, a cross and a question mark: the tone without its colour. */
const TONE_SIGN: Readonly<Record<Tone, string>> = {
  good: 'M8 14.5l4 4 8-9',
  bad: 'M9.5 9.5l9 9m0-9l-9 9',
  unsure: 'M10.4 11a3.6 3.6 0 1 1 5 3.3c-1 .5-1.4 1-1.4 2.2m0 3.2v.3',
};

/** The answer in plain words, and what it rests on. */
export function verdictBlock(report: LoadReport): Markup {
  const { tone, label, sentence, evidence, endings } = headline(report);
  const { command, startedAt, profile } = report;
  return markup`<header class="verdict ${tone}" id="verdict">
<p class="about">sallyport load ${command} · profile ${profile.name}${profile.model === 'closed' ? ' · closed model' : ''} · <time datetime="${startedAt}">${dateText(startedAt)}</time></p>
<h1><svg class="sign" viewBox="0 0 28 28" role="img" aria-label="${TONE_NAME[tone]}"><circle cx="14" cy="14" r="12.5"/><path d="${TONE_SIGN[tone]}"/></svg>${label}</h1>
<p class="sentence">${sentence}</p>
${listBlock('Evidence', evidence)}${listBlock('Thresholds and ending', endings)}
</header>
`;
}

function listBlock(title: string, items: readonly string[]): Markup | null {
  return items.length === 0 ? null : markup`<h2>${title}</h2><ul>${items.map((item) => markup`<li>${item}</li>`)}</ul>`;
}

type Fact = { name: string; value: string; unit: string; note: string };

/** The few figures that are asked for first. */
export function factsBlock(report: LoadReport): Markup {
  return markup`<dl class="facts">${totalFacts(report).map(
    ({ name, value, unit, note }) =>
      markup`<div><dt>${name}</dt><dd><strong>${value}</strong> ${unit}<small>${note}</small></dd></div>`,
  )}</dl>`;
}

function totalFacts(report: LoadReport): Fact[] {
  const { totals, verdict, steps, sections } = report;
  const { tunnel } = totals.arms;
  const top = Math.max(0, ...steps.map((step) => step.rate));
  const knee = sections.capacity?.knee;
  const kneeText =
    knee === undefined || knee === null
      ? verdict.kneeRate === null
        ? { value: 'none', unit: '', note: `up to ${rate(top)} requests/s` }
        : { value: rate(verdict.kneeRate), unit: '/s', note: 'first rate not carried' }
      : { value: rate(knee.carriedRate), unit: '/s', note: `${rate(knee.refusedRate)}/s was not carried` };
  return [
    { name: 'Requests', value: count(tunnel.requests), unit: '', note: `${percent(tunnel.ok, tunnel.requests)} ok` },
    ...latencyFacts(report),
    ...(isRamp(steps) || verdict.kneeRate !== null ? [{ name: 'Knee', ...kneeText }] : []),
    ...(Object.keys(sections).length > 0
      ? []
      : [{ name: 'Confidence', value: `${Math.round(100 * verdict.confidence)}`, unit: '%', note: 'in the verdict' }]),
  ];
}

function isRamp(steps: readonly StepReport[]): boolean {
  return new Set(steps.map((step) => step.rate)).size > 1;
}

/** The highest rate that was carried: beyond the knee a figure measures the queue. The lowest, where none was. */
function lastCarried(steps: readonly StepReport[], { kneeRate }: Verdict): StepReport | undefined {
  return steps.findLast((each) => each.complete && each.rate < (kneeRate ?? Infinity)) ?? steps[0];
}

function latencyFacts({ steps, verdict, totals, sections }: LoadReport): Fact[] {
  const step = lastCarried(steps, verdict);
  if (step === undefined) return [];
  const { p50, p99 } = (isRamp(steps) ? step.arms : totals.arms).tunnel.latencyMs;
  const note = `through the tunnel at ${rate(step.rate)}/s`;
  const facts = [
    { name: 'Median', value: ms(p50), unit: 'ms', note },
    { name: '99th percentile', value: ms(p99), unit: 'ms', note },
  ];
  // Windows of one rate have their median and interval in the section.
  const ofSection = sections.overhead?.added.find(({ metric }) => metric === 'p50');
  const ofStep = isRamp(steps) || steps.length === 1 ? step.addedMs : null;
  if (ofSection === undefined && ofStep === null) return facts;
  const added = ofSection?.medianMs ?? ofStep?.p50 ?? 0;
  const ci95 = ofSection?.ci95 ?? ofStep?.ci95 ?? null;
  const sure = ci95 === null ? 'at the median' : `95 % ${interval(ci95)}`;
  return [...facts, { name: 'Tunnel adds', value: signedMs(added), unit: 'ms', note: sure }];
}

/** An empty place for a chart; the page's script draws it and makes it work with the keyboard. */
export function chartBlock({ id, title, note, views }: Chart): Markup {
  const choice =
    views.length < 2
      ? null
      : markup`<label>at <select>${views.map(({ label }, index) => markup`<option value="${index}">${label}</option>`)}</select></label>`;
  return markup`<figure class="chart" data-chart="${id}"><figcaption><h3>${title}</h3>${choice}<p>${note}</p></figcaption><noscript><p>The chart needs scripts; the figures are in the tables.</p></noscript></figure>
`;
}

/** What speaks for or against the run beside its figures. */
export function evidenceBlock({ evidence }: LoadReport): Markup {
  const { calibration, limits, notes } = evidence;
  const lines: Inserted[] = [];
  if (calibration !== null) {
    const { rate: offered, achievedRate, lagP99Ms, serviceP99Ms, cpuUsPerRequest } = calibration;
    lines.push(
      `Calibrated first against a server that answers at once: ${rate(achievedRate)} of ${rate(offered)} requests/s, lag p99 ${ms(lagP99Ms)} ms, answer p99 ${ms(serviceP99Ms)} ms, ${cpuUsPerRequest.toFixed(1)} µs of CPU a request.`,
    );
  }
  for (const { part, limit, hits, firstAt } of limits) {
    const first = firstAt === undefined ? '' : `, first at ${rate(firstAt)} requests/s`;
    lines.push(`${part} reached its limit ${limit} ${count(hits)} times${first}.`);
  }
  lines.push(...notes);
  return markup`${lines.length === 0 ? null : markup`<ul class="notes">${lines.map((each) => markup`<li>${each}</li>`)}</ul>`}`;
}

/** 2026-03-01 12:00 UTC. */
function dateText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
