import { parseFailIf } from '../../src/fail-if.ts';
import type { ProfileStep } from '../../profiles/profile.ts';
import { DEFAULT_CONNECTIONS, DEFAULT_GAP_S, DEFAULT_LATENCY_MS } from './plan.ts';
import type { K6Plan, K6Request, OwnReport } from './plan.ts';

/** What a script is about when nobody says otherwise. */
export type Shape = {
  command: OwnReport['command'];
  name: string;
  /** `20x10,50x10`: rate x seconds; `200x3*20`: twenty times. */
  steps: string;
  failIf: string;
  protocol?: K6Plan['protocol'];
  /** Where the steps are windows of one load there is no pause between them. */
  gapS?: number;
  /** Whether `{session}` in TARGET stands for several sessions in turn. */
  hasSessions?: boolean;
};

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_WARM_UP_S = 3;
const DEFAULT_MAX_IN_FLIGHT = 2000;
const DEFAULT_SESSIONS = '40';
const MESSAGE_BYTES = 64;
const MAX_SESSIONS = 1000;
const USAGE = 'k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/get load-tests/k6/ramp.ts';

/**
 * The plan of a script that is run by itself: `-e TARGET=URL`, and if wanted DIRECT (the second arm), STEPS, FAIL_IF
 * (comma-separated, as `--fail-if`), WARM_UP_S, TIMEOUT_MS, LATENCY_MS (what to be ready for: virtual users are three
 * times rate × latency), METHOD, BODY_BYTES, HEADER (`name: value`), CONNECTIONS (WebSocket), SESSIONS (how many, or
 * names), SHARDS (how many generators share
 * the load, each with its `--execution-segment`), OUT (default report.json).
 * @throws Error of one line that says how to fix it
 */
export function planFromEnvironment(environment: Record<string, string | undefined>, shape: Shape): K6Plan {
  const number = (name: string, fallback: number): number => numberOf(name, environment[name], fallback);
  const failIf = (environment['FAIL_IF'] ?? shape.failIf).split(',').filter((expression) => expression.trim() !== '');
  const fillBytes = number('BODY_BYTES', shape.protocol === 'websocket' ? MESSAGE_BYTES : 0);
  const sessions = shape.hasSessions === true ? sessionsOf(environment['SESSIONS'] ?? DEFAULT_SESSIONS) : [];
  return {
    protocol: shape.protocol ?? 'http',
    model: 'open',
    arms: armsOf(environment, sessions, fillBytes > 0 ? 0 : null),
    bodies: fillBytes > 0 ? [{ fillBytes }] : [],
    steps: stepsFrom(environment['STEPS'] ?? shape.steps),
    shards: Math.max(1, number('SHARDS', 1)),
    timeoutMs: number('TIMEOUT_MS', DEFAULT_TIMEOUT_MS),
    warmUpS: number('WARM_UP_S', DEFAULT_WARM_UP_S),
    gapS: shape.gapS ?? DEFAULT_GAP_S,
    latencyMs: number('LATENCY_MS', DEFAULT_LATENCY_MS),
    maxInFlight: DEFAULT_MAX_IN_FLIGHT,
    connections: number('CONNECTIONS', DEFAULT_CONNECTIONS),
    limits: failIf.map((expression) => parseFailIf(expression)),
    abortOnFail: false,
    clientCertificate: null,
    isFresh: false,
    sessions,
    summaryFile: environment['OUT'] ?? 'report.json',
    own: { command: shape.command, name: shape.name, failIf },
  };
}

function armsOf(
  environment: Record<string, string | undefined>,
  sessions: readonly string[],
  body: number | null,
): K6Plan['arms'] {
  const { TARGET: target, DIRECT: direct, HEADER: header } = environment;
  if (target === undefined) throw new Error(`give the address to load: ${USAGE}`);
  const method = environment['METHOD'] ?? (body === null ? 'GET' : 'POST');
  const headers = header === undefined ? {} : headerOf(header);
  const request = (url: string, fields: Record<string, string>): K6Request => ({ method, url, headers: fields, body });
  if (sessions.length > 0 && !target.includes('{session}'))
    throw new Error('TARGET must say where the session goes: http://127.0.0.1:12000/session/{session}/loadtest/get');
  const urls = sessions.length === 0 ? [target] : sessions.map((name) => target.replace('{session}', name));
  const arms: K6Plan['arms'] = [{ name: 'tunnel', requests: urls.map((url) => request(url, headers)) }];
  // What opens the tunnel is none of the backend's business.
  if (direct !== undefined) arms.push({ name: 'direct', requests: [request(direct, {})] });
  return arms;
}

function sessionsOf(text: string): string[] {
  if (!/^\d+$/.test(text)) return text.split(',').map((name) => name.trim());
  const count = Number(text);
  if (count < 1 || count > MAX_SESSIONS) throw new Error(`SESSIONS must be 1 to ${MAX_SESSIONS}, or names: a,b,c`);
  return Array.from({ length: count }, (_, index) => `load-${index + 1}`);
}

function stepsFrom(text: string): ProfileStep[] {
  return text.split(',').flatMap((part) => {
    const match = /^\s*(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(?:\*(\d+))?\s*$/.exec(part);
    if (match === null) throw new Error(`STEPS "${part}" is not rate x seconds; write STEPS=20x10,50x10 or 200x3*20`);
    const step = { rate: Number(match[1]), durationS: Number(match[2]) };
    return Array.from({ length: Number(match[3] ?? 1) }, () => step);
  });
}

function headerOf(text: string): Record<string, string> {
  const at = text.indexOf(':');
  if (at <= 0) throw new Error("HEADER has no colon; write HEADER='authorization: Bearer id.secret'");
  return { [text.slice(0, at).trim()]: text.slice(at + 1).trim() };
}

function numberOf(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name}=${text} is not a number`);
  return value;
}
