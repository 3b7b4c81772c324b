/** `npm run docs`: writes the table of alerts into docs/monitoring.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/command.ts';
import { withAlerts } from './alerts-table.ts';
import { alertRules } from './rules-files.ts';

const page = join(ROOT, 'docs/monitoring.md');
writeFileSync(page, withAlerts(readFileSync(page, 'utf8'), alertRules()));
