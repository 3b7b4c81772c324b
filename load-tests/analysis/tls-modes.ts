/** TLS modes against each other, from blocks that ran one after the other. */
import { signedMs } from '../report/format.ts';
import type { StepReport, Verdict } from '../report/model.ts';
import type { TlsSection } from '../report/sections.ts';
import { failedShare, roundMs, seriesOf, summarized } from './paired.ts';
import { median } from './statistics.ts';

/**
 * `off`: no TLS. `on`: a full handshake on each connection. `mtls`: the same with a client certificate. `resumed`: a
 * resumed one (RFC 8446 §2.2). All with a fresh connection for each request, so that each has a handshake in it.
 */
export const TLS_MODES = ['off', 'on', 'mtls', 'resumed'] as const;
export type TlsMode = (typeof TLS_MODES)[number];
/** A block of one mode: one step of one plan. */
export type TlsBlock = { mode: TlsMode; step: StepReport };

const MAX_FAILED_SHARE = 0.01;
const METRICS = ['p50', 'p99'] as const;

/**
 * The order of the blocks: all modes there and back again, A-B-B-A, as often as there are `passes` (each way is one). In
 * a pass and the one back, every mode has the same mean place, so that a drift that is steady goes out.
 */
export function blockOrder(modes: readonly TlsMode[], passes: number): TlsMode[] {
  return Array.from({ length: passes }, (_, pass) => (pass % 2 === 0 ? modes : modes.toReversed())).flat();
}

/**
 * Each mode's own figures, and what it adds to the first mode of all: the median over the passes of the difference within
 * each, with its distribution-free interval (`medianInterval`: six passes are the fewest, and then it runs from the
 * smallest to the largest). Blocks of one pass are a pair as windows of a duet are, though minutes may lie between: this
 * is for differences of tenths of a millisecond and up. Only whole blocks count.
 */
export function tlsSection(blocks: readonly TlsBlock[]): TlsSection {
  const modes = [...new Set(blocks.map(({ mode }) => mode))];
  const stepsOf = (wanted: TlsMode): StepReport[] =>
    blocks.filter(({ mode, step }) => mode === wanted && step.complete).map(({ step }) => step);
  const [first] = modes;
  return modes.map((mode) => {
    const steps = stepsOf(mode);
    const reference = first === undefined ? [] : stepsOf(first);
    const sum = (read: (step: StepReport) => number | undefined): number =>
      steps.reduce((total, step) => total + (read(step) ?? 0), 0);
    const middle = (read: (step: StepReport) => number | undefined): number =>
      steps.length === 0 ? 0 : roundMs(median(steps.map((step) => read(step) ?? 0)));
    return {
      mode,
      handshakes: sum(({ arms }) => arms.tunnel.tlsHandshakes),
      resumed: sum(({ arms }) => arms.tunnel.tlsResumed),
      connectP50Ms: middle(({ arms }) => arms.tunnel.connectMs?.p50),
      latencyP50Ms: middle(({ arms }) => arms.tunnel.latencyMs.p50),
      latencyP99Ms: middle(({ arms }) => arms.tunnel.latencyMs.p99),
      added: mode === first ? [] : METRICS.map((metric) => summarized(metric, differences(steps, reference, metric))),
    };
  });
}

/** Pass by pass; the n-th block of a mode is of the n-th pass. */
function differences(steps: StepReport[], reference: StepReport[], metric: (typeof METRICS)[number]): number[] {
  const base = seriesOf(reference, 'tunnel', metric);
  const values = seriesOf(steps, 'tunnel', metric);
  return values.slice(0, base.length).map((value, index) => value - (base[index] ?? NaN));
}

/** `none`, with the costs in its sentence; `inconclusive` where a mode fails, is not what it was to be, or has no interval. */
export function tlsVerdict(blocks: readonly TlsBlock[], section: TlsSection): Verdict {
  const broken = section.map(({ mode }) => brokenMode(mode, blocks)).find((each) => each !== null);
  const isShort = section.slice(1).some(({ added }) => added.some(({ ci95 }) => ci95 === null));
  const rows = section.map(
    ({ mode, handshakes, resumed = 0, connectP50Ms, latencyP50Ms }) =>
      `${mode}: p50 ${latencyP50Ms} ms, of it ${connectP50Ms} ms to connect; ${handshakes} handshakes, ${resumed} of them resumed`,
  );
  const bare = { hop: null, at: null, kneeRate: null, evidence: rows };
  if (broken !== undefined) {
    return { ...bare, fault: 'inconclusive', confidence: 0, sentence: `No verdict: ${broken}.` };
  }
  if (isShort || section.length < 2) {
    const sentence = 'No verdict: too few whole blocks were measured for an interval; six of each mode are the least.';
    return { ...bare, fault: 'inconclusive', confidence: 0, sentence };
  }
  const costs = section.slice(1).map(({ mode, added: [p50] }) => {
    const [low, high] = p50?.ci95 ?? [NaN, NaN];
    return `${mode} ${signedMs(p50?.medianMs ?? NaN)} ms (95 %: ${signedMs(low)} to ${signedMs(high)})`;
  });
  const sentence = `At the median, against ${section[0]?.mode}, with a new connection for each request: ${costs.join('; ')}.`;
  return { ...bare, fault: 'none', confidence: 0.95, sentence };
}

/** A mode whose requests fail, or that did not do what it is called by; null for a good one. */
function brokenMode(mode: string, blocks: readonly TlsBlock[]): string | null {
  const steps = blocks.filter((block) => block.mode === mode).map(({ step }) => step);
  const share = failedShare(steps, 'tunnel');
  if (share > MAX_FAILED_SHARE) return `${(100 * share).toFixed(1)} % of the requests failed with mode ${mode}`;
  const count = (read: (step: StepReport) => number | undefined): number =>
    steps.reduce((total, step) => total + (read(step) ?? 0), 0);
  const handshakes = count(({ arms }) => arms.tunnel.tlsHandshakes);
  const resumed = count(({ arms }) => arms.tunnel.tlsResumed);
  if (mode === 'resumed' && handshakes > 0 && resumed < handshakes / 2) {
    return `the server resumed ${resumed} of ${handshakes} sessions with mode resumed`;
  }
  if (mode !== 'resumed' && resumed > 0) return `${resumed} sessions were resumed with mode ${mode}`;
  return null;
}
