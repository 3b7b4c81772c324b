import { headline } from './headline.ts';
import { interval, ms, signedMs } from './format.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import type { LoadReport } from './model.ts';
import type { Outcome } from './sections.ts';
import { verdictText } from './table.ts';

/** `skipped`: nothing can be told. `error`: the run itself broke. */
type Case = {
  group: string;
  name: string;
  timeS: number;
  outcome: 'passed' | 'failed' | 'skipped' | 'error';
  message: string;
};

/**
 * `junit.xml`: thresholds, gate rows, the leak and the verdict as test cases, in the form that Jenkins, GitLab and GitHub's
 * actions read (windyroad's JUnit.xsd). Cases fail where the command's exit code does: a verdict that was found is a
 * success, whoever is at fault, and one that was not is skipped.
 */
export function junitReport(report: LoadReport): string {
  const cases = casesOf(report);
  const number = (outcome: Case['outcome']): number => cases.filter((each) => each.outcome === outcome).length;
  const { target, profile, tool, machine } = report;
  const properties: [string, string][] = [
    ['target', target.tunnel],
    ['direct', target.direct ?? ''],
    ['profile', profile.name],
    ['engine', tool.engine],
    ['version', tool.version],
    ['node', tool.node],
    ['kernel', machine.kernel],
  ];
  const suite = markup`<testsuites>
<testsuite id="0" package="sallyport.load" name="load ${report.command}" timestamp="${report.startedAt.slice(0, 19)}" hostname="localhost" tests="${cases.length}" failures="${number('failed')}" errors="${number('error')}" skipped="${number('skipped')}" time="${report.totals.durationS.toFixed(3)}">
<properties>
${properties.map(([name, value]) => markup`<property name="${name}" value="${value}"/>\n`)}</properties>
${cases.map((each) => caseXml(each))}<system-out>${verdictText(report)}</system-out>
<system-err></system-err>
</testsuite>
</testsuites>
`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${suite.text}`;
}

function caseXml({ group, name, timeS, outcome, message }: Case): Markup {
  const open = markup`<testcase classname="sallyport.load.${group}" name="${name}" time="${timeS.toFixed(3)}"`;
  switch (outcome) {
    case 'passed':
      return markup`${open}/>\n`;
    case 'failed':
      return markup`${open}><failure type="${group}" message="${message}">${message}</failure></testcase>\n`;
    case 'error':
      return markup`${open}><error type="${group}" message="${message}">${message}</error></testcase>\n`;
    default:
      return markup`${open}><skipped/></testcase>\n`;
  }
}

function casesOf(report: LoadReport): Case[] {
  const { thresholds, sections, stopped, verdict } = report;
  const { tone, sentence } = headline(report);
  const whole = { timeS: report.totals.durationS, message: sentence };
  const cases: Case[] = thresholds.map(({ expression, failedAt, worst }) => ({
    group: 'threshold',
    name: expression,
    timeS: 0,
    outcome: failedAt.length > 0 ? 'failed' : 'passed',
    message: `${expression} at ${failedAt.join(', ')} requests/s, worst ${worst === null ? 'unknown' : ms(worst)}`,
  }));
  for (const row of sections.gate?.rows ?? []) {
    const message = `${signedMs(row.differenceMs)} ms, 95 % interval ${interval(row.ci95)}, margin ${signedMs(row.marginMs)}`;
    cases.push({ group: 'gate', name: row.metric, timeS: 0, outcome: OUTCOMES[row.outcome], message });
  }
  for (const row of sections.gate?.control ?? []) {
    const outcome = row.isFit ? 'passed' : 'skipped';
    cases.push({ group: 'gate', name: `control ${row.metric}`, timeS: 0, outcome, message: '' });
  }
  if (sections.soak !== undefined) {
    const { isLeaking, isFailing = false } = sections.soak;
    const outcome = isFailing ? OUTCOMES.fail : isLeaking === null ? 'skipped' : OUTCOMES[isLeaking ? 'fail' : 'pass'];
    cases.push({ group: 'soak', name: 'nothing leaks', ...whole, outcome });
  }
  const isFound = verdict.fault !== 'inconclusive' && verdict.fault !== 'generator' && tone !== 'unsure';
  cases.push({
    group: 'verdict',
    name: 'it can be told whose fault it is',
    ...whole,
    outcome: isFound ? 'passed' : 'skipped',
  });
  const broke = stopped?.reason === 'error' ? stopped.message : null;
  const outcome = broke === null ? 'passed' : 'error';
  cases.push({ group: 'run', name: 'the run comes to its end', ...whole, message: broke ?? '', outcome });
  return cases;
}

const OUTCOMES: Readonly<Record<Outcome, Case['outcome']>> = {
  pass: 'passed',
  fail: 'failed',
  inconclusive: 'skipped',
};
