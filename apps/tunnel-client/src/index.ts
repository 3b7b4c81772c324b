/** tunnel-client: dials out to servers and runs visitors' requests against the backends beside it. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config, SessionConfig } from '@sallyport/config';
import { adminVerifier } from '@sallyport/credentials';
import type { CredentialStore } from '@sallyport/credentials';
import { linkAddresses, systemClock, WindowBudget } from '@sallyport/protocol';
import type { DialEvent, LinkAddress } from '@sallyport/protocol';
import { createTelemetry, isLoopbackHost, startAdmin } from '@sallyport/telemetry';
import type { Logger, Telemetry } from '@sallyport/telemetry';
import { Http1Backend } from './backend/http1-backend.ts';
import { Http2Backend } from './backend/http2-backend.ts';
import { SessionClient } from './session-client.ts';

export interface ClientDependencies {
  readonly config: Config;
  readonly credential: { readonly id: string; readonly secret: string };
  readonly adminCredentials?: CredentialStore;
  readonly logger: Logger;
  readonly version: string;
  /** What happens to links, for people's eyes. */
  readonly onDial?: (session: string, server: string, event: DialEvent) => void;
}

export interface RunningClient {
  readonly adminUrl: string;
  /** Resolves when every session has a link for the first time. */
  readonly connected: Promise<void>;
  /** Resolves with the reason when dialling on is pointless: a refused credential or session. */
  readonly fatal: Promise<Extract<DialEvent, { kind: 'fatal' }>>;
  /** Finishes what runs, within `client.drainTimeoutMs`, then closes. Safe to call twice. */
  stop(): Promise<void>;
}

const HEAD_LIMIT_BYTES = 65_536;

/** Rejects with an AdminError, a LinkAddressError, or what reading a CA file says. */
export async function startClient(deps: ClientDependencies): Promise<RunningClient> {
  const { config, logger, version } = deps;
  const way = { files: config.link, env: process.env, isLoopback: isLoopbackHost };
  const servers = linkAddresses(config.client.servers, way);
  const telemetry = createTelemetry({ part: 'client', version, logger });
  const up = new Set<string>();
  const connected = Promise.withResolvers<void>();
  const fatal = Promise.withResolvers<Extract<DialEvent, { kind: 'fatal' }>>();
  const onDial = (session: string, server: string, event: DialEvent) => {
    logger[event.kind === 'up' ? 'info' : 'warn']({ session, server, ...event }, `link ${event.kind}`);
    if (event.kind === 'up') {
      if (!event.isFirst) telemetry.reconnected();
      if (up.add(session).size === config.client.sessions.length) connected.resolve();
    }
    if (event.kind === 'fatal') fatal.resolve(event);
    deps.onDial?.(session, server, event);
  };
  const budget = new WindowBudget(config.link.windowBudgetBytes);
  const instance = `client-${randomBytes(4).toString('hex')}`;
  const sessions = config.client.sessions.map((session) =>
    sessionClient(deps, session, servers, { instance, budget, telemetry, onDial }),
  );
  addGauges(telemetry, sessions);
  const { adminCredentials } = deps;
  const admin = await startAdmin({
    part: 'client',
    ...config.client.admin,
    telemetry,
    logger,
    openapi: { title: 'Sallyport tunnel-client', version },
    ...(adminCredentials === undefined ? {} : { verify: adminVerifier(adminCredentials) }),
    ready: () => readiness(sessions),
  });
  for (const session of sessions) session.start();
  const stopOnce = async () => {
    const drained = Promise.all(sessions.map((session) => session.drain()));
    await Promise.race([drained, delay(config.client.drainTimeoutMs)]);
    await Promise.all(sessions.map((session) => session.close()));
    await admin.close();
    telemetry.close();
  };
  let stopped: Promise<void> | null = null;
  return {
    adminUrl: admin.url,
    connected: connected.promise,
    fatal: fatal.promise,
    stop: () => (stopped ??= stopOnce()),
  };
}

interface Shared {
  readonly instance: string;
  readonly budget: WindowBudget;
  readonly telemetry: Telemetry;
  readonly onDial: (session: string, server: string, event: DialEvent) => void;
}

function sessionClient(
  { config, credential, logger }: ClientDependencies,
  session: SessionConfig,
  servers: readonly LinkAddress[],
  { instance, budget, telemetry, onDial }: Shared,
): SessionClient {
  const { client, link } = config;
  const concurrency = session.concurrency ?? client.concurrency;
  const backend = {
    url: session.backend,
    ca: session.caFile === undefined ? undefined : readFileSync(session.caFile, 'utf8'),
    serverName: session.serverName,
    connectTimeoutMs: client.backendConnectTimeoutMs,
    headTimeoutMs: client.backendHeadTimeoutMs,
    idleTimeoutMs: client.backendIdleTimeoutMs,
    connections: concurrency + client.maxLongStreams,
    headBytes: HEAD_LIMIT_BYTES,
    proxyProtocol: session.proxyProtocol,
  };
  return new SessionClient({
    session: session.id,
    servers,
    credential,
    instance,
    deployment: config.deploymentId,
    concurrency,
    linksPerServer: client.links,
    maxLongStreams: client.maxLongStreams,
    reconnect: { minMs: client.reconnectMinMs, maxMs: client.reconnectMaxMs },
    life: link,
    helloTimeoutMs: link.helloTimeoutMs,
    clock: systemClock,
    random: Math.random,
    budget,
    maxWindowBytes: link.windowMaxBytes,
    backend: session.protocol === 'http1' ? new Http1Backend(backend) : new Http2Backend(backend),
    hostField: session.hostHeader === 'backend' ? hostOf(session.backend) : null,
    observer: {
      limitHit: (limit) => telemetry.limitHit(limit),
      dial: onDial,
      backendFailed: (id, error) => logger.warn({ session: id, error: error.message }, 'backend failed'),
    },
  });
}

function addGauges(telemetry: Telemetry, sessions: readonly SessionClient[]): void {
  const sum = (of: (session: SessionClient) => number) => () => sessions.reduce((total, each) => total + of(each), 0);
  telemetry.gauge(
    'sallyport_streams',
    {},
    sum((each) => each.streams),
  );
  telemetry.gauge(
    'sallyport_links',
    { kind: 'client' },
    sum((each) => each.links.length),
  );
  telemetry.gauge(
    'sallyport_slots',
    { state: 'busy' },
    sum((each) => each.busySlots),
  );
  telemetry.gauge(
    'sallyport_slots',
    { state: 'free' },
    sum((each) => each.freeSlots),
  );
  telemetry.gauge(
    'sallyport_long_streams',
    {},
    sum((each) => each.longStreams),
    'Upgraded connections and event streams.',
  );
  telemetry.gauge(
    'sallyport_buffered_bytes',
    { where: 'egress' },
    sum((each) => each.links.reduce((total, link) => total + link.egress.queuedBytes, 0)),
  );
}

function readiness(sessions: readonly SessionClient[]) {
  const checks: Record<string, { ok: boolean; detail?: string }> = {};
  for (const each of sessions) {
    checks[`link:${each.session}`] = each.isConnected ? { ok: true } : { ok: false, detail: 'no link to any server' };
    checks[`backend:${each.session}`] = each.isBackendUp
      ? { ok: true }
      : { ok: false, detail: 'cannot connect to the backend' };
  }
  return { ok: Object.values(checks).every((check) => check.ok), checks };
}

function hostOf(backend: string): string {
  return backend.startsWith('unix:') ? 'localhost' : new URL(backend).host;
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}
