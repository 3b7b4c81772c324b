/**
 * The whole stack on loopback: backend and clients in processes of their own; server and entry in this one, joined in
 * memory, or (`isSplit`) in one each, joined by a real uplink.
 */
import type { Config } from '@sallyport/config';
import { memoryTransportPair, systemClock } from '@sallyport/protocol';
import type { CommandError } from '../exit.ts';
import { startChild } from './child.ts';
import type { ChildPart } from './child.ts';
import type { Credential, PartName } from './messages.ts';
import { startPart } from './parts.ts';
import { untilReachable } from './reachable.ts';

export interface StackOptions {
  /** With ports, limits and log level as they shall be; servers and sessions are filled in here. */
  readonly config: Config;
  readonly session: string;
  /** Null: that of the session in the configuration; where it has none the test backend is started. */
  readonly backend: string | null;
  readonly clients: number;
  readonly isSplit: boolean;
  readonly onDied: (error: CommandError) => void;
}

export interface Stack {
  /** The session, for visitors. */
  readonly url: string;
  readonly entry: string;
  /** The entry by TLS, where there is one. */
  readonly tls?: string;
  /** The backend itself. */
  readonly direct: string;
  readonly pids: { entry: number; server: number; client: number[]; backend: number | null };
  readonly admin: { server: string; entry: string; client: string[] };
  /** From the visitors inwards, each finishing what runs. */
  readonly stop: () => Promise<void>;
}

interface Part {
  readonly name: PartName;
  readonly pid: number;
  readonly ready: { readonly url: string; readonly adminUrl: string; readonly tlsUrl?: string };
  stop(): Promise<void>;
}

/** Rejects with what kept a part from starting; those that had started are stopped again. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started: Part[] = [];
  const add = <T extends Part>(part: T): T => {
    started.push(part);
    return part;
  };
  try {
    return await start(options, add, () => stopAll(started));
  } catch (error) {
    await stopAll(started);
    throw error;
  }
}

/** From the visitors inwards, so that what runs can finish. */
const STOP_ORDER: readonly PartName[] = ['entry', 'client', 'server', 'backend'];

async function stopAll(started: readonly Part[]): Promise<void> {
  for (const name of STOP_ORDER) {
    await Promise.all(started.filter((part) => part.name === name).map((part) => part.stop()));
  }
}

async function start(
  options: StackOptions,
  add: <T extends Part>(part: T) => T,
  stop: () => Promise<void>,
): Promise<Stack> {
  const { session, isSplit, onDied, clients } = options;
  const child = async (name: PartName, config: Config, credential?: Credential) =>
    add(await startChild(name, config, credential, onDied));
  const told = options.backend ?? options.config.client.sessions.find(({ id }) => id === session)?.backend;
  const backend = told === undefined ? await child('backend', options.config) : null;
  const direct = told ?? backend!.ready.url;
  const config = withSession(options.config, session, direct);
  const front = isSplit ? await startSplitFront(config, child) : await startLocalFront(config, add);
  const dialling = { ...config, client: { ...config.client, servers: [front.server.ready.url] } };
  const running: ChildPart[] = [];
  for (let i = 0; i < clients; i += 1) {
    const admin = { ...dialling.client.admin, port: i === 0 ? dialling.client.admin.port : 0 };
    running.push(await child('client', { ...dialling, client: { ...dialling.client, admin } }, front.credential));
  }
  const { url: entry, tlsUrl } = front.entry.ready;
  const fronts = { entry: front.entry.ready.adminUrl, server: front.server.ready.adminUrl };
  await untilReachable({ ...fronts, session, clients });
  return {
    url: `${entry}/session/${session}/`,
    entry,
    ...(tlsUrl === undefined ? {} : { tls: tlsUrl }),
    direct,
    pids: {
      entry: front.entry.pid,
      server: front.server.pid,
      client: running.map((each) => each.pid),
      backend: backend?.pid ?? null,
    },
    admin: {
      server: front.server.ready.adminUrl,
      entry: front.entry.ready.adminUrl,
      client: running.map((each) => each.ready.adminUrl),
    },
    stop,
  };
}

interface Front {
  readonly server: Part;
  readonly entry: Part;
  readonly credential: Credential;
}

async function startLocalFront(config: Config, add: <T extends Part>(part: T) => T): Promise<Front> {
  const server = await startPart('server', config, undefined);
  const serverPart = add({ name: 'server', pid: process.pid, ready: server.ready, stop: () => server.stop() });
  // It has its uplink in memory; where it hands links on, they go to this server.
  const front = { ...config, entry: { ...config.entry, servers: [server.ready.url] } };
  const entry = await startPart('entry', front, undefined);
  const entryPart = add({ name: 'entry', pid: process.pid, ready: entry.ready, stop: () => entry.stop() });
  const [toServer, toEntry] = memoryTransportPair(systemClock);
  server.acceptLocalEntry!(toEntry);
  entry.attachLocalServer!(toServer);
  return { server: serverPart, entry: entryPart, credential: server.ready.credentials!.client };
}

async function startSplitFront(
  config: Config,
  child: (name: PartName, config: Config, credential?: Credential) => Promise<ChildPart>,
): Promise<Front> {
  const server = await child('server', config);
  const { credentials, url } = server.ready;
  const entry = await child('entry', { ...config, entry: { ...config.entry, servers: [url] } }, credentials!.entry);
  return { server, entry, credential: credentials!.client };
}

/** As the configuration has a session of this name, if it does; its backend is this one. */
function withSession(config: Config, id: string, backend: string): Config {
  const { client } = config;
  const known = client.sessions.find((each) => each.id === id) ?? {
    protocol: 'http1',
    proxyProtocol: 'off',
    hostHeader: 'visitor',
  };
  return { ...config, client: { ...client, sessions: [{ ...known, id, backend }] } };
}
