/** The table of alerts in docs/monitoring.md. Pure. */
import type { AlertRule } from './rules-files.ts';
import { runbookOf } from './rules-files.ts';

const BEGIN = '<!-- Alerts: made from deploy/prometheus/alerts.rules.yml by "npm run docs". -->';
const END = '<!-- End of alerts. -->';

/** The page with its table made anew; throws where the page has no place for it. */
export function withAlerts(page: string, rules: readonly AlertRule[]): string {
  const start = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (start < 0 || end < start) throw new Error(`the page needs a line ${BEGIN}, and behind it ${END}`);
  return `${page.slice(0, start)}${BEGIN}\n${tableOf(rules)}\n${page.slice(end)}`;
}

function tableOf(rules: readonly AlertRule[]): string {
  const names = [...new Set(rules.map(({ alert }) => alert))];
  const rows = names.map((name) =>
    rowOf(
      name,
      rules.filter(({ alert }) => alert === name),
    ),
  );
  return ['| Alert | | What it says |', '|---|---|---|', ...rows].join('\n');
}

function rowOf(name: string, rules: readonly AlertRule[]): string {
  const severities = [...new Set(rules.map(({ labels }) => labels['severity'] ?? ''))].sort();
  const link = `[${name.replace('Sallyport', '')}](${runbookOf(name).replace('docs/', '')})`;
  return `| ${link} | ${severities.join(', ')} | ${plain(rules[0]!.annotations['summary'] ?? '')} |`;
}

/** Without the template: a label by its name, a value as `…`. */
function plain(summary: string): string {
  return summary
    .replaceAll(/\{\{ with [^}]*\}\}[^{]*\{\{ \. \}\}\{\{ end \}\}/g, '')
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '*$1*')
    .replaceAll(/\{\{[^}]*\}\}/g, '…')
    .replaceAll('|', '\\|');
}
