/** Every answer of our own: one table from cause to status, code, hop and Proxy-Status (RFC 9457, RFC 9209). */
import { StreamCode } from '@sallyport/protocol';
import type { HOPS } from '@sallyport/telemetry';

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  /** Where it went wrong: a hop of Server-Timing, or `visitor`. */
  readonly hop: 'visitor' | (typeof HOPS)[number];
  /** RFC 9209 §2.3 error type. */
  readonly proxyError: string;
  /** Asking again may help. */
  readonly retryable: boolean;
  /** Framing is in doubt, or more of the request is not read: the connection ends. */
  readonly closes?: boolean;
  /** The limit that was reached, by its name in metrics and logs. */
  readonly limit?: string | undefined;
  /** Of this occurrence (RFC 9457 §3.1.4): which rule was broken. */
  readonly detail?: string;
}

function problem(
  status: number,
  code: string,
  title: string,
  hop: Problem['hop'],
  proxyError: string,
  { retryable = false, closes = false, limit }: Partial<Pick<Problem, 'retryable' | 'closes' | 'limit'>> = {},
): Problem {
  return { status, code, title, hop, proxyError, retryable, closes, limit };
}

/** A request beyond what `limit` allows. */
function limited(status: number, code: string, title: string, limit: string): Problem {
  return problem(status, code, title, 'visitor', 'http_request_error', { closes: true, limit });
}

const retryable = { retryable: true };
const closes = { closes: true };

export const Problems = {
  noRoute: problem(404, 'SP_NO_ROUTE', 'No session is reached by this address', 'entry', 'destination_not_found'),
  noServer: problem(
    503,
    'SP_NO_SERVER',
    'No tunnel-server is connected',
    'uplink',
    'destination_unavailable',
    retryable,
  ),
  badRequest: problem(400, 'SP_BAD_REQUEST', 'The request is malformed', 'visitor', 'http_request_error', closes),
  badHost: problem(
    400,
    'SP_BAD_HOST',
    'The Host field is missing, repeated or malformed',
    'visitor',
    'http_request_error',
    closes,
  ),
  badTarget: problem(400, 'SP_BAD_TARGET', 'The request target is malformed', 'visitor', 'http_request_error', closes),
  badMethod: problem(405, 'SP_METHOD_NOT_ALLOWED', 'This method is not relayed', 'entry', 'http_request_denied'),
  targetTooLong: limited(414, 'SP_TARGET_TOO_LONG', 'The request target is too long', 'request-target'),
  headTooLarge: limited(431, 'SP_HEAD_TOO_LARGE', 'The request head is too large', 'request-head'),
  bodyTooLarge: limited(413, 'SP_BODY_TOO_LARGE', 'The request body is too large', 'body'),
  headTimeout: limited(408, 'SP_HEAD_TIMEOUT', 'The request head took too long', 'head-timeout'),
  bodyTimeout: limited(408, 'SP_BODY_TIMEOUT', 'The request body came too slowly', 'body-rate'),
  expectation: problem(
    417,
    'SP_EXPECTATION',
    'No expectation but 100-continue can be met',
    'visitor',
    'http_request_error',
  ),
  notImplemented: problem(
    501,
    'SP_NOT_IMPLEMENTED',
    'What the request asks for is not implemented',
    'visitor',
    'http_request_error',
    closes,
  ),
  version: problem(505, 'SP_VERSION', 'The version of HTTP is not spoken', 'visitor', 'http_request_error', closes),
  misdirected: problem(
    421,
    'SP_MISDIRECTED',
    'The certificate of this connection is not for this host',
    'visitor',
    'http_request_denied',
  ),
  clientCertificate: problem(
    403,
    'SP_CLIENT_CERTIFICATE',
    'This host wants a certificate of the visitor',
    'visitor',
    'http_request_denied',
  ),
  loop: problem(508, 'SP_LOOP', 'The request passed here before', 'entry', 'proxy_loop_detected'),
  noSession: problem(404, 'SP_NO_SESSION', 'No such session', 'entry', 'destination_not_found'),
  noClient: problem(
    503,
    'SP_NO_CLIENT',
    'No client serves this session now',
    'link',
    'destination_unavailable',
    retryable,
  ),
  queueFull: problem(
    503,
    'SP_QUEUE_FULL',
    'Too many requests wait for this session',
    'queue',
    'connection_limit_reached',
    retryable,
  ),
  queueTimeout: problem(
    503,
    'SP_QUEUE_TIMEOUT',
    'No slot came free in time',
    'queue',
    'connection_limit_reached',
    retryable,
  ),
  linkLost: problem(502, 'SP_LINK_LOST', 'A link of the tunnel was lost', 'link', 'connection_terminated', retryable),
  backendRefused: problem(
    502,
    'SP_BACKEND_REFUSED',
    'The backend cannot be connected to',
    'backend',
    'connection_refused',
    retryable,
  ),
  backendReset: problem(502, 'SP_BACKEND_RESET', 'The backend cut the connection', 'backend', 'connection_terminated'),
  backendTimeout: problem(
    504,
    'SP_BACKEND_TIMEOUT',
    'The backend did not answer in time',
    'backend',
    'http_response_timeout',
  ),
  badHead: problem(502, 'SP_BAD_HEAD', 'A head that HTTP does not allow', 'backend', 'http_protocol_error'),
  draining: problem(
    503,
    'SP_DRAINING',
    'A part of the tunnel is about to stop',
    'link',
    'destination_unavailable',
    retryable,
  ),
  overloaded: problem(
    503,
    'SP_OVERLOADED',
    'A part of the tunnel is at its limit',
    'link',
    'connection_limit_reached',
    retryable,
  ),
  longStreams: problem(
    503,
    'SP_LONG_STREAMS',
    'The client has its limit of long streams',
    'client',
    'connection_limit_reached',
    retryable,
  ),
  protocol: problem(502, 'SP_PROTOCOL', 'A part of the tunnel broke its protocol', 'link', 'proxy_internal_error'),
  uploadStalled: problem(
    504,
    'SP_UPLOAD_STALLED',
    'The request body was not read in time',
    'backend',
    'connection_write_timeout',
    closes,
  ),
  noUpgrade: problem(501, 'SP_NO_UPGRADE', 'The backend has no such upgrade', 'backend', 'http_upgrade_failed'),
  tunnel: problem(502, 'SP_TUNNEL', 'The tunnel failed', 'link', 'proxy_internal_error'),
} as const;

const BY_STREAM_CODE: ReadonlyMap<number, Problem> = new Map([
  [StreamCode.NO_SESSION, Problems.noSession],
  [StreamCode.NO_CLIENT, Problems.noClient],
  [StreamCode.QUEUE_FULL, Problems.queueFull],
  [StreamCode.QUEUE_TIMEOUT, Problems.queueTimeout],
  [StreamCode.LINK_LOST, Problems.linkLost],
  [StreamCode.BACKEND_REFUSED, Problems.backendRefused],
  [StreamCode.BACKEND_RESET, Problems.backendReset],
  [StreamCode.BACKEND_TIMEOUT, Problems.backendTimeout],
  [StreamCode.BAD_HEAD, Problems.badHead],
  [StreamCode.DRAINING, Problems.draining],
  [StreamCode.OVERLOADED, Problems.overloaded],
  [StreamCode.LONG_STREAMS, Problems.longStreams],
  [StreamCode.PROTOCOL, Problems.protocol],
  [StreamCode.UPLOAD_STALLED, Problems.uploadStalled],
  [StreamCode.LOOP, Problems.loop],
  [StreamCode.NO_UPGRADE, Problems.noUpgrade],
]);

/** What a stream's ABORT or RESET before its head means to the visitor. */
export function problemOfStream(code: number): Problem {
  return BY_STREAM_CODE.get(code) ?? Problems.tunnel;
}

const BY_CODE: ReadonlyMap<string, Problem> = new Map(
  Object.values<Problem>(Problems).map((each) => [each.code, each]),
);

/** Of a code in metrics, logs and answers; null: it is none of ours. */
export function problemOfCode(code: string): Problem | null {
  return BY_CODE.get(code) ?? null;
}

const RETRY_AFTER_S = 1;
/** For Allow: the methods of RFC 9110 and RFC 5789 that are relayed; any other token is too. */
export const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Fields and body of an answer of our own. */
export function problemContent(problem: Problem, requestId: string): { fields: string[]; body: Buffer } {
  const { status, code, title, hop, proxyError, retryable: mayRetry, detail } = problem;
  const type = `urn:sallyport:problem:${code.slice(3).toLowerCase().replaceAll('_', '-')}`;
  const body = Buffer.from(
    `${JSON.stringify({ type, title, status, code, hop, requestId, retryable: mayRetry, detail })}\n`,
  );
  const fields = [
    'Content-Type',
    'application/problem+json',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
    'Proxy-Status',
    `sallyport; error=${proxyError}`,
  ];
  if (status === 503) fields.push('Retry-After', String(RETRY_AFTER_S));
  if (status === 405) fields.push('Allow', METHODS);
  return { fields, body };
}
