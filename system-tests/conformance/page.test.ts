import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { conformancePage, ROWS, rowsOf, rowsWithoutTest } from './page.ts';
import { PAGE, testsHere } from './page-files.ts';

/** Rows whose tests are not written yet. */
const NOT_THERE: readonly number[] = [];

function link(name: string): string {
  return `[${name}](../system-tests/conformance/${name}.test.ts)`;
}

describe('docs/conformance.md', () => {
  it('is as the tests would write it now (npm run docs)', () => {
    assert.equal(readFileSync(PAGE, 'utf8'), conformancePage(testsHere()));
  });

  it(`has a test for each of ${ROWS} rows, and for no other`, () => {
    const tests = testsHere();
    assert.deepEqual(rowsWithoutTest(tests), NOT_THERE);
    assert.deepEqual(
      tests.filter(({ row }) => row < 1 || row > ROWS),
      [],
    );
  });
});

describe('the sentences of rows', () => {
  it('are found in either quotes and in any place of a line', () => {
    const source = `row(1, 'one', async () => {});\n  row(\n    22,\n    "the visitor's \\"two\\"",\n    async () => {});`;
    assert.deepEqual(rowsOf('a', source), [
      { row: 1, sentence: 'one', file: 'a' },
      { row: 22, sentence: `the visitor's "two"`, file: 'a' },
    ]);
  });

  it('must be plain', () => {
    assert.throws(() => rowsOf('a', 'row(1, `one ${more}`, async () => {});'), /of 1 rows only 0/);
    assert.throws(() => rowsOf('a', "row(1, 'one' + more, async () => {});"), /of 1 rows only 0/);
  });

  it('stand in the page in the order of rows, and a row without one is shown as not there', () => {
    const page = conformancePage([
      { row: 3, sentence: 'refuses *all* | of it', file: 'b' },
      { row: 1, sentence: 'first', file: 'a' },
      { row: 1, sentence: 'second', file: 'b' },
    ]);
    const lines = page.split('\n').filter((line) => /^\| [1-3] \|/.test(line));
    assert.deepEqual(
      lines.map((line) => line.split(' | ').slice(2).join(' | ')),
      [
        `First (a).<br>Second (b). | ${link('a')}<br>${link('b')} |`,
        'not there |  |',
        `Refuses \\*all\\* \\| of it. | ${link('b')} |`,
      ],
    );
    assert.match(page, / 2 of 39 rows, 3 sentences\.\n/);
  });
});
