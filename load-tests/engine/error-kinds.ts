/** What undici, node:net, node:tls and llhttp call it, and what the report calls it. */
const KINDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_closed',
  ETIMEDOUT: 'connect_timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'no_local_port',
  EMFILE: 'no_file_descriptor',
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_not_found',
  UND_ERR_HEADERS_OVERFLOW: 'bad_answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad_answer',
  ERR_HTTP2_GOAWAY_SESSION: 'http2_goaway',
  ERR_HTTP2_STREAM_ERROR: 'http2_stream_reset',
  ERR_HTTP2_STREAM_CANCEL: 'connection_closed',
};

/** The kind of our own abort of a request that took longer than the timeout. */
export const TIMEOUT_KIND = 'timeout';
/** The kinds that mean the generator ran out of something, not the other side. */
export const GENERATOR_KINDS: readonly string[] = ['no_local_port', 'no_file_descriptor'];
/** The kinds that mean something took too long, on either side. */
export const SLOWNESS_KINDS: readonly string[] = [TIMEOUT_KIND, 'connect_timeout'];
/** The kinds that mean nobody could be reached. */
export const UNREACHABLE_KINDS: readonly string[] = [
  'connection_refused',
  'connect_timeout',
  'unreachable',
  'name_not_found',
];

/** Ends a connection that took longer than the timeout to open. */
export class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT';
}

/** Ends a request whose answer is not what the protocol asks for. */
export class BadAnswer extends Error {
  readonly code = 'HPE_BAD_ANSWER';
}

/** Ends a connection whose other side did not choose HTTP/2 when asked by ALPN. */
export class NoHttp2 extends Error {
  readonly code = 'no_http2';
}

/** Given to a request's abort when it is over its time. */
export class RequestTimeout extends Error {
  readonly code = TIMEOUT_KIND;
}

/** A stable name for what ended a request without an answer; at most one per cause, so that it can be a map's key. */
export function errorKind(error: unknown): string {
  const code = codeOf(error);
  if (code === undefined) return 'unknown';
  const known = KINDS[code];
  if (known !== undefined) return known;
  if (code.startsWith('HPE_')) return 'bad_answer';
  if (/CERT|TLS|SSL/.test(code)) return `tls:${code}`;
  return code;
}

/** The innermost cause names it best: undici wraps the socket's error. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return codeOf(error.cause) ?? (error as NodeJS.ErrnoException).code;
}
