import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { Logger } from 'pino';
import { AdminError, listenError } from './admin-error.ts';
import { credentialGuard, type Guard, loopbackGuard, type Verify } from './admin-guard.ts';
import { PROBLEM_TYPE, type Problem, problem, problemOf } from './admin-problem.ts';
import { type AdminRoutes, addOwnRoutes, type Readiness } from './admin-routes.ts';
import { isLoopbackHost } from './loopback.ts';
import type { Part } from './part-metrics.ts';
import type { Reloads } from './reloads.ts';
import type { Telemetry } from './telemetry.ts';

export type AdminOptions = {
  part: Part;
  /** Address to listen at; one off loopback needs `verify`. */
  host: string;
  /** 0 takes a free port. */
  port: number;
  telemetry: Telemetry;
  logger: Logger;
  /** Asked at each /readyz: can this part do its job? */
  ready: () => Readiness;
  /** The part's own routes; they land under /api (`app.get('/sessions')` is /api/sessions). */
  routes?: AdminRoutes;
  verify?: Verify;
  /** What POST /api/reload runs; without it there is no such route. */
  reloads?: Reloads | undefined;
  openapi: { title: string; version: string };
  /** A connection on which nothing moves for so long is ended; 30 s. */
  stallTimeoutMs?: number;
};

export type Admin = {
  /** `http://host:port`, with the port that was taken. */
  url: string;
  port: number;
  /** Answers what is under way for at most a second, and ends every connection. */
  close(): Promise<void>;
};

/** Longer than a reload takes. */
const STALL_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Node looks for requests that take too long so often; every 30 s unless told. */
const LOOK_FOR_LATE_MS = 1_000;
const KEEP_ALIVE_TIMEOUT_MS = 30_000;
const CLOSE_GRACE_MS = 1000;
const BODY_LIMIT_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 256;

/**
 * Opens the admin port of a part: /healthz, /readyz, /metrics, /api/… and /api/openapi.json. Health never needs a
 * credential; off loopback all else does. Errors are problem+json (RFC 9457).
 *
 * Rejects with `AdminError` when the address is off loopback without `verify`, in use, or not to be had.
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { part, host, port, telemetry, verify } = options;
  const loopback = isLoopbackHost(host);
  if (!loopback && !verify) throw needsCredential(`${part} admin address ${urlHost(host)}:${port}`);
  const guard = loopback || !verify ? loopbackGuard : credentialGuard(verify);

  const app = createApp(options, guard);
  app.server.maxConnections = MAX_CONNECTIONS;
  app.server.on('drop', () => telemetry.limitHit('admin_connections'));
  // Node ends it; a scraper that does not take its answer is one who sees less than there is, and so is counted.
  app.server.on('connection', (socket) =>
    socket.on('timeout', () => {
      if (socket.writableLength > 0) telemetry.limitHit('admin_stall');
    }),
  );
  try {
    await addOwnRoutes(app, { ...options, secured: !loopback });
    // `localhost` would listen twice, on 127.0.0.1 and ::1.
    await app.listen({ host: host.toLowerCase() === 'localhost' ? '127.0.0.1' : host, port });
  } catch (error) {
    await app.close();
    throw listenError(error, `${part} admin address ${urlHost(host)}:${port}`);
  }
  const bound = app.server.address();
  const taken = typeof bound === 'object' && bound ? bound.port : port;
  return { url: `http://${urlHost(host)}:${taken}`, port: taken, close: () => closeApp(app) };
}

function createApp({ logger, stallTimeoutMs = STALL_TIMEOUT_MS }: AdminOptions, guard: Guard): FastifyInstance {
  const app = fastify({
    logger: false,
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT_BYTES,
    // A body says exactly what is meant, or is refused.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    connectionTimeout: stallTimeoutMs,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // A longer time for the head (a minute unless told) would be taken for that of the whole request.
    http: { headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: LOOK_FOR_LATE_MS },
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      sendProblem(reply, problemOf(error, request.id));
    },
  });
  // Another way to send a body is another way for a page to do so.
  app.removeContentTypeParser('text/plain');
  // Every route is closed unless it says that it is open: a path is decoded before it is matched, so that no comparison
  // of ours with the raw path could be trusted.
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const refusal = request.routeOptions.config.open === true ? null : await guard(request.headers);
    if (refusal) {
      if (refusal.status === 401) reply.header('www-authenticate', 'Bearer');
      return sendProblem(reply, problem(refusal.status, request.id, { detail: refusal.detail }));
    }
    // What is not there at all is told as that.
    if (request.is404 || changesNothing(request.method) || isJson(request.headers['content-type'])) return undefined;
    return sendProblem(reply, problem(415, request.id, { detail: 'send application/json' }));
  });
  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsAt(app, request.url);
    if (allowed.length === 0) return sendProblem(reply, problem(404, request.id));
    reply.header('allow', allowed.join(', '));
    return sendProblem(reply, problem(405, request.id));
  });
  app.setErrorHandler((error, request, reply) => {
    const answer = problemOf(error, request.id);
    if (answer.status >= 500) {
      logger.error({ err: error, requestId: request.id, url: request.url }, 'admin request failed');
    }
    return sendProblem(reply, answer);
  });
  return app;
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE'] as const;

/** Methods of RFC 9110 §9.2.1, and what no route here takes. */
const changesNothing = (method: string): boolean => !['PUT', 'POST', 'PATCH', 'DELETE'].includes(method);

/** A page of another origin cannot send it without asking first (the preflight of CORS), and is refused then. */
const isJson = (contentType = ''): boolean => /^application\/json *(?:;|$)/i.test(contentType);

/** What may be done at a path; nothing where there is no such path. */
function methodsAt(app: FastifyInstance, target: string): string[] {
  const [url = ''] = target.split('?');
  return METHODS.filter((method) => app.hasRoute({ method, url }));
}

/** As bytes, so that no response schema of a route filters it and fastify adds no charset. */
const sendProblem = (reply: FastifyReply, answer: Problem): FastifyReply =>
  reply
    .code(answer.status)
    .header('content-type', PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(answer)));

/** Bytes that are not a request, or not all of one in time: the same kind of answer, and the end of the connection. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
    const body = JSON.stringify(problem(status, randomUUID()));
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `Content-Type: ${PROBLEM_TYPE}`,
      'Connection: close',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    // Whoever sends no more may not hang up either.
    socket.destroySoon();
    return;
  }
  socket.destroy(error);
}

async function closeApp(app: FastifyInstance): Promise<void> {
  const grace = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(grace);
  }
}

const urlHost = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);

const needsCredential = (address: string): AdminError =>
  new AdminError(
    'SP_ADMIN_NEEDS_CREDENTIAL',
    `${address} can be reached from other machines and has no credential`,
    'listen at 127.0.0.1, or name a credential store with a credential made by `sallyport creds add NAME --for admin`',
  );
