/** The rules of deploy/prometheus by themselves: promtool's unit tests, and that nothing is left out of them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../harness/command.ts';
import { needs } from '../harness/needs.ts';
import { ALERT_RULES, RECORDING_RULES, RULES } from '../harness/prometheus.ts';
import { withAlerts } from './alerts-table.ts';
import { alertRules, expectations, knownExpressions, recordingRules, runbookOf, unitTestFiles } from './rules-files.ts';

/** Rejects with what promtool says. */
const run = promisify(execFile);
const LIMIT_MS = 120_000;
const HOPS: readonly (string | undefined)[] = ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend'];

describe('what promtool says', { ...needs('promtool'), concurrency: true }, () => {
  it('finds the rules and the configuration sound', async () => {
    await run('promtool', ['check', 'rules', RECORDING_RULES, ALERT_RULES]);
    // The credential is a file of the stack's own: what it refers to is not looked at.
    await run('promtool', ['check', 'config', '--syntax-only', join(RULES, 'prometheus.yml')]);
  });

  for (const file of unitTestFiles()) {
    it(`finds the rules to do what ${basename(file)} expects`, async () => {
      await run('promtool', ['test', 'rules', file], { timeout: LIMIT_MS });
    });
  }
});

test('each alert has a severity, a summary, what visitors see, and a runbook that is there', () => {
  for (const { alert, labels, annotations } of alertRules()) {
    assert.match(labels['severity'] ?? '', /^(page|ticket)$/, alert);
    assert.match(annotations['summary'] ?? '', /\.$/, alert);
    assert.match(annotations['description'] ?? '', /\S/, alert);
    assert.equal(annotations['runbook_url'], runbookOf(alert));
    assert(existsSync(join(ROOT, runbookOf(alert))), `${runbookOf(alert)} is not there`);
    const { hop } = labels;
    assert(hop === undefined || hop.startsWith('{{') || HOPS.includes(hop), `${alert} names the hop ${hop}`);
  }
});

test('each alert has a unit test in which it fires, and one in which it stays quiet', () => {
  const all = expectations();
  for (const rule of alertRules()) {
    const fixed = Object.entries(rule.labels).filter(([, value]) => !value.startsWith('{{'));
    const isOfRule = (labels: Readonly<Record<string, string>>) =>
      fixed.every(([name, value]) => labels[name] === value);
    const own = all.filter(({ alert }) => alert === rule.alert);
    const which = `${rule.alert} ${JSON.stringify(rule.labels)}`;
    assert(
      own.some(({ firing }) => firing.some(isOfRule)),
      `${which} never fires`,
    );
    assert(
      own.some(({ firing }) => !firing.some(isOfRule)),
      `${which} never stays quiet`,
    );
  }
});

test('each recording rule has a unit test that knows its value', () => {
  const known = knownExpressions();
  for (const { record } of recordingRules()) {
    assert(
      known.some((expression) => expression.includes(record)),
      `nothing is known of ${record}`,
    );
  }
});

test('docs/monitoring.md lists the alerts that there are (npm run docs)', () => {
  const page = readFileSync(join(ROOT, 'docs/monitoring.md'), 'utf8');
  assert.equal(withAlerts(page, alertRules()), page);
});
