/** A tunnel-server in this process, with credentials in memory, and links dialled to it by hand. */
import { once } from 'node:events';
import { MemoryCredentials } from '@sallyport/credentials';
import type { Role } from '@sallyport/credentials';
import { loadConfig } from '@sallyport/config';
import { createLogger } from '@sallyport/telemetry';
import { startServer } from '@sallyport/tunnel-server';
import type { RunningServer } from '@sallyport/tunnel-server';
import { WebSocket } from 'ws';
import { within } from './deadline.ts';

export interface Secret {
  readonly id: string;
  readonly secret: string;
}

export interface LinkServer {
  readonly running: RunningServer;
  issue(principal: string, role: Role, sessions: string[]): Secret;
}

const SETTINGS = { 'server.port': 0, 'server.admin.port': 0, 'log.level': 'silent' };

export async function startLinkServer(set: Readonly<Record<string, unknown>> = {}): Promise<LinkServer> {
  const overrides = Object.entries({ ...SETTINGS, ...set }).map(([path, value]) => ({ path, value }));
  const loaded = loadConfig({ env: {}, overrides, cwd: import.meta.dirname });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { config } = loaded;
  const credentials = new MemoryCredentials();
  const logger = createLogger({ level: config.log.level, part: 'server' });
  const running = await startServer({ config, credentials, logger, version: '0.0.0' });
  return {
    running,
    issue: (principal, role, sessions) => {
      const issued = credentials.add({ principal, role, sessions });
      if (!issued.ok) throw new Error(issued.error.message);
      return issued.value;
    },
  };
}

/** The links of a session, as the server lists them. */
export async function linksFor({ running }: LinkServer, session: string): Promise<unknown[]> {
  const response = await fetch(`${running.adminUrl}/api/links`, { headers: { Connection: 'close' } });
  return ((await response.json()) as { session: string | null }[]).filter((link) => link.session === session);
}

export interface LinkClose {
  readonly code: number;
  readonly reason: string;
}

/** A link whose frames are the test's own. */
export class HandLink {
  readonly ws: WebSocket;
  readonly closed: Promise<LinkClose>;

  private constructor(ws: WebSocket) {
    this.ws = ws;
    this.closed = once(ws, 'close').then(([code, reason]) => ({ code, reason: (reason as Buffer).toString() }));
  }

  static async dial({ running }: LinkServer, { id, secret }: Secret): Promise<HandLink> {
    const headers = { Authorization: `Bearer ${id}.${secret}` };
    const ws = new WebSocket(`${running.url}/link`, 'sallyport', { headers, perMessageDeflate: false });
    ws.on('error', () => {});
    const link = new HandLink(ws);
    await within(once(ws, 'open'), 'a link to open');
    return link;
  }

  /** The close that the server answers these messages with. */
  async closeAfter(...messages: (Buffer | string)[]): Promise<LinkClose> {
    for (const message of messages) this.ws.send(message);
    return within(this.closed, 'the server to close the link');
  }
}
