/** The link port: authenticates a dialler before its upgrade is answered, then gives the relay its transport. */
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server as HttpServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Server as HttpsServer } from 'node:https';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { parseBearer, sessionAllowed } from '@sallyport/credentials';
import type { CredentialStore } from '@sallyport/credentials';
import { LINK_PATH, SUBPROTOCOL, WS_OPTIONS, WsTransport } from '@sallyport/protocol';
import type { Telemetry } from '@sallyport/telemetry';
import { WebSocketServer } from 'ws';
import type { LinkTls } from './link-tls.ts';
import type { LinkOwner, Relay } from './relay/relay.ts';

export type LinkServer = HttpServer | HttpsServer;

export interface AcceptOptions {
  /** Null: links come by ws:// alone. */
  readonly tls: LinkTls | null;
  readonly relay: Relay;
  readonly credentials: CredentialStore;
  readonly maxLinks: number;
  readonly telemetry: Pick<Telemetry, 'limit' | 'limitHit'>;
  readonly refused: (reason: string, remote: string) => void;
  /** `reason`: OpenSSL's or Node's code, or words. */
  readonly handshakeFailed: (reason: string) => void;
}

const HEAD_TIMEOUT_MS = 5_000;
/** Node looks for heads that take too long so often; every 30 s unless told. */
const LOOK_FOR_LATE_MS = 1_000;
/** Connections that no link has come of yet, at once: strangers', until their credential was looked at. */
export const DIALS_LIMIT = 1_024;
const REFUSAL_GRACE_MS = 1_000;
const RAW_ANSWER_HEAD = 'Connection: close\r\nContent-Length: 0\r\n';

/** Uniform: the same bytes for an unknown id, a wrong secret, a wrong role or none at all. */
const UNAUTHORIZED = `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n${RAW_ANSWER_HEAD}\r\n`;
const TOO_MANY = `HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n${RAW_ANSWER_HEAD}\r\n`;
const NOT_A_LINK = `HTTP/1.1 404 Not Found\r\n${RAW_ANSWER_HEAD}\r\n`;

export function createLinkServer(options: AcceptOptions): LinkServer {
  const webSockets = new WebSocketServer({
    ...WS_OPTIONS,
    noServer: true,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  const server = listenerFor(options);
  // Node counts those of links as well, so each of them makes room for itself.
  server.maxConnections = DIALS_LIMIT;
  showDials(server, options.telemetry);
  server.on('upgrade', (request, socket, head) => {
    // Until ws has it, nobody else listens for what a vanished dialler does to its socket.
    socket.on('error', () => socket.destroy());
    const answer = admit(options, request);
    if (typeof answer === 'string') {
      refuse(socket, answer);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (ws) => {
      server.maxConnections += 1;
      socket.once('close', () => (server.maxConnections -= 1));
      const transport = new WsTransport(ws, socket as Socket);
      if (answer.role === 'entry') options.relay.acceptUplink(transport, answer.owner);
      else options.relay.acceptClient(transport, answer.owner);
    });
  });
  return server;
}

function showDials(server: LinkServer, telemetry: AcceptOptions['telemetry']): void {
  server.on('drop', () => telemetry.limitHit('link-dials'));
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    socket.once('close', () => (connections -= 1));
  });
  const links = () => server.maxConnections - DIALS_LIMIT;
  telemetry.limit(
    'link-dials',
    () => DIALS_LIMIT,
    () => connections - links(),
  );
}

const upgradeRequired: RequestListener = (_request, response) => {
  response.writeHead(426, { Connection: 'Upgrade, close', Upgrade: 'websocket' }).end();
};

function listenerFor({ tls, handshakeFailed }: AcceptOptions): LinkServer {
  const limits = {
    headersTimeout: HEAD_TIMEOUT_MS,
    requestTimeout: HEAD_TIMEOUT_MS,
    connectionsCheckingInterval: LOOK_FOR_LATE_MS,
  };
  if (tls === null) return createServer(limits, upgradeRequired);
  const server = createSecureServer({ ...limits, ...tls.serverOptions }, upgradeRequired);
  tls.serve(server);
  server.on('tlsClientError', (error: Error & { code?: string }, socket) => {
    const reason = error.code === 'ECONNRESET' ? whyHungUp(socket) : (error.code ?? error.message);
    if (reason !== null) handshakeFailed(reason);
    socket.destroy();
  });
  return server;
}

/** Null: who only looked whether the port is open is no news. Node's diallers send no alert where they do not believe us. */
function whyHungUp(socket: TLSSocket & { readonly _parent?: Socket }): string | null {
  const hasSpoken = socket._parent !== undefined && socket._parent.bytesRead > 0;
  return hasSpoken ? 'hung up in the handshake: may not believe our certificate (link.caFile)' : null;
}

/** Says no, reads no more than a moment of what still comes, and is gone whatever the dialler does. */
function refuse(socket: Duplex, answer: string): void {
  const timer = setTimeout(() => socket.destroy(), REFUSAL_GRACE_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.end(answer);
  socket.resume();
}

/** The raw refusal, or whose link this is. */
function admit(
  { relay, credentials, maxLinks, telemetry, refused }: AcceptOptions,
  request: IncomingMessage,
): string | { role: 'entry' | 'client'; owner: LinkOwner } {
  const remote = remoteOf(request);
  if (request.url !== LINK_PATH) return NOT_A_LINK;
  const bearer = parseBearer(request.headers.authorization);
  const verdict = credentials.verify(bearer?.id ?? '', bearer?.secret ?? '');
  if (bearer === null || !verdict.ok || (verdict.role !== 'entry' && verdict.role !== 'client')) {
    refused('credential', remote);
    return UNAUTHORIZED;
  }
  if (relay.uplinks.size + relay.clientLinks.size >= maxLinks) {
    telemetry.limitHit('links');
    return TOO_MANY;
  }
  const { principal, role, sessions } = verdict;
  const owner: LinkOwner = {
    principal,
    remote,
    allows: (session) => sessionAllowed(sessions, session),
    isActive: () => credentials.isActive(bearer.id),
    misused: () => refused(`credential ${bearer.id} is for ${role}`, remote),
  };
  return { role, owner };
}

/** An entry that hands a link on says for whom (RFC 7239 §4): so may anybody, and it stands behind what we know. */
const FORWARDED_FOR = /^for="?\[?([0-9A-Fa-f.:]{2,45})\]?"?$/;

function remoteOf({ socket, headers }: IncomingMessage): string {
  const peer = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
  const told = FORWARDED_FOR.exec(headers.forwarded ?? '')?.[1] ?? '';
  return isIP(told) === 0 ? peer : `${peer} for ${told}`;
}
