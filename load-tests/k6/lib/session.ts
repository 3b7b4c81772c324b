/** What all scripts share: where the plan comes from, k6's options, and what is written at the end. Runs in k6 alone. */
import { terminalSummary } from '../../report/table.ts';
import { planFromEnvironment } from './environment.ts';
import type { Shape } from './environment.ts';
import { teachThousands } from './locale.ts';
import { SUMMARY_TREND_STATS } from './plan.ts';
import type { K6Plan } from './plan.ts';
import { reportOf } from './report.ts';
import type { K6Summary } from './report.ts';
import { scenariosOf } from './scenarios.ts';
import { sessionTable } from './session-table.ts';
import { thresholdsOf } from './thresholds.ts';

/** What k6 takes of a script: `run` as its default export, the others by name. */
type Script = {
  options: Record<string, unknown>;
  run: () => void;
  handleSummary: (data: K6Summary) => Record<string, string>;
};

/** @param makeAct what a virtual user does when it is its turn */
export function scriptOf(shape: Shape, makeAct: (plan: K6Plan) => () => void): Script {
  const plan = loadPlan(shape);
  return { options: optionsOf(plan), run: makeAct(plan), handleSummary: (data) => summarise(plan, data) };
}

/** From the file that SALLYPORT_K6_PLAN names (absolute), as `load … --engine k6` writes it; or from `-e` variables. */
function loadPlan(shape: Shape): K6Plan {
  const file = __ENV['SALLYPORT_K6_PLAN'];
  return file === undefined || file === '' ? planFromEnvironment(__ENV, shape) : (JSON.parse(open(file)) as K6Plan);
}

/**
 * k6 runs a script once to read its options and then once for each virtual user, where nobody reads them: hundreds of
 * thresholds each time made a step of 100 users cost most of a second.
 */
function optionsOf(plan: K6Plan): Record<string, unknown> {
  if (__VU > 0) return {};
  const { clientCertificate, isFresh } = plan;
  return {
    scenarios: scenariosOf(plan),
    thresholds: thresholdsOf(plan),
    summaryTrendStats: SUMMARY_TREND_STATS,
    discardResponseBodies: true,
    userAgent: 'sallyport-load',
    systemTags: ['scenario', 'status', 'error_code'],
    noConnectionReuse: isFresh,
    ...(clientCertificate !== null && { tlsAuth: [clientCertificate] }),
  };
}

/** `report.json` and its text, or what the engine that started k6 makes a report of. */
function summarise(plan: K6Plan, data: K6Summary): Record<string, string> {
  if (plan.own === null) return { [plan.summaryFile]: JSON.stringify({ metrics: data.metrics }) };
  const report = reportOf(data, plan, plan.own, new Date());
  const text = textOf(() => `${terminalSummary(report)}${sessionTable(plan, data.metrics)}`);
  return {
    [plan.summaryFile]: `${JSON.stringify(report, null, 1)}\n`,
    stdout: `${text}Report: ${plan.summaryFile}\n`,
  };
}

/** k6's JavaScript is not all of Node's: what the text lacks there must not cost the report. */
function textOf(write: () => string): string {
  try {
    teachThousands();
    return write();
  } catch (error) {
    return `no summary: ${String(error)}\n`;
  }
}
