/** From a value to a place between 0 and 1 and the ticks between, for an axis that is drawn without a library. */
export type Scale = { ticks: number[]; place: (value: number) => number };

const STEPS = [1, 2, 5] as const;
const TICKS = 5;
/** More than this and only the powers of ten are named. */
const MAX_LOG_TICKS = 8;

/** An axis whose ends are round: powers of ten times 1, 2 or 5, or multiples of the step between ticks from zero. */
export function scaleOf(values: readonly number[], isLog: boolean): Scale {
  const positive = values.filter((value) => value > 0);
  const high = positive.reduce((most, value) => Math.max(most, value), 0) || 1;
  if (!isLog) return linearScale(high);
  const low = positive.reduce((least, value) => Math.min(least, value), high);
  return logScale(low, high);
}

function linearScale(high: number): Scale {
  const rough = high / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (STEPS.find((each) => each * power >= rough) ?? 10);
  const end = Math.ceil(high / step) * step;
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
  return { ticks, place: (value) => value / end };
}

function logScale(low: number, high: number): Scale {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of STEPS) all.push(Number((step * 10 ** power).toPrecision(1)));
  }
  const first = all.findLast((tick) => tick <= low) ?? low;
  const last = all.find((tick) => tick >= high) ?? high;
  const between = all.filter((tick) => tick >= first && tick <= last);
  const isMany = between.length > MAX_LOG_TICKS;
  const ticks = isMany ? between.filter((tick) => Number.isInteger(Math.log10(tick))) : between;
  const span = Math.log10(last) - Math.log10(first) || 1;
  return { ticks, place: (value) => (Math.log10(value) - Math.log10(first)) / span };
}
