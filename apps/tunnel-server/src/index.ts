/** tunnel-server: takes links from entries and clients and relays between them. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Config } from '@sallyport/config';
import { adminVerifier } from '@sallyport/credentials';
import type { CredentialStore } from '@sallyport/credentials';
import { streamCodeName, systemClock } from '@sallyport/protocol';
import type { Transport } from '@sallyport/protocol';
import { createTelemetry, rateLimitedLog, startAdmin } from '@sallyport/telemetry';
import type { Admin, Logger, Telemetry } from '@sallyport/telemetry';
import { createLinkServer } from './accept.ts';
import type { LinkServer } from './accept.ts';
import { listLinks, listSessions } from './admin-api.ts';
import { LinkTls } from './link-tls.ts';
import { Relay } from './relay/relay.ts';
import type { RelayObserver } from './relay/relay.ts';

export { inspectLinkTls } from './link-tls.ts';

export interface ServerDependencies {
  readonly config: Config;
  readonly credentials: CredentialStore;
  /** For the admin port, needed when that is not on loopback. */
  readonly adminCredentials?: CredentialStore;
  readonly logger: Logger;
  readonly version: string;
}

export interface RunningServer {
  /** Where entries and clients dial. */
  readonly url: string;
  readonly adminUrl: string;
  /** An entry in this process: the uplink of the in-memory transport. */
  acceptLocalEntry(transport: Transport): void;
  /** Finishes what runs, within `server.drainTimeoutMs`, then closes. Safe to call twice. */
  stop(): Promise<void>;
}

/** Rejects with Node's own error (`EADDRINUSE` …) or an AdminError when a port cannot be had, with a LinkTlsError when a file of TLS cannot be used. */
export async function startServer(deps: ServerDependencies): Promise<RunningServer> {
  const { config, credentials, logger, version } = deps;
  const instance = `server-${randomBytes(4).toString('hex')}`;
  const telemetry = createTelemetry({ part: 'server', version, logger });
  const relay = new Relay({
    clock: systemClock,
    life: config.link,
    helloTimeoutMs: config.link.helloTimeoutMs,
    queue: config.server.queue,
    instance,
    deployment: config.deploymentId,
    egressBytes: config.link.egressBytes,
    namesSession: (session) => credentials.namesSession(session),
    observer: observe(telemetry, logger),
  });
  addGauges(telemetry, relay);
  let isStopping = false;
  const handshakes = rateLimitedLog((reason, hits) => logger.warn({ reason, hits }, 'links refused'));
  let tls: LinkTls | null = null;
  let linkServer: LinkServer | null = null;
  let admin: Admin | null = null;
  try {
    tls = await LinkTls.open(config.server.tls, { logger, telemetry });
    linkServer = createLinkServer({
      tls,
      relay,
      credentials,
      maxLinks: config.server.maxLinks,
      limitHit: (limit) => telemetry.limitHit(limit),
      refused: (reason, remote) => {
        telemetry.refused('SP_LINK_UNAUTHORIZED');
        logger.warn({ remote, reason }, 'link refused');
      },
      // Anybody can fail a handshake, as often as he likes.
      handshakeFailed: (reason) => {
        telemetry.refused('SP_LINK_TLS');
        handshakes.hit(reason);
      },
    });
    linkServer.listen(config.server.port, config.server.host);
    await once(linkServer, 'listening');
    admin = await openAdmin(deps, telemetry, relay, () => isStopping);
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
      }),
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

function addGauges(telemetry: Telemetry, relay: Relay): void {
  telemetry.gauge('sallyport_streams', {}, () => relay.streams);
  telemetry.gauge('sallyport_links', { kind: 'uplink' }, () => relay.uplinks.size);
  telemetry.gauge('sallyport_links', { kind: 'client' }, () => relay.clientLinks.size);
  telemetry.gauge('sallyport_slots', { state: 'busy' }, () => sum(relay.clientLinks.values(), (each) => each.busy));
  telemetry.gauge('sallyport_slots', { state: 'free' }, () => sum(relay.clientLinks.values(), (each) => each.free));
  telemetry.gauge('sallyport_queue_length', {}, () => sum(relay.sessions.values(), (each) => each.waiting));
  telemetry.gauge('sallyport_buffered_bytes', { where: 'egress' }, () =>
    sum([...relay.uplinks.keys(), ...relay.clientLinks.keys()], (link) => link.egress.queuedBytes),
  );
}

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

function openAdmin(
  deps: ServerDependencies,
  telemetry: Telemetry,
  relay: Relay,
  isStopping: () => boolean,
): Promise<Admin> {
  const { config, logger, version, adminCredentials } = deps;
  return startAdmin({
    part: 'server',
    ...config.server.admin,
    telemetry,
    logger,
    openapi: { title: 'Sallyport tunnel-server', version },
    ...(adminCredentials === undefined ? {} : { verify: adminVerifier(adminCredentials) }),
    ready: () => {
      const stopping = isStopping();
      return { ok: !stopping, checks: { accepting: { ok: !stopping, ...(stopping ? { detail: 'draining' } : {}) } } };
    },
    routes: (app) => {
      app.get('/sessions', { schema: { summary: 'Sessions known here, with their slots and queue.' } }, () =>
        listSessions(relay),
      );
      app.get('/links', { schema: { summary: 'Links of entries and clients.' } }, () => listLinks(relay));
    },
  });
}

/** A wait that does not keep the process alive. */
function systemClockDelay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}

function urlOf(server: LinkServer, scheme: string, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
