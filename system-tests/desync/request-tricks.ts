/** What attackers do to a request, each a named change of a draft. */
import type { Random } from '../../packages/protocol/src/testing/random.ts';
import { chunksOf, drawContent, SMUGGLED } from './draw-request.ts';
import type { Draft } from './draw-request.ts';
import { PREFIX } from './passes.ts';

type Trick = (draft: Draft, random: Random) => void;

const LENGTH_VALUES = [
  '+5',
  '-5',
  '5,5',
  '5, 6',
  '0x5',
  '5.0',
  '',
  '5 5',
  '5;',
  '\v5',
  '5\0',
  '00000000000000005',
  '18446744073709551621',
  '5_0',
  '\xa05',
];
const CODINGS = [
  'chunked, chunked',
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  'identity, chunked',
  'xchunked',
  'chunkedx',
  'chunked;q=1',
  '"chunked"',
  '\vchunked',
  'chunked\v',
  'chunked\0',
  ',chunked',
  'chunked,',
  ', ,chunked',
  'ch unked',
  'chun\tked',
  '',
  'chunked chunked',
  '\xa0chunked',
];
const CHUNK_SIZES = [
  '0x5',
  '+5',
  '-5',
  ' 5',
  '5 ',
  '5\t',
  '5\0',
  '5_',
  '5;\n',
  '5;a\nb',
  '5;a\rb',
  '5;"\r\n"',
  '5 a',
  '5;=',
  '5;;',
  '5,5',
  'g',
  '',
  '100000005',
  '10000000000000005',
  'ffffffffffffffff',
  '00000000000000005',
  '5\r',
];
const NAMES = [
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  'Transfer-Encoding\v: chunked',
  'Transfer-Encoding\0: chunked',
  ' Transfer-Encoding: chunked',
  '\tTransfer-Encoding: chunked',
  'Content-Length : 5',
  'Content-Length\0: 5',
  ' Content-Length: 5',
  'Content-Length\xa0: 5',
  ': empty',
  'No-Colon',
  'A B: c',
  'X\x80: y',
  '"Q": r',
  'X(: y',
  'Host : evil',
  'Host\0: evil',
];
const VALUES = [
  'a\0b',
  'a\x7fb',
  'a\x08',
  'a\rb',
  'a\nb',
  'a\rTransfer-Encoding: chunked',
  'a\nContent-Length: 5',
  '\v',
];
const VERSIONS = [
  'HTTP/1.0',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/1.10',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/1,1',
  'HTTP/01.1',
  'HTTP/1.',
  '',
];
const TARGETS = [
  `http://abs.example${PREFIX}/abs`,
  `HTTPS://abs.example:444${PREFIX}/abs?x`,
  `http://u@abs.example${PREFIX}/abs`,
  `http://${PREFIX}/abs`,
  `http://bad host${PREFIX}/`,
  `http:${PREFIX}/abs`,
  '*',
  '/',
  '/session/demo',
  '/session/demo?x',
  '/session/none/x',
  `${PREFIX}/a#f`,
  `${PREFIX}/a\\b`,
  `${PREFIX}/a b`,
  `${PREFIX}/a\tb`,
  `${PREFIX}/\x80`,
  `${PREFIX}/\0`,
  `${PREFIX}/<">`,
  `/%73ession/demo/x`,
  `//session/demo/x`,
  `/a/..${PREFIX}/x`,
  'a.example:80',
  '',
];
const HOSTS = [
  '',
  'a b',
  'a,b',
  'a/b',
  'u@a',
  'a:b',
  'a:99999999',
  '[::1',
  '%zz',
  '%41',
  'a\\',
  "x'",
  '[::1]x',
  'a:',
  ':80',
  '\xe9',
];
const FORBIDDEN_TRAILERS = [
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Host: evil',
  'Authorization: Basic eDp5',
  'X-Forwarded-For: 6.6.6.6',
  'Via: 1.1 evil',
  'X-Request-Id: evil',
  'Connection: close',
  'Content_Length: 5',
  'Client-Cert: :AAAA:',
  ' folded: x',
  'X-Bad : x',
  'X-Bad: a\0',
  'X-Bad: a\nb',
  'Trailer: X-Sum',
];
const LINE_ENDS = ['\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\0\r\n', '\v\r\n', ''];

export const REQUEST_TRICKS: Readonly<Record<string, Trick>> = {
  'odd length': (draft, random) => replaceField(draft, 'content-length', random.pick(LENGTH_VALUES), random),
  'length one off': (draft, random) => {
    const length = draft.body.join('').length + random.pick([-1, 1, -5, 5, 40]);
    replaceField(draft, 'content-length', String(Math.max(0, length)), random);
  },
  'two lengths': (draft, random) => {
    const length = draft.body.join('').length;
    insert(draft.lines, random, `Content-Length: ${length}\r\n`);
    insert(draft.lines, random, `content-length: ${random.pick([length, 0, length + 5])}\r\n`);
  },
  'length and coding': (draft, random) => {
    insert(draft.lines, random, `Content-Length: ${random.pick([0, 5, draft.body.join('').length])}\r\n`);
    insert(draft.lines, random, 'Transfer-Encoding: chunked\r\n');
  },
  'odd coding': (draft, random) => {
    replaceField(draft, 'transfer-encoding', random.pick(CODINGS), random);
    if (random.chance(0.5)) draft.body = chunksOf(random, drawContent(random));
  },
  'two codings': (draft, random) => {
    insert(draft.lines, random, `Transfer-Encoding: ${random.pick(['chunked', 'identity', ''])}\r\n`);
    insert(draft.lines, random, `Transfer-Encoding: ${random.pick(['chunked', 'gzip', ','])}\r\n`);
    draft.body = chunksOf(random, drawContent(random));
  },
  'coding in 1.0': (draft) => {
    draft.version = 'HTTP/1.0';
    draft.lines.push('Transfer-Encoding: chunked\r\n');
  },
  'nothing said of a body': (draft) => {
    draft.lines = draft.lines.filter((line) => !/^(content-length|transfer-encoding)/i.test(line));
  },
  'odd name': (draft, random) => insert(draft.lines, random, `${random.pick(NAMES)}\r\n`),
  'odd value': (draft, random) => insert(draft.lines, random, `X-Odd: ${random.pick(VALUES)}\r\n`),
  folded: (draft, random) => {
    const folded = [
      'X-Fold: a\r\n b\r\n',
      'Transfer-Encoding:\r\n chunked\r\n',
      'X-Fold: a\r\n\tContent-Length: 5\r\n',
    ];
    insert(draft.lines, random, random.pick(folded));
  },
  'odd line end': (draft, random) => {
    const at = random.int(draft.lines.length + 2);
    const end = random.pick(LINE_ENDS);
    if (at === draft.lines.length) draft.end = end;
    else if (at > draft.lines.length) draft.blank = end;
    else draft.lines[at] = draft.lines[at]!.replace(/\r\n$/, end);
  },
  'odd version': (draft, random) => {
    draft.version = random.pick(VERSIONS);
    if (random.chance(0.3)) insert(draft.lines, random, 'Connection: keep-alive\r\n');
  },
  'odd target': (draft, random) => (draft.target = random.pick(TARGETS)),
  'odd method': (draft, random) => {
    draft.method = random.pick([
      'TRACE',
      'CONNECT',
      'G(T',
      '',
      ' GET',
      'GET ',
      'G\tET',
      'GET\0',
      'PRI',
      '\r\nGET',
      '\nGET',
    ]);
  },
  'odd host': (draft, random) => replaceField(draft, 'host', random.pick(HOSTS), random),
  'no host': (draft) => (draft.lines = draft.lines.filter((line) => !/^host:/i.test(line))),
  'two hosts': (draft, random) => insert(draft.lines, random, random.pick(['Host: evil\r\n', 'host: a.example\r\n'])),
  'odd chunk size': (draft, random) => rechunk(draft, random, random.pick(CHUNK_SIZES)),
  'chunk of another size': (draft, random) => rechunk(draft, random, random.pick(['4', '6', '1', 'ff', '0'])),
  'odd end of a chunk': (draft, random) => {
    rechunk(draft, random, '5');
    const at = draft.body.indexOf('\r\n');
    draft.body[at] = random.pick(['\n', '\r', '', '\r\r\n', 'x\r\n', 'x\n', '\n\n', '\0\0', '\r\n\r\n']);
  },
  'odd trailer': (draft, random) => {
    replaceField(draft, 'transfer-encoding', 'chunked', random);
    draft.body = [
      ...chunksOf(random, drawContent(random)).slice(0, -1),
      `${random.pick(FORBIDDEN_TRAILERS)}\r\n`,
      '\r\n',
    ];
  },
  'end of chunks that is none': (draft, random) => {
    rechunk(draft, random, '5');
    draft.body.splice(-1, 1, random.pick(['\n', '\r', 'x\r\n', ' \r\n', '']));
  },
  close: (draft, random) =>
    insert(draft.lines, random, `Connection: ${random.pick(['close', 'x, CLOSE', ',close'])}\r\n`),
  upgrade: (draft, random) => {
    draft.method = random.pick(['GET', 'GET', 'POST']);
    insert(draft.lines, random, `Upgrade: ${random.pick(['websocket', 'x', 'h2c', 'websocket, h2c', ''])}\r\n`);
    insert(draft.lines, random, `Connection: ${random.pick(['Upgrade', 'upgrade, X-Private', 'keep-alive'])}\r\n`);
  },
  expect: (draft, random) => {
    insert(
      draft.lines,
      random,
      `Expect: ${random.pick(['100-continue', '100-Continue', 'x', '100-continue, x', ''])}\r\n`,
    );
  },
  loop: (draft, random) => {
    const many = Array.from({ length: 11 }, (_, i) => `1.1 p${i}`).join();
    insert(
      draft.lines,
      random,
      `Via: ${random.pick(['1.1 sallyport-local', '1.1 x, 1.0 sallyport-local c', many])}\r\n`,
    );
  },
  'huge field': (draft, random) => {
    insert(draft.lines, random, `X-Huge: ${'h'.repeat(random.pick([8_000, 30_000, 62_000, 70_000]))}\r\n`);
  },
  'many lines': (draft, random) => {
    const count = random.pick([500, 990, 1_001, 1_030, 1_200]);
    draft.lines.splice(0, 0, ...Array.from({ length: count }, (_, i) => `x${i}:\r\n`));
  },
  'long target': (draft, random) => (draft.target += 't'.repeat(random.pick([4_000, 8_000, 9_000, 20_000]))),
  'a request behind it': (draft) => draft.body.push(SMUGGLED),
  'bytes behind it': (draft, random) => {
    draft.body.push(
      random.pick(['\r\n', '\r\n\r\n', '\n', '\0', 'x', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', ' ', '\r']),
    );
  },
};

function insert(lines: string[], random: Random, line: string): void {
  lines.splice(random.int(lines.length + 1), 0, line);
}

/** The value of a field, or a new one. */
function replaceField(draft: Draft, lower: string, value: string, random: Random): void {
  const spelt = random.pick([lower, lower.replace(/(^|-)./g, (text) => text.toUpperCase()), lower.toUpperCase()]);
  draft.lines = draft.lines.filter((line) => !line.toLowerCase().startsWith(`${lower}:`));
  insert(draft.lines, random, `${spelt}:${random.pick([' ', '', '\t', '  '])}${value}\r\n`);
}

/** A body of one chunk of 5 bytes, whatever `size` says of it. */
function rechunk(draft: Draft, random: Random, size: string): void {
  draft.lines = draft.lines.filter((line) => !/^content-length:/i.test(line));
  replaceField(draft, 'transfer-encoding', 'chunked', random);
  draft.body = [`${size}\r\n`, 'hello', '\r\n', '0\r\n', '\r\n'];
}
