import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { generatedPages } from './pages.ts';

const project = new URL('../../../../', import.meta.url);

for (const [path, text] of generatedPages()) {
  it(`has ${path} as the code would write it now (npm run docs)`, () => {
    assert.equal(readFileSync(new URL(path, project), 'utf8'), text);
  });
}
