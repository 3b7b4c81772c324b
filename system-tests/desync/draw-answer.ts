/** Draws what a backend says: right answers, and what a broken or hostile one makes of them. */
import type { Random } from '../../packages/protocol/src/testing/random.ts';
import { MARK } from './case.ts';
import type { Answer } from './case.ts';
import { chunksOf } from './draw-request.ts';
import { hurt } from './hurt.ts';

interface Draft {
  interim: string[];
  status: string;
  lines: string[];
  blank: string;
  body: string[];
  end: Answer['end'];
}

const CR_LF = '\r\n';
/** What must never be read as an answer, wherever it stands. */
const SMUGGLED = 'HTTP/1.1 200 Smuggled\r\nX-Mark: smuggled\r\nContent-Length: 4\r\n\r\nevil';
const STATUSES = ['200 OK', '200 ', '201 Made', '404 Not \xe9', '500 x', '299 Odd', '304 Same', '204 None', '200 OK'];
const INTERIM = [
  'HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n',
  'HTTP/1.1 102 Wait\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
];
const LINES = [
  'Set-Cookie: a=b; Path=/',
  'set-cookie: c=d',
  'ETag: W/"x"',
  'Content-Encoding: gzip',
  'Date: Tue, 15 Nov 1994 08:12:31 GMT',
  'Server-Timing: db;dur=1',
  'Via: 1.0 cache',
  'X-Request-Id: theirs',
  'X-High: \xfe\xff',
  'X-Empty:',
  'Connection: keep-alive',
  'Connection: X-Private',
  'X-Private: secret',
  'Keep-Alive: timeout=30',
  'Content-Type: text/html',
  'Vary: *',
];

export function drawAnswer(random: Random): Answer {
  return asAnswer(random, drawDraft(random));
}

/** One that is broken in some way; `tricks` takes its name. */
export function drawBrokenAnswer(random: Random, tricks: string[]): Answer {
  const draft = drawDraft(random);
  if (random.chance(0.3)) {
    const answer = asAnswer(random, draft);
    return { ...answer, parts: hurt(random, answer.parts, tricks), end: random.pick(['keep', 'fin']), isExact: false };
  }
  const name = random.pick(Object.keys(ANSWER_TRICKS));
  ANSWER_TRICKS[name]!(draft, random);
  tricks.push(`answer: ${name}`);
  return { ...asAnswer(random, draft), isExact: false };
}

function asAnswer(random: Random, { interim, status, lines, blank, body, end }: Draft): Answer {
  const first = status === '' && blank === '' ? '' : `HTTP/1.1 ${status}${CR_LF}`;
  const parts = [...interim, first, ...lines, blank, ...body];
  const tears = drawTears(random, parts.join('').length);
  return { parts, tears, end, isExact: true, isEarly: random.chance(0.1) };
}

function drawDraft(random: Random): Draft {
  const lines = Array.from({ length: random.spread(0, 5) }, () => random.pick(LINES) + CR_LF);
  lines.splice(random.int(lines.length + 1), 0, `X-Mark: ${MARK}${CR_LF}`);
  const interim = random.chance(0.15) ? Array.from({ length: 1 + random.int(3) }, () => random.pick(INTERIM)) : [];
  const content =
    MARK + random.bytes(random.chance(0.05) ? random.int(60_000) : random.spread(0, 300)).toString('latin1');
  const draft = { interim, status: random.pick(STATUSES), lines, blank: CR_LF, body: [], end: 'keep' as const };
  return { ...draft, ...framed(random, content, lines) };
}

function framed(random: Random, content: string, lines: string[]): Pick<Draft, 'body' | 'end'> {
  const add = (line: string) => lines.splice(random.int(lines.length + 1), 0, line + CR_LF);
  const kind = random.int(10);
  if (kind < 5) {
    add(`Content-Length: ${content.length}`);
    return { body: [content], end: 'keep' };
  }
  if (kind < 8) {
    add('Transfer-Encoding: chunked');
    return { body: chunksOf(random, content), end: 'keep' };
  }
  add('Connection: close');
  if (kind < 9) add(`Content-Length: ${content.length}`);
  return { body: [content], end: 'fin' };
}

type Trick = (draft: Draft, random: Random) => void;

const ANSWER_TRICKS: Readonly<Record<string, Trick>> = {
  'bytes behind it': (draft, random) => draft.body.push(random.pick([SMUGGLED, CR_LF, 'x', '0\r\n\r\n', '\0'])),
  'no body where there is one': (draft, random) => {
    draft.status = random.pick(['204 None', '304 Same']);
    setField(draft, 'Content-Length', String(SMUGGLED.length));
    draft.body = [SMUGGLED];
  },
  'length one off': (draft, random) => {
    const length = Math.max(0, draft.body.join('').length + random.pick([-1, 1, -5, 5]));
    setField(draft, 'Content-Length', String(length));
    draft.end = random.pick(['fin', 'reset', 'keep']);
  },
  'length too short for what hides behind': (draft) => {
    draft.body = [`hello${SMUGGLED}`];
    setField(draft, 'Content-Length', '5');
  },
  'two lengths': (draft, random) => {
    const length = draft.body.join('').length;
    draft.lines.push(`Content-Length: ${length}\r\n`, `content-length: ${random.pick([length, 0, length + 5])}\r\n`);
  },
  'odd length': (draft, random) =>
    setField(
      draft,
      'Content-Length',
      random.pick(['+5', '5,5', '5, 6', '-1', '0x5', '', '5 5', '5\0', '99999999999999999999']),
    ),
  'length and coding': (draft, random) => {
    draft.lines.push('Transfer-Encoding: chunked\r\n', `Content-Length: ${random.pick([5, 0])}\r\n`);
    draft.body = chunksOf(random, `${MARK}x`);
  },
  'odd coding': (draft, random) => {
    const codings = [
      'gzip',
      'identity',
      'chunked, chunked',
      'gzip, chunked',
      'xchunked',
      '',
      'chunked;q=1',
      '\vchunked',
      ',chunked',
    ];
    setField(draft, 'Transfer-Encoding', random.pick(codings));
    draft.body = chunksOf(random, `${MARK}x`);
    draft.end = random.pick(['keep', 'fin']);
  },
  'odd name': (draft, random) => {
    const names = [
      'Content-Length : 5',
      ' X: y',
      'X\0: y',
      'No-Colon',
      ': y',
      'Transfer-Encoding\t: chunked',
      'A B: c',
    ];
    draft.lines.splice(random.int(draft.lines.length + 1), 0, `${random.pick(names)}\r\n`);
  },
  'odd value': (draft, random) => {
    draft.lines.push(
      `X-Odd: ${random.pick(['a\0', 'a\rb', 'a\nSet-Cookie: evil=1', 'a\x7f', 'a\r\n folded', '\x1b[31m'])}\r\n`,
    );
  },
  'odd line end': (draft, random) => {
    const end = random.pick(['\n', '\r', '\r\r\n', '', ' \r\n']);
    const at = random.int(draft.lines.length + 1);
    if (at === draft.lines.length) draft.blank = end;
    else draft.lines[at] = draft.lines[at]!.replace(/\r\n$/, end);
    draft.end = random.pick(['fin', 'keep']);
  },
  'odd status': (draft, random) => {
    draft.status = random.pick([
      '99 x',
      '0200 OK',
      '200OK',
      '2000 OK',
      'OK',
      '',
      '200 O\0K',
      '101 Switch',
      '200',
      '600 x',
      '1xx y',
    ]);
  },
  'odd interim': (draft, random) => {
    const interim = [
      'HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n',
      'HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\n',
      'HTTP/1.1 103\n\r\n',
    ];
    draft.interim.push(random.pick([...interim, 'HTTP/1.1 103 Early\r\nX : y\r\n\r\n', '\r\n', 'garbage\r\n\r\n']));
  },
  'cut short': (draft, random) => {
    const cut = random.pick([draft.body, draft.lines]);
    const last = cut.pop() ?? '';
    if (cut === draft.lines) draft.body = [];
    if (cut === draft.lines) draft.blank = '';
    cut.push(last.slice(0, random.int(last.length + 1)));
    draft.end = random.pick(['fin', 'reset']);
  },
  'odd chunks': (draft, random) => {
    setField(draft, 'Transfer-Encoding', 'chunked');
    const sizes = ['4', '6', '0x5', '5 ', '+5', 'g', '', '5;a\nb', 'ffffffffffffffff', '5;a="b', '5\n', '-5'];
    draft.body = [
      `${random.pick(sizes)}\r\n`,
      'hello',
      random.pick(['\r\n', '\r\n', '\n', '', 'x\r\n', 'x\n']),
      '0\r\n',
      '\r\n',
    ];
    draft.end = random.pick(['fin', 'keep']);
  },
  'odd trailers': (draft, random) => {
    setField(draft, 'Transfer-Encoding', 'chunked');
    const lines = [
      'Content-Length: 5',
      'Set-Cookie: a=b',
      'X-Mark: evil',
      ' folded: x',
      'X : y',
      'Transfer-Encoding: chunked',
      'X: \0',
    ];
    draft.body = ['5\r\n', 'hello', '\r\n', '0\r\n', `${random.pick(lines)}\r\n`, '\r\n'];
  },
  'ends by a reset': (draft) => {
    draft.lines.push('Connection: close\r\n');
    draft.end = 'reset';
  },
  'nothing at all': (draft, random) => {
    Object.assign(draft, {
      interim: [],
      status: '',
      lines: [],
      blank: '',
      body: [],
      end: random.pick(['fin', 'reset']),
    });
  },
  'odd version': (draft) => {
    draft.interim.push('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello');
  },
};

/** In place of all that speaks of framing. */
function setField(draft: Draft, name: string, value: string): void {
  draft.lines = draft.lines.filter((line) => !/^(content-length|transfer-encoding):/i.test(line));
  draft.lines.push(`${name}: ${value}\r\n`);
}

/** None, one, a few, or one at each byte of a stretch. */
export function drawTears(random: Random, length: number): number[] {
  const kind = random.int(10);
  if (kind < 4) return [];
  if (kind < 7) return [1 + random.int(length)];
  if (kind < 9) return Array.from({ length: 2 + random.int(4) }, () => 1 + random.int(length));
  const from = random.int(length);
  return Array.from({ length: 40 }, (_, i) => from + i);
}
