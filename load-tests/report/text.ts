import { ARM_NAMES, HOPS } from './model.ts';
import type { ArmName, ArmReport, GeneratorReport, HopsReport, LoadReport, StepReport } from './model.ts';
import { loadText, ms, plainRate } from './format.ts';
import { sectionText, stepTableWithHops, verdictText } from './table.ts';

/**
 * `report.txt`: a table of the steps, the verdict, then each step's arms under vegeta's labels (github.com/tsenart/vegeta,
 * `vegeta report`) and ours, so that people and scripts who read the one can read the other.
 */
export function textReport(report: LoadReport): string {
  const { target, profile, tool } = report;
  const direct = target.direct === null ? '' : `\nDirect        ${target.direct}`;
  const head = [
    `Load test     ${loadText(profile)}, ${tool.engine} engine, ${report.startedAt}`,
    `Target        ${target.method} ${target.tunnel}${direct}`,
    `Machine       ${report.machine.cpus} × ${report.machine.cpuModel}, ${report.machine.kernel}, Node ${tool.node}`,
  ].join('\n');
  const steps = report.steps.map((step) => stepText(step)).join('\n');
  return `${head}\n\n${stepTableWithHops(report.steps)}${sectionText(report)}\nVerdict       ${verdictText(report)}\n${steps}`;
}

function stepText(step: StepReport): string {
  return ARM_NAMES.flatMap((name) => {
    const arm = step.arms[name];
    return arm === undefined ? [] : [armText(step, name, arm)];
  }).join('\n');
}

function armText(step: StepReport, name: ArmName, arm: ArmReport): string {
  const { latencyMs: latency, requests } = arm;
  const perRequest = (total: number): string => (requests === 0 ? '0.00' : (total / requests).toFixed(2));
  const attackS = step.durationS;
  const waitS = Math.max(0, arm.elapsedS - attackS);
  const rows: [string, string, string][] = [
    [
      'Requests',
      '[total, rate, throughput]',
      `${requests}, ${(requests / attackS).toFixed(2)}, ${arm.achievedRate.toFixed(2)}`,
    ],
    ['Duration', '[total, attack, wait]', `${seconds(arm.elapsedS)}, ${seconds(attackS)}, ${seconds(waitS)}`],
    [
      'Latencies',
      '[min, mean, 50, 90, 95, 99, max]',
      durations(latency.min, latency.mean, latency.p50, latency.p90, latency.p95, latency.p99, latency.max),
    ],
    ['Bytes In', '[total, mean]', `${arm.bytesIn}, ${perRequest(arm.bytesIn)}`],
    ['Bytes Out', '[total, mean]', `${arm.bytesOut}, ${perRequest(arm.bytesOut)}`],
    ['Success', '[ratio]', `${requests === 0 ? '0.00' : ((100 * arm.ok) / requests).toFixed(2)}%`],
    ['Status Codes', '[code:count]', counts(arm.statusCodes)],
    ['Sched lag', '[50, 99, max]', durations(arm.lagMs.p50, arm.lagMs.p99, arm.lagMs.max)],
    ['Dropped', '[count, most in flight]', `${arm.dropped}, ${arm.inFlightMax}`],
    ...(name === 'tunnel' ? tunnelRows(step.generator, step.hopsMs) : []),
  ];
  const lines = rows.map(([label, parts, value]) => `${label.padEnd(14)}${parts.padEnd(35)} ${value}\n`);
  const errors = Object.entries(arm.errors).map(([kind, count]) => `${count} × ${kind}\n`);
  return `${plainRate(step.rate)}/s, ${name}\n${lines.join('')}Error Set:\n${errors.join('')}`;
}

function tunnelRows(generator: GeneratorReport, hops: HopsReport | null): [string, string, string][] {
  const elu = generator.elu === null ? 'unknown' : generator.elu.toFixed(3);
  const cpu = generator.cpuPercent === null ? 'unknown' : `${generator.cpuPercent.toFixed(1)}%`;
  const rows: [string, string, string][] = [['Generator', '[loop busy, cpu]', `${elu}, ${cpu}`]];
  if (hops !== null) rows.push(['Hops', `[${HOPS.join(', ')}]`, durations(...HOPS.map((hop) => hops[hop].p50))]);
  return rows;
}

const seconds = (value: number): string => `${value.toFixed(3)}s`;
const durations = (...valuesMs: number[]): string => valuesMs.map((value) => `${ms(value)}ms`).join(', ');

function counts(byName: Record<string, number>): string {
  return Object.entries(byName)
    .map(([name, count]) => `${name}:${count}`)
    .join('  ');
}
