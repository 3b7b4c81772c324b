/** `npm run docs`: writes the pages that are made from the code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedPages } from './pages.ts';

const project = new URL('../../../../', import.meta.url);
for (const [path, text] of generatedPages()) {
  const file = fileURLToPath(new URL(path, project));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
