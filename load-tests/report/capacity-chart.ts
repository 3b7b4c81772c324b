import type { Chart, Line } from './chart.ts';
import type { CapacitySection, UslFit } from './sections.ts';

const MS_PER_S = 1000;
const CURVE_POINTS = 60;
/** The curve goes on beyond what was tried, so that its peak can be seen coming. */
const BEYOND = 1.2;

/**
 * Throughput against requests in flight, with the fitted law. The number in flight follows from rate × median latency
 * (Little's law), so that the points stand where they were measured. Null without a fit.
 */
export function capacityChart({ tries, usl }: CapacitySection): Chart | null {
  if (usl === null) return null;
  const points = tries.map(({ achievedRate, p50Ms }) => ({ x: (achievedRate * p50Ms) / MS_PER_S, y: achievedRate }));
  const end = BEYOND * Math.max(...points.map(({ x }) => x));
  const curve = Array.from({ length: CURVE_POINTS }, (_, index) => (end * (index + 1)) / CURVE_POINTS);
  const xs = [...new Set([...points.map(({ x }) => x), ...curve])].sort((a, b) => a - b);
  const common = { isBold: false, dash: [] as number[] } as const;
  const lines: Line[] = [
    {
      ...common,
      label: 'measured',
      colour: 'tunnel',
      mark: 'dot',
      isScattered: true,
      values: xs.map((x) => points.find((point) => point.x === x)?.y ?? null),
    },
    {
      ...common,
      label: 'fitted law',
      colour: 'plain',
      dash: [6, 4],
      mark: 'none',
      isScattered: false,
      values: xs.map((x) => uslRate(usl, x)),
    },
  ];
  return {
    id: 'capacity',
    title: 'Throughput against requests in flight',
    note: 'the universal scalability law fitted to what was measured',
    x: { label: 'in flight', kind: 'number', isLog: false },
    y: { label: 'requests/s', kind: 'rate', isLog: false },
    views: [{ label: 'all tries', xs, lines }],
    spans: [],
  };
}

function uslRate({ lambda, sigma, kappa }: UslFit, n: number): number {
  return (lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1));
}
