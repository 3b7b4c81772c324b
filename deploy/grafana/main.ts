/** Writes the dashboards beside this file: `npm run dashboards`. A test holds that they are up to date. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboards } from './dashboards.ts';

for (const [file, dashboard] of dashboards()) {
  writeFileSync(join(import.meta.dirname, 'dashboards', file), `${JSON.stringify(dashboard, null, 2)}\n`);
}
