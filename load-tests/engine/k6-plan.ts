import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_GAP_S, DEFAULT_LATENCY_MS } from '../k6/lib/plan.ts';
import type { K6Arm, K6Body, K6Plan } from '../k6/lib/plan.ts';
import { LoadError } from '../src/errors.ts';
import { joinedFields } from './fields.ts';
import { DEFAULT_CONNECTIONS } from './plan.ts';
import type { ArmPlan, BodyPlan, EnginePlan, TlsPlan } from './plan.ts';

const PRIVATE_MODE = 0o600;
/** Of a k6 run's WebSockets, per arm; each is a virtual user. */
const WEBSOCKET_CONNECTIONS = 10;

/**
 * The plan in k6's words, with the bodies as files in `folder`.
 * @throws LoadError `SP_LOAD_OPTIONS` where k6 cannot do what is asked
 */
export function toK6Plan(plan: EnginePlan, folder: string): K6Plan {
  refuseWhatK6CannotDo(plan);
  const { steps, timeoutMs, warmUpS, maxInFlight, limits, abortOnFail, arms, model = 'open' } = plan;
  const isWebSocket = arms[0]?.protocol === 'websocket';
  const bodies = new Bodies(folder);
  const { cert, key } = tlsOf(arms) ?? { cert: null, key: null };
  return {
    protocol: isWebSocket ? 'websocket' : 'http',
    model,
    arms: arms.map((arm) => toK6Arm(arm, bodies)),
    bodies: bodies.all,
    steps,
    shards: plan.shard?.count ?? 1,
    timeoutMs,
    warmUpS,
    gapS: DEFAULT_GAP_S,
    latencyMs: DEFAULT_LATENCY_MS,
    maxInFlight,
    connections: isWebSocket ? WEBSOCKET_CONNECTIONS : (plan.connections ?? DEFAULT_CONNECTIONS),
    limits,
    abortOnFail,
    clientCertificate: cert === null || key === null ? null : { cert, key },
    isFresh: arms[0]?.connectionUse === 'fresh',
    sessions: [],
    summaryFile: join(folder, 'summary.json'),
    own: null,
  };
}

/**
 * What k6 is told beside the plan. Go reads the authorities from SSL_CERT_FILE (Linux; elsewhere from the system
 * alone) and is kept from HTTP/2, which k6 takes wherever it is offered, by GODEBUG.
 */
export function k6Surroundings(plan: EnginePlan, folder: string): Record<string, string> {
  const environment: Record<string, string> = {};
  const authorities = [...new Set(plan.arms.flatMap(({ tls }) => tls?.ca ?? []))];
  if (authorities.length > 0) {
    environment['SSL_CERT_FILE'] = join(folder, 'authorities.pem');
    writeFileSync(environment['SSL_CERT_FILE'], authorities.join('\n'));
  }
  if (plan.arms[0]?.protocol === 'http1') environment['GODEBUG'] = 'http2client=0';
  return environment;
}

/**
 * A shard as k6's flags: every n-th arrival of the schedule is its own, with its place in time (grafana.com/docs/k6,
 * "Execution segment").
 */
export function segmentFlags({ shard }: Pick<EnginePlan, 'shard'>): string[] {
  if (shard == null) return [];
  const { index, count } = shard;
  const borders = Array.from({ length: count + 1 }, (_, border) =>
    border === 0 ? '0' : border === count ? '1' : `${border}/${count}`,
  );
  return [
    '--execution-segment',
    `${borders[index]}:${borders[index + 1]}`,
    '--execution-segment-sequence',
    borders.join(','),
  ];
}

function refuseWhatK6CannotDo({ arms, arrivals, trace, model }: EnginePlan): void {
  const [first] = arms;
  const differ = (read: (arm: ArmPlan) => unknown): boolean => new Set(arms.map((arm) => read(arm) ?? null)).size > 1;
  const isClear = arms.some(({ origin }) => origin.startsWith('http:'));
  const reasons: [isSo: boolean, reason: string][] = [
    [arrivals === 'poisson', 'sends uniform arrivals only, not --arrivals poisson'],
    [(trace ?? null) !== null, 'cannot replay a recording'],
    [first?.protocol === 'http2' && isClear, 'speaks HTTP/2 over https:// only'],
    [first?.protocol === 'websocket' && model === 'closed', 'sends WebSocket messages by a schedule only'],
    [first?.protocol === 'websocket' && first.connectionUse === 'fresh', 'keeps its WebSockets open for a step'],
    [differ(({ protocol }) => protocol), 'speaks one protocol in all arms'],
    [differ(({ tls }) => tls?.cert), 'presents one client certificate in all arms'],
    [differ(({ connectionUse = 'kept' }) => connectionUse), 'keeps connections in all arms or in none'],
  ];
  const reason = reasons.find(([isSo]) => isSo)?.[1];
  if (reason !== undefined) throw new LoadError('SP_LOAD_OPTIONS', `k6 ${reason}; leave out --engine k6`);
}

function tlsOf(arms: readonly ArmPlan[]): TlsPlan | null {
  return arms.find(({ tls }) => tls?.cert !== null && tls?.cert !== undefined)?.tls ?? null;
}

function toK6Arm({ name, origin, requests }: ArmPlan, bodies: Bodies): K6Arm {
  return {
    name,
    requests: requests.map(({ method, path, headers, body }) => ({
      method,
      url: `${origin}${path}`,
      headers: joinedFields(headers),
      body: body === null ? null : bodies.indexOf(body),
    })),
  };
}

/** Each different body once: requests that share one share its file. */
class Bodies {
  readonly all: K6Body[] = [];
  readonly #folder: string;
  readonly #indexes = new Map<Uint8Array | number, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  indexOf(body: BodyPlan): number {
    const identity = body instanceof Uint8Array ? body : body.fillBytes;
    const known = this.#indexes.get(identity);
    if (known !== undefined) return known;
    const index = this.all.length;
    this.#indexes.set(identity, index);
    this.all.push(body instanceof Uint8Array ? { file: this.#write(body, index) } : body);
    return index;
  }

  #write(bytes: Uint8Array, index: number): string {
    const file = join(this.#folder, `body-${index}`);
    writeFileSync(file, bytes, { mode: PRIVATE_MODE });
    return file;
  }
}
