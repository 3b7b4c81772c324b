/** Draws cases of HTTP/2, and makes them wrong. */
import { Random } from '../../packages/protocol/src/testing/random.ts';
import { MARK } from './case.ts';
import type { Answer } from './case.ts';
import { drawTears } from './draw-answer.ts';
import { SMUGGLED } from './draw-request.ts';
import { h2Bytes } from './h2-case.ts';
import type { H2Case, H2Request } from './h2-case.ts';
import { PREFIX } from './passes.ts';
import type { Line } from './rfc9112.ts';

interface Draft {
  lines: Line[];
  data: string[];
  trailers: Line[] | null;
  isUnended: boolean;
  blockBytes: number;
}

const METHODS = ['GET', 'GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'X-ODD'];
const TAILS = ['', 'a', 'a/../b', '//x', '%2F%2e', ';v=1', '?q=%00&r', "~!$&'()*+,;=:@"];
const LINES: readonly Line[] = [
  ['accept', '*/*'],
  ['x-dup', 'one'],
  ['x-dup', 'two'],
  ['x-empty', ''],
  ['cookie', 'a=b'],
  ['cookie', 'c=d'],
  ['te', 'trailers'],
  ['x-high', '\xe9\xff'],
  ['authorization', 'Basic eDp5'],
  ['via', '1.0 fred'],
  ['x-request-id', 'r-1'],
  ['x-forwarded-for', '6.6.6.6'],
  ['forwarded', 'for=6.6.6.6'],
  ['content_length', '5'],
  ['transfer_encoding', 'chunked'],
  ['my_field', 'passes'],
  ['client-cert', ':AAAA:'],
  ['proxy-authorization', 'x'],
  ['expect', '100-continue'],
  ['x-colon', 'a:b: c'],
];
const BAD_VALUES = [
  'a\r\nHost: evil',
  'a\nb',
  'a\rb',
  'a\0b',
  ' a',
  'a ',
  '\ta',
  `a\r\n\r\n${SMUGGLED}`,
  '\x7f',
  '\x0b',
];
const BAD_NAMES = ['X-Upper', 'a b', 'a:', 'a\r\nhost', 'a\0', '', 'h\xe9', 'a\n', 'content-length ', ' x'];
const CONNECTION_LINES: readonly Line[] = [
  ['connection', 'close'],
  ['keep-alive', 'timeout=5'],
  ['proxy-connection', 'close'],
  ['transfer-encoding', 'chunked'],
  ['upgrade', 'h2c'],
  ['te', 'gzip'],
  ['te', 'trailers, gzip'],
];
const BAD_PATHS = [
  '',
  'x',
  `http://evil${PREFIX}/x`,
  `${PREFIX}/a b`,
  `${PREFIX}/a\r\nX: y`,
  `${PREFIX}/\0`,
  '*',
  `${PREFIX}/a#b`,
  `${PREFIX}/\xe9`,
];
const BAD_METHODS = ['', 'G ET', 'GET / HTTP/1.1\r\nX: y', 'CONNECT', 'TRACE', 'GET\0', 'HE\r'];
const BAD_AUTHORITIES = ['', 'a b', 'u@a', 'a/b', 'a\r\nX: y', '[::1', 'a,b', '\0', 'a:b'];

type Trick = (draft: Draft, random: Random) => void;

const TRICKS: Readonly<Record<string, Trick>> = {
  'odd value': (draft, random) => put(draft.lines, random, ['x-odd', random.pick(BAD_VALUES)]),
  'odd name': (draft, random) => put(draft.lines, random, [random.pick(BAD_NAMES), 'x']),
  'field of a connection': (draft, random) => put(draft.lines, random, random.pick(CONNECTION_LINES)),
  'pseudo-field late': (draft) => draft.lines.push(draft.lines.shift()!),
  'pseudo-field twice': (draft, random) => draft.lines.unshift(random.pick(draft.lines.slice(0, 4))),
  'pseudo-field unknown': (draft, random) => {
    const lines: Line[] = [
      [':status', '200'],
      [':x', 'y'],
      [':protocol', 'foo'],
      [':', ''],
      [':host', 'evil'],
      [':Path', '/'],
    ];
    draft.lines.unshift(random.pick(lines));
  },
  'pseudo-field missing': (draft, random) => draft.lines.splice(random.int(4), 1),
  'odd path': (draft, random) => change(draft, ':path', random.pick(BAD_PATHS)),
  'odd method': (draft, random) => change(draft, ':method', random.pick(BAD_METHODS)),
  'odd authority': (draft, random) => change(draft, ':authority', random.pick(BAD_AUTHORITIES)),
  'odd scheme': (draft, random) =>
    change(draft, ':scheme', random.pick(['', 'ftp', 'http\r\n', 'HTTP ', 'javascript'])),
  'a host as well': (draft, random) =>
    put(draft.lines, random, ['host', random.pick(['evil', 'a.example', 'A.EXAMPLE', ''])]),
  'host alone': (draft, random) => {
    draft.lines = draft.lines.filter(([name]) => name !== ':authority');
    if (random.chance(0.7)) put(draft.lines, random, ['host', 'a.example']);
  },
  'length a lie': (draft, random) => {
    const length = Math.max(0, draft.data.join('').length + random.pick([-1, 1, 5, -5]));
    draft.lines = draft.lines.filter(([name]) => name !== 'content-length');
    draft.lines.push(['content-length', String(length)]);
  },
  'odd length': (draft, random) => {
    draft.lines.push([
      'content-length',
      random.pick(['+5', '5,5', '', 'x', '0x5', '5 5', '-1', '99999999999999999999']),
    ]);
  },
  'two lengths': (draft) => {
    const length = String(draft.data.join('').length);
    draft.lines.push(['content-length', length], ['content-length', length]);
  },
  'odd trailers': (draft, random) => {
    const lines: Line[] = [
      [':path', '/evil'],
      ['X-Upper', 'x'],
      ['x', 'a\r\nb'],
      ['connection', 'close'],
      ['content-length', '5'],
      ['host', 'evil'],
      ['x-t', 'fine'],
    ];
    draft.trailers = [random.pick(lines)];
  },
  'no end': (draft) => (draft.isUnended = true),
  'huge field': (draft, random) =>
    put(draft.lines, random, ['x-huge', 'h'.repeat(random.pick([8_000, 30_000, 62_000]))]),
};

export function drawH2Case(seed: number): H2Case {
  const random = new Random(seed);
  const tricks: string[] = [];
  const drafts = Array.from({ length: 1 + random.int(4) }, (_, place) => drawDraft(random, place));
  for (let left = random.pick([0, 1, 1, 1, 2]); left > 0; left -= 1) {
    const name = random.pick(Object.keys(TRICKS));
    TRICKS[name]!(random.pick(drafts), random);
    tricks.push(name);
  }
  const answers = drafts.map(() => plainAnswer(random));
  const spec = {
    requests: drafts as readonly H2Request[],
    isMixed: random.chance(0.5),
    tears: [] as number[],
    tricks,
    answers,
  };
  return { ...spec, tears: drawTears(random, h2Bytes(spec).length) };
}

function drawDraft(random: Random, place: number): Draft {
  const lines: Line[] = [
    [':method', random.pick(METHODS)],
    [':scheme', 'http'],
    [':authority', random.pick(['a.example', 'b.example:81', '[::1]:8'])],
    [':path', `${PREFIX}/${place}/${random.pick(TAILS)}`],
  ];
  for (let left = random.spread(0, 6); left > 0; left -= 1) lines.push(random.pick(LINES));
  const data = random.chance(0.5) ? Array.from({ length: 1 + random.int(3) }, () => drawData(random)) : [];
  if (data.length > 0 && random.chance(0.5)) lines.push(['content-length', String(data.join('').length)]);
  const trailers: Line[] | null = random.chance(0.2)
    ? [
        ['x-sum', '1'],
        ['etag', '"t"'],
      ]
    : null;
  return { lines, data, trailers, isUnended: false, blockBytes: random.chance(0.2) ? 1 + random.int(60) : 16_000 };
}

function drawData(random: Random): string {
  const kind = random.int(4);
  if (kind === 0) return SMUGGLED;
  return kind === 1 ? `0\r\n\r\n${SMUGGLED}` : random.bytes(random.spread(0, 500)).toString('latin1');
}

function put(lines: Line[], random: Random, line: Line): void {
  const from = lines.filter(([name]) => name.startsWith(':')).length;
  lines.splice(from + random.int(lines.length + 1 - from), 0, line);
}

function change(draft: Draft, name: string, value: string): void {
  draft.lines = draft.lines.map((line) => (line[0] === name ? [name, value] : line));
}

/** With its mark in front of its body: header blocks that come back are not read. */
function plainAnswer(random: Random): Answer {
  const content = MARK + random.bytes(random.spread(0, 200)).toString('latin1');
  const framing = [`Content-Length: ${content.length}\r\n`, '\r\n', content];
  const chunks = [
    'Transfer-Encoding: chunked\r\n',
    '\r\n',
    `${content.length.toString(16)}\r\n`,
    content,
    '\r\n0\r\n\r\n',
  ];
  const parts = ['HTTP/1.1 200 OK\r\n', ...(random.chance(0.5) ? framing : chunks)];
  return {
    parts,
    tears: drawTears(random, parts.join('').length),
    end: 'keep',
    isExact: true,
    isEarly: random.chance(0.1),
  };
}
