/** What a tunnel costs, from the windows of a duet. */
import { ms, signedMs } from '../report/format.ts';
import { TIMED_HOPS } from '../report/model.ts';
import type { StepReport, Verdict } from '../report/model.ts';
import type { HopShare, OverheadSection, PairedDifference } from '../report/sections.ts';
import { audit } from './books.ts';
import { unfitWindows } from './fitness.ts';
import { failedShare, pairedDifference, summarized, usableWindows } from './paired.ts';
import { rateText } from './rate-text.ts';

const METRICS = ['p50', 'p90', 'p99'] as const;
/** Fewer failures than this leave the percentiles to the answers. */
const MAX_FAILED_SHARE = 0.01;
const SURE = 0.95;
const DOUBTFUL = 0.6;

/** The arms are `tunnel` and `direct`. `cpuUsPerRequest` is by part; null where it could not be read. */
export function overheadSection(
  steps: readonly StepReport[],
  settings: { rate: number; windowS: number; cpuUsPerRequest: Record<string, number> | null },
): OverheadSection {
  const windows = usableWindows(steps, ['tunnel', 'direct']);
  const added = METRICS.map((metric) => pairedDifference(windows, 'tunnel', 'direct', metric));
  return {
    ...settings,
    windows: windows.length,
    added: windows.length === 0 ? [] : added,
    hops: hopShares(windows),
    books: audit(steps, 'tunnel'),
  };
}

/** Each hop's median over the windows, with its interval; empty where the target sends no times. */
function hopShares(windows: readonly StepReport[]): HopShare[] {
  const timed = windows.flatMap(({ hopsMs }) => (hopsMs === null ? [] : [hopsMs]));
  if (timed.length === 0) return [];
  return TIMED_HOPS.map((hop) => {
    const summary = (metric: 'p50' | 'p99') =>
      summarized(
        metric,
        timed.map((hops) => hops[hop][metric]),
      );
    const { medianMs, ci95 } = summary('p50');
    return { hop, p50Ms: medianMs, ci95, p99Ms: summary('p99').medianMs };
  });
}

/**
 * The verdict of `load overhead`: `none` with the cost in its sentence; `generator` where over a quarter of the windows
 * were measured by a generator that was not fit; `inconclusive` where over 1 % of the requests of an arm failed or there
 * is no interval, since percentiles of refusals are no cost of a tunnel.
 */
export function overheadVerdict(steps: readonly StepReport[], section: OverheadSection): Verdict {
  const bare = { hop: null, at: null, kneeRate: null };
  const evidence = evidenceOf(section);
  const failing = (['tunnel', 'direct'] as const)
    .map((arm) => ({ arm, share: failedShare(steps, arm) }))
    .filter(({ share }) => share > MAX_FAILED_SHARE);
  if (failing.length > 0) {
    const who = failing.map(({ arm, share }) => `${(100 * share).toFixed(1)} % of the ${arm} arm’s`).join(' and ');
    const sentence = `No verdict: ${who} requests failed; a cost is measured on answers.`;
    return { ...bare, fault: 'inconclusive', confidence: 0, evidence, sentence };
  }
  const [p50, , p99] = section.added;
  if (p50 === undefined || p99 === undefined || p50.ci95 === null) {
    const sentence = `No verdict: ${section.windows} whole windows are too few for an interval; six are the least.`;
    return { ...bare, fault: 'inconclusive', confidence: 0, evidence, sentence };
  }
  const sentence = `The tunnel adds ${figure(p50)} at the median and ${figure(p99)} at p99, at ${rateText(section.rate)} requests/s.`;
  const { signs: unfit, isTooMany } = unfitWindows(steps);
  const doubts = unfit.length === 0 ? [] : [`${unfit.length} of ${steps.length} windows: ${unfit[0]}`];
  if (isTooMany) {
    return {
      ...bare,
      fault: 'generator',
      confidence: DOUBTFUL,
      evidence: [...doubts, ...evidence],
      sentence: `${sentence.slice(0, -1)}, but the generator was not fit in ${unfit.length} of ${steps.length} windows.`,
    };
  }
  return { ...bare, fault: 'none', confidence: SURE, evidence: [...evidence, ...doubts], sentence };
}

function evidenceOf({ windows, windowS, hops, books, cpuUsPerRequest }: OverheadSection): string[] {
  const own = (hops ?? []).filter(({ hop }) => hop !== 'total' && hop !== 'backend');
  const most = own.toSorted((a, b) => b.p50Ms - a.p50Ms)[0];
  const cpu = Object.entries(cpuUsPerRequest ?? {}).map(([part, us]) => `${part} ${us.toFixed(0)}`);
  return [
    `${windows} windows of ${windowS} s, both arms in turn, request by request`,
    ...(most === undefined ? [] : [`most of it in the ${most.hop} hop: ${ms(most.p50Ms)} ms at the median`]),
    ...(cpu.length === 0 ? [] : [`CPU per request, µs: ${cpu.join(', ')}`]),
    ...(books?.sentence == null ? [] : [books.sentence]),
  ];
}

function figure({ medianMs, ci95 }: PairedDifference): string {
  const interval = ci95 === null ? '' : ` (95 %: ${signedMs(ci95[0])} to ${signedMs(ci95[1])})`;
  return `${signedMs(medianMs)} ms${interval}`;
}
