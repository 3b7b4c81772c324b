/** Which answer belongs to which path and method. The fixed answers come first: they are what is measured. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAX_BYTES, sendBytes } from './bytes.ts';
import { FIXED, sendJson } from './answers.ts';
import { MAX_DELAY_MS, MAX_LINES, sendDelayed, sendEvents, sendLines } from './timed.ts';
import { echo, sendInfo, sendStatus, sendUpgradeRequired } from './plain.ts';

type Handler = (req: IncomingMessage, res: ServerResponse, argument: number) => void;

interface Route {
  readonly methods: readonly string[];
  /** Inclusive bounds of the number that follows in the path; absent: the path ends with the name. */
  readonly range?: readonly [min: number, max: number];
  readonly handle: Handler;
}

const PREFIX = '/loadtest/';
const READ = ['GET', 'HEAD'];

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...[...FIXED].map(([path, answer]): [string, Route] => [
    path.slice(PREFIX.length),
    { methods: READ, handle: (_req, res) => void res.writeHead(200, answer.headers).end(answer.body, 'latin1') },
  ]),
  ['info', { methods: READ, handle: sendInfo }],
  ['delay', { methods: READ, range: [0, MAX_DELAY_MS], handle: sendDelayed }],
  ['bytes', { methods: READ, range: [0, MAX_BYTES], handle: sendBytes }],
  ['status', { methods: READ, range: [200, 599], handle: sendStatus }],
  ['stream', { methods: READ, range: [0, MAX_LINES], handle: sendLines }],
  ['sse', { methods: READ, range: [0, MAX_LINES], handle: sendEvents }],
  ['echo', { methods: ['POST'], handle: echo }],
  ['ws', { methods: READ, handle: sendUpgradeRequired }],
]);

export function handleRequest(req: IncomingMessage, res: ServerResponse): void {
  const answer = FIXED.get(req.url ?? '');
  if (answer !== undefined && (req.method === 'GET' || req.method === 'HEAD')) {
    res.writeHead(200, answer.headers);
    // A string, because node:http joins it to the head: one write of one buffer, 10 % faster than with a Buffer.
    res.end(answer.body, 'latin1');
    return;
  }
  handleOther(req, res);
}

function handleOther(req: IncomingMessage, res: ServerResponse): void {
  const path = withoutQuery(req.url ?? '');
  const [name = '', argument, ...rest] = path.startsWith(PREFIX) ? path.slice(PREFIX.length).split('/') : [];
  const route = ROUTES.get(name);
  if (route === undefined || rest.length > 0 || (argument === undefined) !== (route.range === undefined)) {
    sendJson(res, 404, { error: 'no such path' });
    return;
  }
  if (!route.methods.includes(req.method ?? '')) {
    sendJson(res, 405, { error: `use ${route.methods.join(' or ')}` }, ['allow', route.methods.join(', ')]);
    return;
  }
  const number = route.range === undefined ? 0 : parseArgument(argument ?? '', route.range);
  if (number === undefined) {
    sendJson(res, 400, { error: `expected a whole number from ${route.range?.join(' to ')}` });
    return;
  }
  route.handle(req, res, number);
}

export function withoutQuery(target: string): string {
  const at = target.indexOf('?');
  return at === -1 ? target : target.slice(0, at);
}

/** Decimal digits only, at most ten; undefined for everything else (`1e3`, `+1`, ` 1`, `1.0`) and out of range. */
export function parseArgument(text: string, [min, max]: readonly [min: number, max: number]): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number >= min && number <= max ? number : undefined;
}
