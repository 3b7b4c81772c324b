/** tunnel-client: dials out to servers and runs visitors' requests against the backends beside it. */
import { randomBytes } from 'node:crypto';
import { readRegularFileSync, redactUrl } from '@sallyport/config';
import type { Config, SessionConfig } from '@sallyport/config';
import { adminVerifier } from '@sallyport/credentials';
import type { CredentialStore } from '@sallyport/credentials';
import {
  isPathProved,
  linkAddresses,
  readAuthorities,
  StreamCode,
  streamCodeName,
  systemClock,
  WindowBudget,
} from '@sallyport/protocol';
import type { DialEvent, LinkAddress } from '@sallyport/protocol';
import { createReloads, createTelemetry, isLoopbackHost, showCertificateFile, startAdmin } from '@sallyport/telemetry';
import type { Histogram, LabelledCounter, Logger, Readiness, ReloadOptions, Telemetry } from '@sallyport/telemetry';
import { listSessions } from './admin-api.ts';
import { Http1Backend } from './backend/http1-backend.ts';
import { Http2Backend } from './backend/http2-backend.ts';
import { addMetrics } from './metrics.ts';
import { SessionClient } from './session-client.ts';
import type { SessionLimits, SessionQuota } from './session-quota.ts';
import { Sessions } from './sessions.ts';
import type { Dialling, Wanted } from './sessions.ts';

type FatalDial = Extract<DialEvent, { kind: 'fatal' }>;

interface Reread {
  readonly config: Config;
  readonly credential: { readonly id: string; readonly secret: string };
}

export interface ClientDependencies extends Reread {
  readonly adminCredentials?: CredentialStore;
  readonly logger: Logger;
  readonly version: string;
  /** What happens to links, for people's eyes. */
  readonly onDial?: (session: string, server: string, event: DialEvent) => void;
  /** Loads the configuration again, and judges what it changes of the one in force; without it there is no reload. */
  readonly reread?: (inForce: Config) => ReturnType<ReloadOptions<Reread>['read']>;
}

export interface RunningClient {
  readonly adminUrl: string;
  /** Resolves when every session has a link for the first time. */
  readonly connected: Promise<void>;
  /** Resolves with the reason when dialling on is pointless: a refused credential or session. */
  readonly fatal: Promise<FatalDial>;
  /** What /readyz says. */
  readiness(): Readiness;
  /** Whether the links that are there are seen to carry data; true where there are none. */
  isPathProved(): boolean;
  /** Never rejects; what comes of it is in the log and the metrics. */
  reload(): Promise<unknown>;
  /** Finishes what runs, within `client.drainTimeoutMs`, then closes. Safe to call twice. */
  stop(): Promise<void>;
}

const HEAD_LIMIT_BYTES = 65_536;
const MS_PER_S = 1000;
const { BACKEND_REFUSED, BACKEND_RESET, BACKEND_TIMEOUT, BAD_HEAD } = StreamCode;
/** Codes that backends' failures may have. */
const BACKEND_FAILURES = [BACKEND_REFUSED, BACKEND_RESET, BACKEND_TIMEOUT, BAD_HEAD].map(streamCodeName);

/** Rejects with an AdminError or a LinkAddressError. */
export async function startClient(deps: ClientDependencies): Promise<RunningClient> {
  const { logger, version, adminCredentials } = deps;
  let { config } = deps;
  let stopped: Promise<void> | null = null;
  const telemetry = createTelemetry({ part: 'client', version, logger });
  const connected = Promise.withResolvers<void>();
  const fatal = Promise.withResolvers<FatalDial>();
  const tell = (session: string, server: string, event: DialEvent) => {
    logger[event.kind === 'up' ? 'info' : 'warn']({ session, server, ...event }, `link ${event.kind}`);
    if (event.kind === 'up' && !event.isFirst) telemetry.reconnected();
    if (sessions.wereUp) connected.resolve();
    deps.onDial?.(session, server, event);
  };
  const sessions = new Sessions({
    dial: tell,
    fatal: (event) => fatal.resolve(event),
    notReplaced: (session, server, reason) =>
      logger.warn({ session, server, reason }, 'new link not up yet: the one before stays until it is'),
  });
  const shared: Shared = {
    logger,
    telemetry,
    budget: new WindowBudget(config.link.windowBudgetBytes),
    instance: `client-${randomBytes(4).toString('hex')}`,
    backendSeconds: telemetry.histogram('sallyport_backend_seconds'),
    backendFailures: telemetry.labelledCounter('sallyport_backend_failures_total', 'code', BACKEND_FAILURES),
  };
  const first = wantedOf(deps, shared);
  addMetrics(telemetry, sessions, shared.budget);
  const { certificateFile } = config.link;
  if (certificateFile !== undefined) {
    showCertificateFile(telemetry, 'link.certificateFile', () => readRegularFileSync(certificateFile));
  }
  const prepare = async (next: Reread) => {
    if (stopped !== null) throw new Error('the client is stopping');
    const wanted = wantedOf(next, shared);
    const obstacle = sessions.obstacleTo(wanted);
    if (obstacle !== null) throw new Error(obstacle);
    return () => {
      config = next.config;
      logger.level = config.log.level;
      sessions.use(wanted, config.client.drainTimeoutMs);
      if (sessions.wereUp) connected.resolve();
    };
  };
  const { reread } = deps;
  const reloads =
    reread === undefined ? undefined : createReloads({ read: () => reread(config), prepare, logger, telemetry });
  const admin = await startAdmin({
    part: 'client',
    ...config.client.admin,
    telemetry,
    logger,
    reloads,
    openapi: { title: 'Sallyport tunnel-client', version },
    ...(adminCredentials === undefined ? {} : { verify: adminVerifier(adminCredentials) }),
    ready: () => readiness(sessions.offered, stopped !== null),
    routes: (app) => {
      const summary = 'Sessions offered here, with their backends, slots, and what these backends answered.';
      app.get('/sessions', { schema: { summary } }, () => listSessions(sessions.offered));
    },
  });
  sessions.use(first, config.client.drainTimeoutMs);
  const stopOnce = async () => {
    await sessions.stop(config.client.drainTimeoutMs);
    await admin.close();
    telemetry.close();
  };
  return {
    adminUrl: admin.url,
    connected: connected.promise,
    fatal: fatal.promise,
    readiness: () => readiness(sessions.offered, stopped !== null),
    isPathProved: () => isPathProved(sessions.all.flatMap((each) => each.links)),
    reload: async () => reloads?.run(),
    stop: () => (stopped ??= stopOnce()),
  };
}

interface Shared {
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly budget: WindowBudget;
  readonly instance: string;
  readonly backendSeconds: Histogram;
  readonly backendFailures: LabelledCounter;
}

/** Throws a LinkAddressError. */
function wantedOf({ config, credential }: Reread, shared: Shared): Wanted[] {
  const { client, link } = config;
  const way = { files: link, env: process.env, isLoopback: isLoopbackHost, readFile: readRegularFileSync };
  const servers = linkAddresses(client.servers, way);
  return client.sessions.map((session) => {
    const { concurrency = client.concurrency, ...backend } = session;
    const { id, caFile } = session;
    const setting = `caFile of session ${id}`;
    const ca = caFile === undefined ? undefined : readAuthorities(caFile, setting, readRegularFileSync);
    return {
      id: session.id,
      settings: { servers: client.servers, links: client.links, backend, ca, credential },
      limits: limitsOf(client, concurrency),
      make: (quota, dialling) =>
        sessionClient({ config, credential, session, quota, ca, servers, ...dialling }, shared),
    };
  });
}

function limitsOf(client: Config['client'], concurrency: number): SessionLimits {
  return {
    concurrency,
    maxLongStreams: client.maxLongStreams,
    reconnect: { minMs: client.reconnectMinMs, maxMs: client.reconnectMaxMs },
    backend: {
      connectTimeoutMs: client.backendConnectTimeoutMs,
      headTimeoutMs: client.backendHeadTimeoutMs,
      idleTimeoutMs: client.backendIdleTimeoutMs,
      connections: concurrency + client.maxLongStreams,
    },
  };
}

interface Asked extends Reread, Dialling {
  readonly session: SessionConfig;
  readonly quota: SessionQuota;
  /** PEM. */
  readonly ca: string | undefined;
  readonly servers: readonly LinkAddress[];
}

function sessionClient(
  { config, credential, session, quota, ca, servers, onDial, isPatient }: Asked,
  { logger, telemetry, instance, budget, backendSeconds, backendFailures }: Shared,
): SessionClient {
  const { client, link } = config;
  const backend = {
    url: session.backend,
    ca,
    serverName: session.serverName,
    ...quota.limits.backend,
    headBytes: HEAD_LIMIT_BYTES,
    proxyProtocol: session.proxyProtocol,
  };
  return new SessionClient({
    session: session.id,
    servers,
    credential,
    instance,
    deployment: config.deploymentId,
    quota,
    linksPerServer: client.links,
    life: link,
    helloTimeoutMs: link.helloTimeoutMs,
    clock: systemClock,
    random: Math.random,
    budget,
    maxWindowBytes: link.windowMaxBytes,
    backend: session.protocol === 'http1' ? new Http1Backend(backend) : new Http2Backend(backend),
    backendName: redactUrl(session.backend),
    hostField: session.hostHeader === 'backend' ? hostOf(session.backend) : null,
    isPatient,
    observer: {
      limitHit: (limit) => telemetry.limitHit(limit),
      backendTook: (durationMs) => backendSeconds.observe(durationMs / MS_PER_S),
      dial: (id, server, event) =>
        onDial(server, event.kind === 'fatal' ? { ...event, reason: `${event.reason} (session ${id})` } : event),
      backendFailed: (id, code, error) => {
        backendFailures.inc(streamCodeName(code));
        logger.warn({ session: id, error: error.message }, 'backend failed');
      },
    },
  });
}

function readiness(sessions: readonly SessionClient[], isStopping: boolean): Readiness {
  const checks: Record<string, { ok: boolean; detail?: string }> = {
    accepting: isStopping ? { ok: false, detail: 'draining' } : { ok: true },
  };
  for (const each of sessions) {
    checks[`link:${each.session}`] = each.isConnected ? { ok: true } : { ok: false, detail: 'no link to any server' };
    checks[`backend:${each.session}`] = each.record.isUp
      ? { ok: true }
      : { ok: false, detail: 'cannot connect to the backend' };
  }
  return { ok: Object.values(checks).every((check) => check.ok), checks };
}

function hostOf(backend: string): string {
  return backend.startsWith('unix:') ? 'localhost' : new URL(backend).host;
}
