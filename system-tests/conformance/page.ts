/** docs/conformance.md: what the product does, row by row, in the sentences of its tests. Pure. */

/** One test: `row(12, 'what the product does', …)` in a file of this folder. */
export interface RowTest {
  readonly row: number;
  readonly sentence: string;
  /** Its name without `ENDING`. */
  readonly file: string;
}

export const ENDING = '.test.ts';

interface Chapter {
  readonly name: string;
  /** The number of its first row. */
  readonly first: number;
  /** Each row in a few words. */
  readonly rows: readonly string[];
}

const CHAPTERS: readonly Chapter[] = [
  {
    name: 'Framing',
    first: 1,
    rows: [
      'Content-Length beside Transfer-Encoding',
      'Lengths that differ, or a list of them',
      'Transfer codings other than a last chunked',
      'Folded header lines',
      'Bytes that no head may hold; heads that come in frames',
      'Chunk extensions and sizes',
      'Bodies cut short by the backend',
      'HTTP/2 lengths that lie',
      'Too many header lines or bytes',
      'Targets too long, bodies too large',
      'Heads and bodies too slow',
    ],
  },
  {
    name: 'Target',
    first: 12,
    rows: [
      'Host missing, repeated, empty or malformed',
      'The authority of an absolute target',
      'An :authority beside a host',
      'The asterisk, CONNECT and TRACE',
      'The target, byte for byte',
      'Methods',
    ],
  },
  {
    name: 'Fields',
    first: 18,
    rows: [
      'Fields of one connection',
      'Fields that cannot be nominated away',
      'Via and loops',
      'Forwarded and who the visitor is',
      'Fields and credentials of our own',
      'Repeated fields, order, casing, bytes, crumbs',
      'Fields left alone',
    ],
  },
  {
    name: 'Messages',
    first: 25,
    rows: [
      'Answers without a body',
      'Informational answers and Expect',
      'Trailers',
      'Answers before the end of an upload',
      'Either end goes away',
      'Stalled readers',
      'Streamed and quiet answers',
      'Keep-alive and pipelining',
    ],
  },
  {
    name: 'Upgrades',
    first: 33,
    rows: ['What is an upgrade', 'WebSocket', 'Other protocols'],
  },
  {
    name: 'Answers of our own',
    first: 36,
    rows: [
      'Errors, each with a code (429 and 401 come with credentials for visitors)',
      'The one retry',
      'Drain',
      '200,000 requests on one HTTP/2 connection',
    ],
  },
];

/** How many rows there are, from 1. */
export const ROWS = CHAPTERS.reduce((sum, { rows }) => sum + rows.length, 0);

const ROW = /\brow\(\s*(\d+),\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"),/g;
const ROW_LIKE = /\brow\(\s*\d/g;

/** The rows that the source of a test defines; throws where one has no plain sentence. */
export function rowsOf(file: string, source: string): RowTest[] {
  const found = [...source.matchAll(ROW)].map(([, row, single, double]) => ({
    row: Number(row),
    sentence: (single ?? double ?? '').replaceAll(/\\(.)/g, '$1'),
    file,
  }));
  const all = source.match(ROW_LIKE)?.length ?? 0;
  if (found.length !== all) throw new Error(`${file}: of ${all} rows only ${found.length} have a plain sentence`);
  return found;
}

/** Rows that no test is there for. */
export function rowsWithoutTest(tests: readonly RowTest[]): number[] {
  const numbers = Array.from({ length: ROWS }, (_, i) => i + 1);
  return numbers.filter((number) => !tests.some(({ row }) => row === number));
}

export function conformancePage(tests: readonly RowTest[]): string {
  const covered = ROWS - rowsWithoutTest(tests).length;
  return [
    '<!-- Made from the tests in system-tests/conformance by "npm run docs"; a sentence is changed in its test. -->',
    '',
    '# What Sallyport does with HTTP',
    '',
    'Each sentence is the title of a test with raw bytes at both ends (`system-tests/conformance`), run with entry and',
    `server in one process and in one each. ${covered} of ${ROWS} rows, ${tests.length} sentences.`,
    ...CHAPTERS.flatMap((chapter) => chapterOf(chapter, tests)),
    '',
  ].join('\n');
}

function chapterOf({ name, first, rows }: Chapter, tests: readonly RowTest[]): string[] {
  const lines = rows.map((about, i) => {
    const own = tests.filter(({ row }) => row === first + i);
    const files = [...new Set(own.map(({ file }) => file))].sort();
    const sentences = own.length === 0 ? 'not there' : own.map((test) => sentenceOf(test, files)).join('<br>');
    return `| ${first + i} | ${escaped(about)} | ${sentences} | ${files.map(linkTo).join('<br>')} |`;
  });
  return ['', `## ${name}`, '', '| | about | what it does | tests |', '|---|---|---|---|', ...lines];
}

/** Ends with a stop; with several files it says which one it is from. */
function sentenceOf({ sentence, file }: RowTest, files: readonly string[]): string {
  const place = files.length < 2 ? '' : ` (${file})`;
  return `${escaped(sentence.charAt(0).toUpperCase() + sentence.slice(1))}${place}.`;
}

function linkTo(file: string): string {
  return `[${file}](../system-tests/conformance/${file}${ENDING})`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\|*_<]/g, '\\$&');
}
