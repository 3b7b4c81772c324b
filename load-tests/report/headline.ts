import { interval, ms, plainRate, rate, signedMs } from './format.ts';
import type { LoadReport, Verdict } from './model.ts';

/** `good`: nothing to do; `bad`: something was found; `unsure`: nothing can be told. */
export type Tone = 'good' | 'bad' | 'unsure';

/**
 * The answer to what was asked, in front of everything else. `label` is a few words, `sentence` one sentence; `endings`
 * are thresholds that failed and why the run ended early.
 */
export type Headline = { tone: Tone; label: string; sentence: string; evidence: string[]; endings: string[] };

/** The section's answer where the command has one, with whose fault it is among the evidence; otherwise the verdict. */
export function headline(report: LoadReport): Headline {
  const { verdict, stopped, thresholds } = report;
  const answer = sectionAnswer(report);
  const failed = thresholds
    .filter(({ failedAt }) => failedAt.length > 0)
    .map(
      ({ expression, failedAt, worst }) =>
        `Failed: ${expression} at ${failedAt.map((each) => plainRate(each)).join(', ')} requests/s (worst ${worst === null ? '–' : ms(worst)})`,
    );
  const endings = [...failed, ...(stopped === null ? [] : [`Stopped: ${stopped.message}`])];
  if (answer !== null) {
    const isSaid = report.steps.length === 0 || verdict.sentence === answer.sentence;
    const blame = isSaid ? [] : [verdict.sentence];
    const books = report.sections.overhead?.books?.sentence ?? null;
    const audit = books === null ? [] : [books];
    return { ...answer, evidence: [...blame, ...verdict.evidence, ...audit], endings };
  }
  return { ...faultLabel(verdict), sentence: verdict.sentence, evidence: verdict.evidence, endings };
}

function faultLabel({ fault, hop }: Verdict): Pick<Headline, 'tone' | 'label'> {
  switch (fault) {
    case 'none':
      return { tone: 'good', label: 'No fault found' };
    case 'backend':
      return { tone: 'bad', label: 'The backend is at fault' };
    case 'tunnel':
      return { tone: 'bad', label: `The tunnel is at fault${hop === null ? '' : `: ${hop}`}` };
    case 'generator':
      return { tone: 'unsure', label: 'The generator was not fit' };
    default:
      return { tone: 'unsure', label: 'Inconclusive' };
  }
}

type Answer = Pick<Headline, 'tone' | 'label' | 'sentence'>;

function sectionAnswer({ sections, verdict }: LoadReport): Answer | null {
  const { gate, soak, capacity, overhead, compare } = sections;
  if (gate !== undefined) {
    const { outcome, sentence } = gate;
    if (outcome === 'pass') return { tone: 'good', label: 'The gate passed', sentence };
    if (outcome === 'fail') return { tone: 'bad', label: 'The gate failed', sentence };
    return { tone: 'unsure', label: 'The gate has no verdict', sentence };
  }
  if (soak !== undefined) {
    const { isLeaking, sentence } = soak;
    if (soak.isFailing === true) return { tone: 'bad', label: 'It does not last', sentence };
    if (isLeaking === null) return { tone: 'unsure', label: 'Too short to tell a leak', sentence };
    return isLeaking
      ? { tone: 'bad', label: 'Something leaks', sentence }
      : { tone: 'good', label: 'No leak found', sentence };
  }
  if (compare !== undefined) return { tone: 'good', label: 'A against B', sentence: compare.sentence };
  if (capacity !== undefined) return capacityAnswer(capacity);
  // A cost that the verdict does not stand by is no answer.
  return overhead === undefined || verdict.fault !== 'none' ? null : overheadAnswer(overhead);
}

function capacityAnswer({ knee, tries, ...said }: NonNullable<LoadReport['sections']['capacity']>): Answer {
  const top = Math.max(0, ...tries.map((each) => each.rate));
  if (knee === null) {
    const sentence = said.sentence ?? `Every rate up to ${rate(top)} requests/s was carried; the knee lies above.`;
    return { tone: 'good', label: `Not saturated at ${rate(top)}/s`, sentence };
  }
  const { carriedRate, refusedRate } = knee;
  const sentence =
    said.sentence ??
    `${rate(carriedRate)} requests/s was carried and ${rate(refusedRate)} was not; the knee lies between.`;
  return { tone: 'good', label: `Capacity: ${rate(carriedRate)} requests/s`, sentence };
}

function overheadAnswer({ rate: at, windows, added }: NonNullable<LoadReport['sections']['overhead']>): Answer | null {
  const median = added.find(({ metric }) => metric === 'p50');
  if (median === undefined) return null;
  const { medianMs, ci95 } = median;
  const sure = ci95 === null ? '' : ` (95 % interval ${interval(ci95)} ms)`;
  const sentence = `At ${rate(at)} requests/s the tunnel adds ${signedMs(medianMs)} ms to the median answer${sure}, over ${windows} windows.`;
  return { tone: ci95 === null ? 'unsure' : 'good', label: `The tunnel adds ${signedMs(medianMs)} ms`, sentence };
}
