/** The rules of deploy/prometheus and their unit tests, read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ALERT_RULES, RECORDING_RULES, RULES } from '../harness/prometheus.ts';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What an alert was expected to be at one moment of a unit test. */
export interface Expectation {
  readonly alert: string;
  /** Of those that fire; none: it stays quiet. */
  readonly firing: readonly Readonly<Record<string, string>>[];
}

interface Groups<Rule> {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

interface UnitTests {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
    }[];
    readonly promql_expr_test?: readonly { readonly expr: string }[];
  }[];
}

export function alertRules(): AlertRule[] {
  return rulesOf<AlertRule>(ALERT_RULES);
}

export function recordingRules(): RecordingRule[] {
  return rulesOf<RecordingRule>(RECORDING_RULES);
}

function rulesOf<Rule>(file: string): Rule[] {
  return (parse(readFileSync(file, 'utf8')) as Groups<Rule>).groups.flatMap((group) => group.rules);
}

/** Files for `promtool test rules`. */
export function unitTestFiles(): string[] {
  const folder = join(RULES, 'tests');
  return readdirSync(folder).map((file) => join(folder, file));
}

export function expectations(): Expectation[] {
  return unitTests().flatMap(({ alert_rule_test: checks = [] }) =>
    checks.map((check) => ({ alert: check.alertname, firing: check.exp_alerts.map((each) => each.exp_labels) })),
  );
}

/** Expressions whose values a unit test knows. */
export function knownExpressions(): string[] {
  return unitTests().flatMap(({ promql_expr_test: checks = [] }) => checks.map(({ expr }) => expr));
}

function unitTests(): UnitTests['tests'] {
  return unitTestFiles().flatMap((file) => (parse(readFileSync(file, 'utf8')) as UnitTests).tests);
}

/** `docs/runbooks/sallyport-latency-p99-high.md` for SallyportLatencyP99High. */
export function runbookOf(alert: string): string {
  return `docs/runbooks/${alert.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()}.md`;
}
