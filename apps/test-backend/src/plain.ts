/** The endpoints that need neither a clock nor a pattern. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { sendJson } from './answers.ts';

/** What has arrived here, and at whom: for tests of what a proxy adds, changes or leaves alone. */
export function sendInfo(req: IncomingMessage, res: ServerResponse): void {
  const { method, url, httpVersion, rawHeaders } = req;
  const server = { name: 'sallyport-test-backend', node: process.version, pid: process.pid };
  sendJson(res, 200, { server, request: { method, url, httpVersion, rawHeaders, from: req.socket.remoteAddress } });
}

/** 204 and 304 have no body by RFC 9110; 205 must be sent without one (section 15.3.6). */
export function sendStatus(_req: IncomingMessage, res: ServerResponse, status: number): void {
  if (status === 204 || status === 205 || status === 304) res.writeHead(status).end();
  else sendJson(res, status, { status });
}

/** Sends the body back as it comes: an upload is read no faster than the echo is taken. */
export function echo(req: IncomingMessage, res: ServerResponse): void {
  const headers: string[] = [];
  for (const name of ['content-type', 'content-length'] as const) {
    const value = req.headers[name];
    if (value !== undefined) headers.push(name, value);
  }
  res.writeHead(200, headers);
  pipeline(req, res, () => {
    // An error here means that the visitor is gone, and pipeline has destroyed both ends.
  });
}

export function sendUpgradeRequired(_req: IncomingMessage, res: ServerResponse): void {
  sendJson(res, 426, { error: 'this path speaks WebSocket' }, ['Upgrade', 'websocket', 'Connection', 'Upgrade']);
}
