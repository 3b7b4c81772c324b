import { mostAnswered } from './growth.ts';
import { rateText } from './rate-text.ts';
import type { HopName, StepReport, Verdict } from '../report/model.ts';

/** What a hop's growth means, and what may help. */
const HOP_MEANING: Readonly<Record<HopName, string>> = {
  entry: 'requests waited in the entry itself: give it more CPU or another entry',
  uplink: 'the link from entry to server was slow or its queue was long',
  queue: 'requests waited for a free slot: raise the client’s concurrency or add clients',
  link: 'the link from server to client was slow or its queue was long',
  slot: 'requests waited inside the client although a slot was promised',
  client: 'the client itself was slow: give it more CPU or add clients',
  backend: 'the client waited for the backend while the direct path was quick: look at its connections to it',
};

/** The verdict in one plain sentence, with the figures that matter. */
export function sentence(verdict: Omit<Verdict, 'sentence'>, steps: readonly StepReport[]): string {
  const step = steps.find(({ rate }) => rate === verdict.at);
  const at = `${rateText(verdict.at ?? 0)} requests/s`;
  const from = verdict.kneeRate === null ? `already at ${at}` : `from ${at} on`;
  switch (verdict.fault) {
    case 'none':
      return `No fault: ${carriedFigures(steps)}.`;
    case 'generator':
      return `The generator or this machine, not the tunnel: ${from} it could not keep its own schedule, so the figures there prove nothing.`;
    case 'backend':
      return verdict.kneeRate === null
        ? `The backend: ${from}, well within what it carries (${verdict.evidence[0]}).`
        : step?.arms.direct === undefined
          ? `The backend: ${from} it was the one that answered late or with errors.`
          : `The backend: ${from} it did not keep up when asked directly either (p99 ${ms(step.arms.direct.latencyMs.p99)} directly, ${ms(step.arms.tunnel.latencyMs.p99)} through the tunnel); its ceiling is about ${mostAnswered(steps).toFixed(0)} requests/s${step.apart === undefined ? ' over both ways' : ''}.`;
    case 'tunnel':
      if (verdict.kneeRate === null) return constant(verdict, from);
      return `The tunnel${verdict.hop === null ? '' : `, hop "${verdict.hop}"`}: ${from} ${verdict.hop === null ? 'it did not keep up while the backend did' : HOP_MEANING[verdict.hop]} (p99 ${ms(step?.arms.tunnel.latencyMs.p99)}).`;
    default:
      return verdict.at === null
        ? 'Inconclusive: too little was measured for a verdict.'
        : `Inconclusive: ${from} the load was not carried, and nothing tells by whose fault; give --direct, the backend’s own address.`;
  }
}

/** A fault of the tunnel that no rate brings. */
function constant({ hop, evidence }: Omit<Verdict, 'sentence'>, from: string): string {
  const where = hop === null ? '' : `, hop "${hop}"`;
  return `The tunnel${where}: ${from}, well within what it carries (${evidence[0]}).`;
}

function carriedFigures(steps: readonly StepReport[]): string {
  const top = steps.at(-1);
  if (top === undefined) return 'nothing was measured';
  const { latencyMs, requests, ok } = top.arms.tunnel;
  const success = requests === 0 ? 0 : (100 * ok) / requests;
  const added = top.addedMs === null ? '' : ` (${top.addedMs.p50 < 0 ? '' : '+'}${ms(top.addedMs.p50)} against direct)`;
  return `at ${rateText(top.rate)} requests/s ${success.toFixed(2)} % succeeded with p50 ${ms(latencyMs.p50)}${added}, p99 ${ms(latencyMs.p99)}, not saturated`;
}

function ms(value: number | undefined): string {
  return value === undefined ? 'unknown' : `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
