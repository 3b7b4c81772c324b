/** Why a message was refused: a closed list, each with the rule that it breaks. */

export interface Fault {
  readonly code: string;
  /** `RFC 9112 §6.3`. */
  readonly rule: string;
  readonly text: string;
  /** What a server answers a request with that breaks it; a proxy makes 502 of it where a backend does. */
  readonly status: 400 | 414 | 431 | 501 | 505;
}

function fault(code: string, rule: string, text: string, status: Fault['status'] = 400): Fault {
  return { code, rule, text, status };
}

export const Faults = {
  NOT_HTTP: fault('not-http', 'RFC 9112 §2.1', 'what came does not begin as a message of HTTP/1'),
  METHOD: fault('bad-method', 'RFC 9110 §9.1', 'the method is no token, or more than one space follows it'),
  TARGET: fault('bad-target', 'RFC 9112 §3.2', 'the request target is empty or holds what no URI does'),
  REQUEST_LINE: fault(
    'bad-request-line',
    'RFC 9112 §3',
    'the request line is not a method, a target and a version with one space between them',
  ),
  VERSION: fault('bad-version', 'RFC 9112 §2.3', 'the version is not HTTP/1.0 or HTTP/1.1', 505),
  STATUS_LINE: fault('bad-status-line', 'RFC 9112 §4', 'the status line is malformed'),
  LINE_END: fault('bad-line-end', 'RFC 9112 §2.2', 'a line of the head ends in something else than CR LF'),
  NAME: fault('bad-name', 'RFC 9110 §5.1', 'a field name is empty or no token'),
  SPACE_BEFORE_COLON: fault(
    'space-before-colon',
    'RFC 9112 §5.1',
    'there is a space between a field name and its colon',
  ),
  FOLDED: fault('folded-line', 'RFC 9112 §5.2', 'a field line is folded'),
  VALUE: fault('bad-value', 'RFC 9110 §5.5', 'a field value holds a control character'),
  START_LINE_TOO_LONG: fault('start-line-too-long', 'RFC 9112 §3', 'the first line is too long', 414),
  HEAD_TOO_LARGE: fault('head-too-large', 'RFC 6585 §5', 'the head is too large', 431),
  TOO_MANY_LINES: fault('too-many-lines', 'RFC 6585 §5', 'the head has too many lines', 431),
  LENGTH: fault('bad-length', 'RFC 9110 §8.6', 'Content-Length is no number'),
  LENGTHS: fault('two-lengths', 'RFC 9112 §6.3', 'Content-Length is there twice'),
  LENGTH_AND_CODING: fault('length-and-coding', 'RFC 9112 §6.1', 'Content-Length and Transfer-Encoding are both there'),
  CODING_IN_1_0: fault('coding-in-1.0', 'RFC 9112 §6.1', 'Transfer-Encoding does not exist in HTTP/1.0'),
  CODING: fault('bad-coding', 'RFC 9112 §6.3', 'the last transfer coding is not chunked, or chunked is applied twice'),
  UNKNOWN_CODING: fault('unknown-coding', 'RFC 9112 §6.1', 'a transfer coding other than chunked is applied', 501),
  CHUNK_SIZE: fault('bad-chunk-size', 'RFC 9112 §7.1', 'a chunk size is no hexadecimal number'),
  CHUNK_EXTENSION: fault('bad-chunk-extension', 'RFC 9112 §7.1.1', 'chunk extensions are malformed or too long'),
  CHUNK_END: fault('bad-chunk-end', 'RFC 9112 §7.1', 'a chunk does not end in CR LF where its size says'),
  CUT: fault('cut', 'RFC 9112 §8', 'the connection ended before the message did'),
} as const satisfies Record<string, Fault>;
