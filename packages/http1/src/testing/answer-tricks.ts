/** Answers as broken and hostile backends write them. */

const OK = 'HTTP/1.1 200 OK\r\n';
const BODY = 'Content-Length: 5\r\n\r\nhello';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';
/** What shows whether anything is read behind the answer in front of it. */
const NEXT = `HTTP/1.1 201 Next\r\n${BODY}`;

const STATUS_LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200 ',
  'HTTP/1.1 200',
  'HTTP/1.0 200 OK',
  'HTTP/1.2 200 OK',
  'HTTP/2.0 200 OK',
  'HTTP/0.9 200 OK',
  'HTTP/2 200 OK',
  'HTTP/1.10 200 OK',
  'http/1.1 200 OK',
  'HTTP/1.1  200 OK',
  'HTTP/1.1\t200 OK',
  'HTTP/1.1 20 OK',
  'HTTP/1.1 2000 OK',
  'HTTP/1.1 099 OK',
  'HTTP/1.1 0200 OK',
  'HTTP/1.1 2x0 OK',
  'HTTP/1.1 +200 OK',
  'HTTP/1.1 200OK',
  'HTTP/1.1 200\tOK',
  'HTTP/1.1 200  OK ',
  'HTTP/1.1 200 O\0K',
  'HTTP/1.1 200 O\x7fK',
  'HTTP/1.1 200 O\xfcK',
  'HTTP/1.1 200 O\rK',
  'HTTP/1.1 999 OK',
  'HTTP/1.1 600 OK',
  ' HTTP/1.1 200 OK',
  'ICY 200 OK',
  'GET / HTTP/1.1',
  '',
  'hello',
];

const LENGTHS = ['5', '05', '+5', '-5', '5 ', '5,5', '5, 5', '0x5', '', '5 5', '5\0', '99999999999999999999'];
const CODINGS = [
  'chunked',
  'CHUNKED',
  'chunked,',
  ',chunked',
  'chunked, chunked',
  'gzip, chunked',
  'chunked, gzip',
  'gzip',
  'identity',
  'xchunked',
  'chunked;q=1',
  '',
];
const LINES = [
  'Content-Length : 5',
  ' Content-Length: 5',
  'Content-Length: 5\r\nContent-Length: 5',
  'Content-Length: 5\r\nContent-Length: 6',
  'Content-Length: 5\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 5',
  'Transfer-Encoding : chunked',
  'Content-Length: 5\r\nX: a\r\n b',
  'Content-Length: 5\r\nX: a\r\n\tb',
  'Content-Length: 5\r\nX: a\0b',
  'Content-Length: 5\r\nX: a\x7fb',
  'Content-Length: 5\r\nX: a\rb',
  'Content-Length: 5\r\nX: a\nb: c',
  'Content-Length: 5\r\nX',
  'Content-Length: 5\r\n: a',
  'Content-Length: 5\r\nX(: a',
  'Content-Length: 5\r\nX: \xfc',
];
const BROKEN_CHUNKS = [
  '5 \r\nhello\r\n0\r\n\r\n',
  ' 5\r\nhello\r\n0\r\n\r\n',
  '+5\r\nhello\r\n0\r\n\r\n',
  '0x5\r\nhello\r\n0\r\n\r\n',
  '5;a=b\r\nhello\r\n0\r\n\r\n',
  '5;a\nhello\r\n0\r\n\r\n',
  '5\nhello\n0\n\n',
  '5\r\nhello0\r\n\r\n',
  '5\r\nhelloX\r\n0\r\n\r\n',
  'g\r\n',
  '\r\n5\r\nhello\r\n0\r\n\r\n',
  'fffffffffffffffff\r\n',
  '0\r\nA: b\r\n\r\n',
  '0\r\nA : b\r\n\r\n',
  '0\r\n A: b\r\n\r\n',
  '0\n\n',
];
/** Before an answer, and in its place. */
const EARLY = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early\r\nLink: a\r\n\r\n',
  'HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 199 Odd\r\n\r\n',
  'HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\n',
  '\r\n',
];
const BODILESS = ['204 No Content', '304 Not Modified'];

export const ANSWER_TRICKS: readonly string[] = [
  ...STATUS_LINES.flatMap((line) => ['\r\n', '\n', '\r\r\n'].map((end) => `${line}${end}${BODY}`)),
  ...LENGTHS.map((length) => `${OK}Content-Length: ${length}\r\n\r\nhello`),
  ...CODINGS.map((codings) => `${OK}Transfer-Encoding: ${codings}\r\n\r\n${CHUNKS}`),
  ...CODINGS.map((codings) => `HTTP/1.0 200 OK\r\nTransfer-Encoding: ${codings}\r\n\r\n${CHUNKS}`),
  ...LINES.flatMap((lines) => [`${OK}${lines}\r\n\r\nhello`, `${OK}${lines}\r\n\r\n${CHUNKS}`]),
  ...BROKEN_CHUNKS.map((chunks) => `${OK}${CHUNKED}\r\n${chunks}`),
  ...EARLY.flatMap((early) => [`${early}${OK}${BODY}`, `${early}${early}${OK}${BODY}`]),
  ...BODILESS.flatMap((status) =>
    ['', 'Content-Length: 5\r\n', CHUNKED].map((lines) => `HTTP/1.1 ${status}\r\n${lines}\r\n`),
  ),
  `${OK}\r\nup to the end`,
  `${OK}${BODY}${NEXT}`,
  `${OK}Content-Length: 9\r\n\r\nhello`,
  `${OK}${CHUNKED}\r\n5\r\nhel`,
];
