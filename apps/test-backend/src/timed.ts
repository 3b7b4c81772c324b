/** Answers that take their time. Every timer here ends with its response, also when the visitor goes first. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from './answers.ts';

export const MAX_DELAY_MS = 60_000;
/** Lines or events of one stream: 1,000 s of them. */
export const MAX_LINES = 100_000;
const LINE_INTERVAL_MS = 10;

export function sendDelayed(_req: IncomingMessage, res: ServerResponse, delayMs: number): void {
  const timer = setTimeout(sendJson, delayMs, res, 200, { delayMs });
  res.once('close', () => clearTimeout(timer));
}

/** JSON lines, 10 ms apart, the first at once: `{"line":0,"of":3}`. */
export function sendLines(req: IncomingMessage, res: ServerResponse, count: number): void {
  res.writeHead(200, ['Content-Type', 'application/x-ndjson']);
  pace(req, res, count, (line) => `{"line":${line},"of":${count}}\n`);
}

/** Server-sent events (WHATWG HTML section 9.2), 10 ms apart, with ids from 0. */
export function sendEvents(req: IncomingMessage, res: ServerResponse, count: number): void {
  res.writeHead(200, ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-store']);
  pace(req, res, count, (event) => `id: ${event}\ndata: {"event":${event},"of":${count}}\n\n`);
}

function pace(req: IncomingMessage, res: ServerResponse, count: number, text: (index: number) => string): void {
  if (req.method === 'HEAD' || count === 0) {
    res.end();
    return;
  }
  let index = 0;
  const timer = setInterval(sendNext, LINE_INTERVAL_MS);
  res.once('close', () => clearInterval(timer));
  sendNext();

  function sendNext(): void {
    // A visitor who does not read is waited for: nothing piles up here.
    if (index === count || res.writableNeedDrain) return;
    res.write(text(index++));
    if (index === count) res.end();
  }
}
