import { rate as rateText } from './format.ts';
import { isWide, line, valuesIn } from './chart.ts';
import type { Chart, Line, Span, View } from './chart.ts';
import { ARM_NAMES } from './model.ts';
import type { ArmName, ArmSecond, SecondReport, StepReport } from './model.ts';

/** More points than this fit no screen; a soak's seconds are put together in stretches. */
const MAX_POINTS = 600;
/** The borders of more steps than this, or of windows of one rate, would only be stripes. */
const MAX_SPANS = 12;

/** What is left of a second at a step's end; a rate over less would be a spike of its own. */
const MIN_SECOND_S = 0.2;
/** Stretches of about a second are said to be seconds. */
const SECOND_S = 1.5;

/** Some seconds as one: rates are means, latencies the worst, since a picture must not hide a tail. */
type Stretch = { atS: number; rate: number; arms: Partial<Record<ArmName, ArmSecond>> };

/** Latency over time and rate over time, each with the seconds that had errors; none without seconds. */
export function timeCharts(steps: readonly StepReport[]): Chart[] {
  const stretches = stretchesOf(steps);
  if (stretches.length < 2) return [];
  const xs = stretches.map(({ atS }) => atS);
  const arms = ARM_NAMES.filter((arm) => stretches.some((each) => each.arms[arm] !== undefined));
  const figure = (arm: ArmName, name: 'p50' | 'p99'): Line =>
    line(
      arm,
      name,
      stretches.map((each) => each.arms[arm]?.[name] || null),
      'none',
    );
  const latency: View = {
    label: 'whole run',
    xs,
    lines: [...arms.flatMap((arm) => [figure(arm, 'p99'), figure(arm, 'p50')]), errorMarks(stretches)],
  };
  const offered: Line = {
    ...line(
      'tunnel',
      '',
      stretches.map(({ rate }) => rate),
      'none',
    ),
    label: 'offered',
    colour: 'plain',
    dash: [6, 4],
  };
  const ok = arms.map((arm) =>
    line(
      arm,
      'ok/s',
      stretches.map((each) => each.arms[arm]?.ok ?? null),
      'none',
    ),
  );
  const failed: Line = {
    ...line('tunnel', 'failed/s', failedOf(stretches), 'cross'),
    colour: 'error',
    isScattered: true,
  };
  const rate: View = { label: 'whole run', xs, lines: [offered, ...ok, failed].filter((each) => hasValue(each)) };
  const common = { x: { label: 'time', kind: 'seconds', isLog: false } as const, spans: spansOf(steps) };
  const stretchS = lengthOf(steps) / stretches.length;
  const note =
    stretchS > SECOND_S
      ? `a point is ${Math.round(stretchS)} s: its worst percentile, its mean rate`
      : 'each second by itself';
  return [
    {
      ...common,
      id: 'latency-over-time',
      title: 'Latency over time',
      note,
      y: { label: 'ms', kind: 'ms', isLog: isWide(valuesIn([latency])) },
      views: [{ ...latency, lines: latency.lines.filter((each) => hasValue(each)) }],
    },
    {
      ...common,
      id: 'rate-over-time',
      title: 'Rate over time',
      note,
      y: { label: 'requests/s', kind: 'rate', isLog: false },
      views: [rate],
    },
  ];
}

/** A cross on the tunnel's p99 wherever requests through it failed. */
function errorMarks(stretches: readonly Stretch[]): Line {
  const values = stretches.map(({ arms: { tunnel } }) =>
    tunnel !== undefined && tunnel.failed > 0 ? tunnel.p99 || null : null,
  );
  return { ...line('tunnel', 'errors', values, 'cross'), colour: 'error', isScattered: true };
}

function failedOf(stretches: readonly Stretch[]): (number | null)[] {
  return stretches.map(({ arms }) => arms.tunnel?.failed || null);
}

function hasValue({ values }: Line): boolean {
  return values.some((value) => value !== null);
}

function lengthOf(steps: readonly StepReport[]): number {
  return steps.reduce((sum, step) => sum + lengthS(step), 0);
}

/** With the seconds after its end in which the last answers came, so that no step overlaps the next one. */
function lengthS({ durationS, seconds }: StepReport): number {
  const last = seconds.at(-1);
  return Math.max(durationS, last === undefined ? 0 : last.atS + last.lengthS);
}

function spansOf(steps: readonly StepReport[]): Span[] {
  if (new Set(steps.map(({ rate }) => rate)).size < 2 || steps.length > MAX_SPANS) return [];
  let fromS = 0;
  return steps.map((step) => {
    const span = { from: fromS, to: fromS + lengthS(step), label: `${rateText(step.rate)}/s` };
    fromS += lengthS(step);
    return span;
  });
}

function stretchesOf(steps: readonly StepReport[]): Stretch[] {
  let fromS = 0;
  const seconds = steps.flatMap((step) => {
    const own = step.seconds.map((second) => ({ second, atS: fromS + second.atS, rate: step.rate }));
    fromS += lengthS(step);
    return own;
  });
  const size = Math.ceil(seconds.length / MAX_POINTS);
  const stretches: Stretch[] = [];
  for (let index = 0; index < seconds.length; index += size) {
    const some = seconds.slice(index, index + size);
    const first = some[0];
    if (first === undefined) break;
    const rate = some.reduce((sum, each) => sum + each.rate, 0) / some.length;
    stretches.push({ atS: first.atS, rate, arms: together(some.map(({ second }) => second)) });
  }
  return stretches;
}

function together(seconds: readonly SecondReport[]): Stretch['arms'] {
  const arms: Stretch['arms'] = {};
  for (const { lengthS, arms: own } of seconds) {
    for (const arm of ARM_NAMES) {
      const next = own[arm];
      if (next === undefined || (lengthS < MIN_SECOND_S && next.failed === 0)) continue;
      const perS = 1 / Math.max(lengthS, MIN_SECOND_S) / seconds.length;
      const sofar = arms[arm] ?? { ok: 0, failed: 0, p50: 0, p99: 0, max: 0 };
      arms[arm] = {
        ok: sofar.ok + next.ok * perS,
        failed: sofar.failed + next.failed * perS,
        p50: Math.max(sofar.p50, next.p50),
        p99: Math.max(sofar.p99, next.p99),
        max: Math.max(sofar.max, next.max),
      };
    }
  }
  return arms;
}
