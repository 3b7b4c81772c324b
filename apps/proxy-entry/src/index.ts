/** proxy-entry: takes visitors' HTTP on the public edge and relays it through tunnel-servers. */
import { randomBytes } from 'node:crypto';
import { readRegularFileSync, redactUrl } from '@sallyport/config';
import type { Config } from '@sallyport/config';
import { adminVerifier } from '@sallyport/credentials';
import type { CredentialStore } from '@sallyport/credentials';
import { CloseCode, isPathProved, systemClock, WindowBudget } from '@sallyport/protocol';
import type { DialEvent, Transport } from '@sallyport/protocol';
import {
  createAccessLog,
  createReloads,
  createTelemetry,
  showCertificateFile,
  SloCounts,
  startAdmin,
} from '@sallyport/telemetry';
import type { Admin, Logger, Readiness, ReloadOptions, Reloads, Telemetry } from '@sallyport/telemetry';
import { Acme } from './acme/acme.ts';
import { Entry } from './entry.ts';
import { addMetrics } from './metrics.ts';
import { Problems } from './problems.ts';
import { addressesOf, edgeOf, passesLinks, prepareReload } from './reload.ts';
import type { InForce, Reread } from './reload.ts';
import { Servers } from './servers.ts';
import { TlsMaterial } from './tls/material.ts';
import { openTracer } from './tracing/open.ts';
import { Uplinks } from './uplinks.ts';
import { handedOn } from './visitor/handed-on.ts';
import { listenVisitors } from './visitor/listen.ts';
import type { ConfiguredVisitors } from './visitor/listen.ts';

export { inspectAuthority, inspectPairs, type InspectedPair } from './tls/inspect.ts';

export { problemReference } from './problem-reference.ts';

export { problemOfCode } from './problems.ts';

type Credential = { readonly id: string; readonly secret: string };

export interface EntryDependencies {
  readonly config: Config;
  /** Shown to the servers in `entry.servers`; without it none is dialled, and the entry has local servers only. */
  readonly credential?: Credential;
  readonly adminCredentials?: CredentialStore;
  readonly logger: Logger;
  readonly version: string;
  readonly onDial?: (server: string, event: DialEvent) => void;
  /** Loads the configuration again, and judges what it changes of the one in force; without it there is no reload. */
  readonly reread?: (inForce: Config) => ReturnType<ReloadOptions<Reread>['read']>;
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
  /** What /readyz says. */
  readiness(): Readiness;
  /** Whether the links that are there are seen to carry data; true where there are none. */
  isPathProved(): boolean;
  /** Never rejects; what comes of it is in the log and the metrics. */
  reload(): Promise<unknown>;
  /** Finishes what runs, within `entry.drainTimeoutMs`, then closes. Safe to call twice. */
  stop(): Promise<void>;
}

/** All codes that `sallyport_refused_total` may have here. */
const REFUSALS = Object.values(Problems).map(({ code }) => code);

/** Rejects with Node's own error (`EADDRINUSE` …) or an AdminError when a port cannot be had, with a TlsError when a file of TLS cannot be used, with a LinkAddressError when servers cannot be dialled as configured, with a TracingError when the collector's fields cannot be read. */
export async function startEntry(deps: EntryDependencies): Promise<RunningEntry> {
  const { logger, version } = deps;
  const { config } = deps;
  const handsOn = passesLinks(config);
  const addresses = deps.credential === undefined && !handsOn ? [] : addressesOf(config);
  const telemetry = createTelemetry({ part: 'entry', version, logger, codes: REFUSALS });
  const inForce: InForce = { config, accessLog: config.log.accessLog ? createAccessLog(logger) : null };
  const servers = new Servers((conflict) => logger.warn(conflict, 'session held by two principals'));
  const fatal = Promise.withResolvers<Extract<DialEvent, { kind: 'fatal' }>>();
  const instance = `entry-${randomBytes(4).toString('hex')}`;
  const uplinks = new Uplinks({
    clock: systemClock,
    random: Math.random,
    life: config.link,
    helloTimeoutMs: config.link.helloTimeoutMs,
    instance,
    deployment: config.deploymentId,
    servers,
    onCanary: (seconds) => telemetry.observeCanary(seconds),
    onDial: (server, event) => {
      logger[event.kind === 'up' ? 'info' : 'warn']({ server, ...event }, `uplink ${event.kind}`);
      if (event.kind === 'up' && !event.isFirst) telemetry.reconnected();
      if (event.kind === 'fatal') fatal.resolve(event);
      deps.onDial?.(server, event);
    },
    onNotReplaced: (server, reason) =>
      logger.warn({ server, reason }, 'new uplink not up yet: the one before stays until it is'),
  });
  const around = { logger, telemetry, nowMs: Date.now, random: Math.random };
  const giveUp = (error: unknown): never => {
    telemetry.close();
    throw error;
  };
  const acme = await Acme.open(config.entry.tls, around).catch(giveUp);
  const tracer = await openTracer(config, { instance, version, telemetry, logger }).catch(giveUp);
  const challenges = acme?.challenges ?? null;
  const slo = new SloCounts(telemetry, config.slo);
  const entry = new Entry({
    config: config.entry,
    deployment: config.deploymentId,
    clock: systemClock,
    budget: new WindowBudget(config.link.windowBudgetBytes),
    maxWindowBytes: config.link.windowMaxBytes,
    servers,
    telemetry,
    slo,
    linkServers: handsOn ? addresses : [],
    tracer,
    edge: edgeOf(config, challenges),
    accessLog: inForce.accessLog,
  });
  let material: TlsMaterial | null = null;
  let visitors: ConfiguredVisitors | null = null;
  let admin: Admin | null = null;
  let reloads: Reloads | undefined;
  try {
    material = await TlsMaterial.open(config.entry.tls, { logger, telemetry, nowMs: Date.now });
    visitors = await listenVisitors(config.entry, entry, material, handedOn(process.env, process.pid));
    addMetrics(telemetry, entry, uplinks, visitors);
    const { certificateFile } = config.link;
    if (certificateFile !== undefined) {
      showCertificateFile(telemetry, 'link.certificateFile', () => readRegularFileSync(certificateFile));
    }
    const parts = { inForce, logger, slo, tracer, entry, visitors, uplinks, material, challenges };
    const { reread } = deps;
    if (reread !== undefined) {
      const read = () => reread(inForce.config);
      reloads = createReloads({ read, prepare: (next: Reread) => prepareReload(parts, next), logger, telemetry });
    }
    admin = await openAdmin(deps, telemetry, entry, reloads);
  } catch (error) {
    await visitors?.close();
    material?.close();
    await tracer?.close();
    return giveUp(error);
  }
  acme?.start();
  const { credential } = deps;
  if (credential !== undefined) uplinks.use(addresses, credential);
  const opened = { visitors, admin };
  const stopOnce = async () => {
    await acme?.close();
    const limit = delay(inForce.config.entry.drainTimeoutMs);
    entry.beginDrain();
    await Promise.race([opened.visitors.drain(), limit]);
    await Promise.race([entry.quiet(), limit]);
    await opened.visitors.close();
    material?.close();
    uplinks.close(CloseCode.DONE);
    await tracer?.close();
    await opened.admin.close();
    telemetry.close();
  };
  let stopped: Promise<void> | null = null;
  return {
    url: urlOf('http', config.entry.host, visitors.port),
    tlsUrl: visitors.tlsPort === null ? null : urlOf('https', config.entry.host, visitors.tlsPort),
    adminUrl: admin.url,
    attachLocalServer: (transport) => uplinks.attach(transport),
    fatal: fatal.promise,
    readiness: () => readiness(entry),
    isPathProved: () => isPathProved(uplinks.links),
    reload: async () => reloads?.run(),
    stop: () => (stopped ??= stopOnce()),
  };
}

function openAdmin(
  deps: EntryDependencies,
  telemetry: Telemetry,
  entry: Entry,
  reloads: Reloads | undefined,
): Promise<Admin> {
  const { config, logger, version, adminCredentials } = deps;
  return startAdmin({
    part: 'entry',
    ...config.entry.admin,
    telemetry,
    logger,
    reloads,
    openapi: { title: 'Sallyport proxy-entry', version },
    ...(adminCredentials === undefined ? {} : { verify: adminVerifier(adminCredentials) }),
    ready: () => readiness(entry),
    routes: (app) => {
      app.get('/servers', { schema: { summary: 'Tunnel-servers and the sessions each holds.' } }, () =>
        entry.servers.views.map((view) => ({
          server: redactUrl(view.name),
          isUp: view.link !== null,
          isSynced: view.isSynced,
          roundTripMs: view.link === null ? null : Number(view.link.smoothedRttMs.toFixed(3)),
          sessions: [...view.sessions.values()],
        })),
      );
    },
  });
}

function readiness(entry: Entry): Readiness {
  const checks = {
    accepting: entry.isDraining ? { ok: false, detail: 'draining' } : { ok: true },
    server: entry.servers.isSynced ? { ok: true } : { ok: false, detail: 'no tunnel-server connected' },
  };
  return { ok: checks.accepting.ok && checks.server.ok, checks };
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}

function urlOf(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
