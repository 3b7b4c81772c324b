/** A backend as real clients meet them: files with ranges, uploads, refusals, events, a WebSocket, a page. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';

const MIB = 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * MIB;
/** The same on every run, and like nothing that is lost or doubled. */
export const FILE = fileOf(4 * MIB);
export const FILE_SHA256 = sha256(FILE);
const GZIPPED = gzipSync(FILE);
const ETAG = '"the-file"';

/** What the site says of an upload. */
export interface UploadReport {
  readonly bytes: number;
  readonly sha256: string;
  readonly method: string;
  readonly contentLength: string | null;
  readonly isChunked: boolean;
  readonly expect: string | null;
  readonly httpVersion: string;
}

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

export async function startSite(): Promise<Site> {
  const steps = new Steps();
  const routes = { ...ROUTES, '/steps': steps.begin, '/step': steps.next };
  const serve = (request: IncomingMessage, response: ServerResponse) => answer(routes, request, response);
  const server = createServer(serve);
  // The backend's own word on Expect: it reads what it says 100 to, and says nothing to what it refuses.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (pathOf(request) !== '/refuse') response.writeContinue();
    serve(request, response);
  });
  const sockets = echoMessages(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const ws of sockets.clients) ws.terminate();
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** Echoes on every path; text that is a number of milliseconds on `/later` comes back so much later. */
function echoMessages(server: Server): WebSocketServer {
  const sockets = new WebSocketServer({
    server,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  });
  sockets.on('connection', (ws, request) => {
    const isLater = request.url === '/later';
    ws.on('error', () => {});
    ws.on('message', (data: Buffer, isBinary) => {
      if (!isLater) return ws.send(data, { binary: isBinary });
      const timer = setTimeout(() => ws.send(data, { binary: isBinary }), Number(data.toString()));
      ws.once('close', () => clearTimeout(timer));
    });
  });
  return sockets;
}

type Route = (request: IncomingMessage, response: ServerResponse) => unknown;

const ROUTES: Readonly<Record<string, Route>> = {
  '/': page,
  '/file': file,
  '/gzipped': gzipped,
  '/upload': upload,
  '/refuse': refuse,
  '/lines': lines,
  '/events': events,
  '/cookies': cookies,
  '/redirect': (_request, response) => response.writeHead(302, { Location: 'file' }).end(),
};

function answer(routes: Readonly<Record<string, Route>>, request: IncomingMessage, response: ServerResponse): void {
  const route = routes[pathOf(request)];
  if (route === undefined) response.writeHead(404).end();
  else void route(request, response);
}

/** `/steps` is an answer that goes one piece further whenever somebody asks for `/step`; the third is the last. */
class Steps {
  #response: ServerResponse | null = null;
  #count = 0;

  readonly begin: Route = (_request, response) => {
    this.#response = response;
    this.#count = 0;
    this.#write();
  };

  readonly next: Route = (_request, response) => {
    this.#write();
    response.writeHead(204).end();
  };

  #write(): void {
    this.#count += 1;
    this.#response?.write(`step ${this.#count}`);
    if (this.#count === 3) this.#response?.end();
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return new URL(url, 'http://site').pathname;
}

function numberOf({ url = '' }: IncomingMessage, name: string): number {
  return Number(new URL(url, 'http://site').searchParams.get(name) ?? 0);
}

/** RFC 9110 §14: one range of bytes, and `If-Range`. */
function file(request: IncomingMessage, response: ServerResponse): void {
  const common = { ETag: ETAG, 'Accept-Ranges': 'bytes', 'Content-Type': 'application/octet-stream' };
  if (request.headers['if-none-match'] === ETAG) return void response.writeHead(304, common).end();
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const ifRange = request.headers['if-range'] ?? ETAG;
  if (from === undefined || ifRange !== ETAG) {
    response.writeHead(200, { ...common, 'Content-Length': FILE.length });
    return void response.end(request.method === 'HEAD' ? undefined : FILE);
  }
  const last = to === '' || to === undefined ? FILE.length - 1 : Math.min(Number(to), FILE.length - 1);
  const part = FILE.subarray(Number(from), last + 1);
  const range = `bytes ${from}-${last}/${FILE.length}`;
  response.writeHead(206, { ...common, 'Content-Length': part.length, 'Content-Range': range });
  response.end(request.method === 'HEAD' ? undefined : part);
}

function gzipped(request: IncomingMessage, response: ServerResponse): void {
  if (!/\bgzip\b/.test(String(request.headers['accept-encoding']))) return void response.end(FILE);
  response.writeHead(200, { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' }).end(GZIPPED);
}

async function upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch {
    return;
  }
  const report: UploadReport = {
    bytes,
    sha256: hash.digest('hex'),
    method: request.method ?? '',
    contentLength: request.headers['content-length'] ?? null,
    isChunked: request.headers['transfer-encoding'] !== undefined,
    expect: request.headers.expect ?? null,
    httpVersion: request.httpVersion,
  };
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(report));
}

/** Answers at once; what still comes is wanted by nobody. */
function refuse(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(403, { 'Content-Type': 'text/plain' }).end('not from you\n');
}

/** `n` lines, each a chunk of its own, `gap` ms apart. */
function lines(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/plain');
  each(request, response, (i) => `line ${i}\n`);
}

/** `n` events, `gap` ms apart; then it stays open until the visitor goes. */
function events(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.flushHeaders();
  each(request, response, (i) => `id: ${i}\ndata: event ${i}\n\n`, false);
}

function each(request: IncomingMessage, response: ServerResponse, text: (i: number) => string, ends = true): void {
  const count = numberOf(request, 'n');
  let sent = 0;
  const timer = setInterval(
    () => {
      response.write(text(sent));
      sent += 1;
      if (sent < count) return;
      clearInterval(timer);
      if (ends) response.end();
    },
    numberOf(request, 'gap'),
  );
  response.once('close', () => clearInterval(timer));
}

function cookies(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Set-Cookie', ['first=1; Path=/', 'second=2; Path=/; HttpOnly']);
  response.end(request.headers.cookie ?? '');
}

function page(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end('<!doctype html><title>A page</title><h1>Through the tunnel</h1><img src="file?image" alt="">');
}

function fileOf(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let i = 0; i < size; i += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
