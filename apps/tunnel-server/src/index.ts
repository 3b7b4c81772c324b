/** tunnel-server: takes links from entries and clients and relays between them. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Config } from '@sallyport/config';
import { adminVerifier } from '@sallyport/credentials';
import type { CredentialStore } from '@sallyport/credentials';
import { isPathProved, StreamCode, streamCodeName, systemClock } from '@sallyport/protocol';
import type { Transport } from '@sallyport/protocol';
import { createReloads, createTelemetry, rateLimitedLog, startAdmin } from '@sallyport/telemetry';
import type { Admin, Logger, Readiness, ReloadOptions, Reloads, Telemetry } from '@sallyport/telemetry';
import { createLinkServer } from './accept.ts';
import type { LinkServer } from './accept.ts';
import { listLinks, listSessions } from './admin-api.ts';
import { LinkTls } from './link-tls.ts';
import { addMetrics } from './metrics.ts';
import { Relay } from './relay/relay.ts';
import type { RelayObserver } from './relay/relay.ts';

export { DIALS_LIMIT } from './accept.ts';
export { inspectLinkTls } from './link-tls.ts';

export interface ServerDependencies {
  readonly config: Config;
  readonly credentials: CredentialStore;
  /** For the admin port, needed when that is not on loopback. */
  readonly adminCredentials?: CredentialStore;
  readonly logger: Logger;
  readonly version: string;
  /** Loads the configuration again, and judges what it changes of the one in force; without it there is no reload. */
  readonly reread?: (inForce: Config) => ReturnType<ReloadOptions<{ readonly config: Config }>['read']>;
}

export interface RunningServer {
  /** Where entries and clients dial. */
  readonly url: string;
  readonly adminUrl: string;
  /** An entry in this process: the uplink of the in-memory transport. */
  acceptLocalEntry(transport: Transport): void;
  /** What /readyz says. */
  readiness(): Readiness;
  /** Whether the clients' links that are there are seen to carry data; true where there are none. */
  isPathProved(): boolean;
  /** Never rejects; what comes of it is in the log and the metrics. */
  reload(): Promise<unknown>;
  /** Finishes what runs, within `server.drainTimeoutMs`, then closes. Safe to call twice. */
  stop(): Promise<void>;
}

/** All codes that `sallyport_refused_total` may have here. */
const REFUSALS = ['SP_LINK_UNAUTHORIZED', 'SP_LINK_TLS', ...Object.values(StreamCode).map(streamCodeName)];

/** Rejects with Node's own error (`EADDRINUSE` …) or an AdminError when a port cannot be had, with a LinkTlsError when a file of TLS cannot be used. */
export async function startServer(deps: ServerDependencies): Promise<RunningServer> {
  const { credentials, logger, version } = deps;
  let { config } = deps;
  /** A reload writes into it. */
  const queue = { ...config.server.queue };
  const instance = `server-${randomBytes(4).toString('hex')}`;
  const telemetry = createTelemetry({ part: 'server', version, logger, codes: REFUSALS });
  const relay = new Relay({
    clock: systemClock,
    life: config.link,
    helloTimeoutMs: config.link.helloTimeoutMs,
    queue,
    instance,
    deployment: config.deploymentId,
    egressBytes: config.link.egressBytes,
    namesSession: (session) => credentials.namesSession(session),
    observer: observe(telemetry, logger),
  });
  addMetrics(telemetry, relay, () => config);
  let isStopping = false;
  const handshakes = rateLimitedLog((reason, hits) => logger.warn({ reason, hits }, 'links refused'));
  let tls: LinkTls | null = null;
  let linkServer: LinkServer | null = null;
  let admin: Admin | null = null;
  let reloads: Reloads | undefined;
  try {
    tls = await LinkTls.open(config.server.tls, { logger, telemetry });
    const { maxLinks, port, host } = config.server;
    const accepting = {
      tls,
      relay,
      credentials,
      maxLinks,
      telemetry,
      refused: (reason: string, remote: string) => {
        telemetry.refused('SP_LINK_UNAUTHORIZED');
        logger.warn({ remote, reason }, 'link refused');
      },
      // Anybody can fail a handshake, as often as he likes.
      handshakeFailed: (reason: string) => {
        telemetry.refused('SP_LINK_TLS');
        handshakes.hit(reason);
      },
    };
    linkServer = createLinkServer(accepting);
    const refuseIfStopping = () => {
      if (isStopping) throw new Error('the server is stopping');
    };
    const prepare = async (next: { readonly config: Config }) => {
      refuseIfStopping();
      const useFiles = await accepting.tls?.prepare();
      return () => {
        // The look at the files takes its time.
        refuseIfStopping();
        config = next.config;
        logger.level = config.log.level;
        Object.assign(queue, config.server.queue);
        relay.limitsChanged();
        accepting.maxLinks = config.server.maxLinks;
        useFiles?.();
      };
    };
    const { reread } = deps;
    if (reread !== undefined) reloads = createReloads({ read: () => reread(config), prepare, logger, telemetry });
    linkServer.listen(port, host);
    await once(linkServer, 'listening');
    admin = await openAdmin(deps, telemetry, relay, reloads, () => isStopping);
  } catch (error) {
    relay.close();
    linkServer?.close();
    tls?.close();
    handshakes.close();
    telemetry.close();
    throw error;
  }
  const opened = { linkServer, admin };
  const stopOnce = async () => {
    isStopping = true;
    opened.linkServer.close();
    await Promise.race([relay.drain(), systemClockDelay(config.server.drainTimeoutMs)]);
    relay.close();
    opened.linkServer.closeAllConnections();
    await opened.admin.close();
    tls?.close();
    handshakes.close();
    telemetry.close();
  };
  let stopped: Promise<void> | null = null;
  return {
    url: urlOf(linkServer, tls === null ? 'ws' : 'wss', config.server.host),
    adminUrl: admin.url,
    acceptLocalEntry: (transport) =>
      void relay.acceptUplink(transport, {
        principal: 'local',
        remote: 'memory',
        allows: () => true,
        isActive: () => true,
        misused: () => {},
      }),
    readiness: () => readiness(isStopping),
    isPathProved: () => isPathProved(relay.clientLinks.keys()),
    reload: async () => reloads?.run(),
    stop: () => (stopped ??= stopOnce()),
  };
}

function observe(telemetry: Telemetry, logger: Logger): RelayObserver {
  return {
    queued: (seconds) => telemetry.observeQueue(seconds),
    refused: (code) => telemetry.refused(streamCodeName(code)),
    limitHit: (limit) => telemetry.limitHit(limit),
    canary: (seconds) => telemetry.observeCanary(seconds),
    event: (name, details) => logger.info(details, name),
  };
}

function openAdmin(
  deps: ServerDependencies,
  telemetry: Telemetry,
  relay: Relay,
  reloads: Reloads | undefined,
  isStopping: () => boolean,
): Promise<Admin> {
  const { config, logger, version, adminCredentials } = deps;
  return startAdmin({
    part: 'server',
    ...config.server.admin,
    telemetry,
    logger,
    reloads,
    openapi: { title: 'Sallyport tunnel-server', version },
    ...(adminCredentials === undefined ? {} : { verify: adminVerifier(adminCredentials) }),
    ready: () => readiness(isStopping()),
    routes: (app) => {
      app.get('/sessions', { schema: { summary: 'Sessions known here, with their slots and queue.' } }, () =>
        listSessions(relay),
      );
      app.get('/links', { schema: { summary: 'Links of entries and clients.' } }, () => listLinks(relay));
    },
  });
}

function readiness(isStopping: boolean): Readiness {
  return { ok: !isStopping, checks: { accepting: isStopping ? { ok: false, detail: 'draining' } : { ok: true } } };
}

/** A wait that does not keep the process alive. */
function systemClockDelay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}

function urlOf(server: LinkServer, scheme: string, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
