/** proxy-entry: takes visitors' HTTP on the public edge and relays it through tunnel-servers. */
import { randomBytes } from 'node:crypto';
import type { Config } from '@sallyport/config';
import { adminVerifier } from '@sallyport/credentials';
import type { CredentialStore } from '@sallyport/credentials';
import { CloseCode, linkAddresses, systemClock, WindowBudget } from '@sallyport/protocol';
import type { DialEvent, Transport } from '@sallyport/protocol';
import { createAccessLog, createTelemetry, isLoopbackHost, startAdmin } from '@sallyport/telemetry';
import type { Admin, Logger, Telemetry } from '@sallyport/telemetry';
import { Acme } from './acme/acme.ts';
import { Entry } from './entry.ts';
import { Servers } from './servers.ts';
import { TlsMaterial } from './tls/material.ts';
import { EdgePolicy } from './tls/policy.ts';
import { Uplinks } from './uplinks.ts';
import { listenVisitors } from './visitor/listen.ts';
import type { Visitors } from './visitor/transport.ts';

export { inspectAuthority, inspectPairs, type InspectedPair } from './tls/inspect.ts';

export { problemReference } from './problem-reference.ts';

export interface EntryDependencies {
  readonly config: Config;
  /** Shown to the servers in `entry.servers`; without it none is dialled, and the entry has local servers only. */
  readonly credential?: { readonly id: string; readonly secret: string };
  readonly adminCredentials?: CredentialStore;
  readonly logger: Logger;
  readonly version: string;
  readonly onDial?: (server: string, event: DialEvent) => void;
}

export interface RunningEntry {
  /** Where visitors come in. */
  readonly url: string;
  /** Null: there is no TLS. */
  readonly tlsUrl: string | null;
  readonly adminUrl: string;
  /** A server in this process: the uplink of the in-memory transport. */
  attachLocalServer(transport: Transport): void;
  /** Resolves when dialling on is pointless: a refused credential. */
  readonly fatal: Promise<Extract<DialEvent, { kind: 'fatal' }>>;
  /** Finishes what runs, within `entry.drainTimeoutMs`, then closes. Safe to call twice. */
  stop(): Promise<void>;
}

/** Rejects with Node's own error (`EADDRINUSE` …) or an AdminError when a port cannot be had, with a TlsError when a file of TLS cannot be used, with a LinkAddressError when servers cannot be dialled as configured. */
export async function startEntry(deps: EntryDependencies): Promise<RunningEntry> {
  const { config, logger, version } = deps;
  const addresses =
    deps.credential === undefined
      ? []
      : linkAddresses(config.entry.servers, { files: config.link, env: process.env, isLoopback: isLoopbackHost });
  const telemetry = createTelemetry({ part: 'entry', version, logger });
  const accessLog = config.log.accessLog ? createAccessLog(logger) : null;
  const servers = new Servers((conflict) => logger.warn(conflict, 'session held by two principals'));
  const fatal = Promise.withResolvers<Extract<DialEvent, { kind: 'fatal' }>>();
  const uplinks = new Uplinks({
    clock: systemClock,
    random: Math.random,
    life: config.link,
    helloTimeoutMs: config.link.helloTimeoutMs,
    instance: `entry-${randomBytes(4).toString('hex')}`,
    deployment: config.deploymentId,
    servers,
    onCanary: (seconds) => telemetry.observeCanary(seconds),
    onDial: (server, event) => {
      logger[event.kind === 'up' ? 'info' : 'warn']({ server, ...event }, `uplink ${event.kind}`);
      if (event.kind === 'up' && !event.isFirst) telemetry.reconnected();
      if (event.kind === 'fatal') fatal.resolve(event);
      deps.onDial?.(server, event);
    },
  });
  const around = { logger, telemetry, nowMs: Date.now, random: Math.random };
  const acme = await Acme.open(config.entry.tls, around).catch((error: unknown) => {
    accessLog?.close();
    telemetry.close();
    throw error;
  });
  const entry = new Entry({
    config: config.entry,
    deployment: config.deploymentId,
    clock: systemClock,
    budget: new WindowBudget(config.link.windowBudgetBytes),
    maxWindowBytes: config.link.windowMaxBytes,
    servers,
    telemetry,
    edge: config.entry.tls.certificates === undefined ? null : new EdgePolicy(config.entry, acme?.challenges ?? null),
    accessLog,
  });
  let material: TlsMaterial | null = null;
  let visitors: Visitors | null = null;
  let admin: Admin | null = null;
  try {
    material = await TlsMaterial.open(config.entry.tls, { logger, telemetry, nowMs: Date.now });
    visitors = await listenVisitors(config.entry, entry, material);
    addGauges(telemetry, entry, uplinks, visitors);
    admin = await openAdmin(deps, telemetry, entry);
  } catch (error) {
    await visitors?.close();
    material?.close();
    accessLog?.close();
    telemetry.close();
    throw error;
  }
  acme?.start();
  const { credential } = deps;
  if (credential !== undefined) {
    for (const address of addresses) uplinks.dial(address, credential);
  }
  const opened = { visitors, admin };
  const stopOnce = async () => {
    await acme?.close();
    const limit = delay(config.entry.drainTimeoutMs);
    entry.beginDrain();
    await Promise.race([opened.visitors.drain(), limit]);
    await Promise.race([entry.quiet(), limit]);
    await opened.visitors.close();
    material?.close();
    uplinks.close(CloseCode.DONE);
    await opened.admin.close();
    accessLog?.close();
    telemetry.close();
  };
  let stopped: Promise<void> | null = null;
  return {
    url: urlOf('http', config.entry.host, visitors.port),
    tlsUrl: visitors.tlsPort === null ? null : urlOf('https', config.entry.host, visitors.tlsPort),
    adminUrl: admin.url,
    attachLocalServer: (transport) => uplinks.attach(transport),
    fatal: fatal.promise,
    stop: () => (stopped ??= stopOnce()),
  };
}

function addGauges(telemetry: Telemetry, entry: Entry, uplinks: Uplinks, visitors: Visitors): void {
  telemetry.gauge('sallyport_streams', {}, () => entry.exchanges);
  telemetry.gauge('sallyport_links', { kind: 'uplink' }, () => uplinks.links.length);
  telemetry.gauge('sallyport_visitor_connections', {}, () => visitors.connections, 'Connections of visitors open now.');
  telemetry.gauge('sallyport_buffered_bytes', { where: 'egress' }, () =>
    uplinks.links.reduce((sum, link) => sum + link.egress.queuedBytes, 0),
  );
  telemetry.gauge('sallyport_buffered_bytes', { where: 'windows' }, () => entry.budget.usedBytes);
}

function openAdmin(deps: EntryDependencies, telemetry: Telemetry, entry: Entry): Promise<Admin> {
  const { config, logger, version, adminCredentials } = deps;
  return startAdmin({
    part: 'entry',
    ...config.entry.admin,
    telemetry,
    logger,
    openapi: { title: 'Sallyport proxy-entry', version },
    ...(adminCredentials === undefined ? {} : { verify: adminVerifier(adminCredentials) }),
    ready: () => {
      const checks = {
        accepting: entry.isDraining ? { ok: false, detail: 'draining' } : { ok: true },
        server: entry.servers.isSynced ? { ok: true } : { ok: false, detail: 'no tunnel-server connected' },
      };
      return { ok: checks.accepting.ok && checks.server.ok, checks };
    },
    routes: (app) => {
      app.get('/servers', { schema: { summary: 'Tunnel-servers and the sessions each holds.' } }, () =>
        entry.servers.views.map((view) => ({
          server: view.name,
          isUp: view.link !== null,
          isSynced: view.isSynced,
          roundTripMs: view.link === null ? null : Number(view.link.smoothedRttMs.toFixed(3)),
          sessions: [...view.sessions.values()],
        })),
      );
    },
  });
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}

function urlOf(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
