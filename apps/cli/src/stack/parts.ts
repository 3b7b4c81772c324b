/** The parts of a stack, each started by its one function; the same in this process and in one of its own. */
import type { Config } from '@sallyport/config';
import { MemoryCredentials } from '@sallyport/credentials';
import type { Issued } from '@sallyport/credentials';
import type { Transport } from '@sallyport/protocol';
import { startEntry } from '@sallyport/proxy-entry';
import { closeLogger, createLogger } from '@sallyport/telemetry';
import { startBackend } from '@sallyport/test-backend';
import { startClient } from '@sallyport/tunnel-client';
import { startServer } from '@sallyport/tunnel-server';
import { VERSION } from '../version.ts';
import type { Credential, PartName, ReadyMessage } from './messages.ts';

export interface RunningPart {
  readonly ready: Omit<ReadyMessage, 'kind'>;
  readonly attachLocalServer?: (transport: Transport) => void;
  readonly acceptLocalEntry?: (transport: Transport) => void;
  stop(): Promise<void>;
}

/** Standard output belongs to the command's results. */
const LOG_DESTINATION = 2;

const STARTERS: Readonly<
  Record<PartName, (config: Config, credential: Credential | undefined) => Promise<RunningPart>>
> = { backend, server, entry, client };

/** `credential`: what an entry or client shows to its servers; an entry without one has local servers only. */
export function startPart(part: PartName, config: Config, credential: Credential | undefined): Promise<RunningPart> {
  return STARTERS[part](config, credential);
}

async function backend(config: Config): Promise<RunningPart> {
  const running = await startBackend(config.backend);
  return { ready: { url: running.url, adminUrl: '' }, stop: () => running.close() };
}

async function server(config: Config): Promise<RunningPart> {
  const credentials = new MemoryCredentials();
  const issue = (principal: string, role: 'entry' | 'client', sessions: string[]): Credential => {
    const issued = credentials.add({ principal, role, sessions });
    if (!issued.ok) throw new Error(issued.error.message);
    const { id, secret }: Issued = issued.value;
    return { id, secret };
  };
  const sessions = config.client.sessions.map((session) => session.id);
  const made = { entry: issue('up-entry', 'entry', []), client: issue('up-client', 'client', sessions) };
  const logger = createLogger({ level: config.log.level, part: 'server', destination: LOG_DESTINATION });
  const running = await startServer({ config, credentials, logger, version: VERSION });
  return {
    ready: { url: running.url, adminUrl: running.adminUrl, credentials: made },
    acceptLocalEntry: (transport) => running.acceptLocalEntry(transport),
    stop: async () => {
      await running.stop();
      await closeLogger(logger);
    },
  };
}

async function entry(config: Config, credential: Credential | undefined): Promise<RunningPart> {
  const logger = createLogger({ level: config.log.level, part: 'entry', destination: LOG_DESTINATION });
  const running = await startEntry({
    config,
    logger,
    version: VERSION,
    ...(credential === undefined ? {} : { credential }),
  });
  return {
    ready: {
      url: running.url,
      adminUrl: running.adminUrl,
      ...(running.tlsUrl === null ? {} : { tlsUrl: running.tlsUrl }),
    },
    attachLocalServer: (transport) => running.attachLocalServer(transport),
    stop: async () => {
      await running.stop();
      await closeLogger(logger);
    },
  };
}

async function client(config: Config, credential: Credential | undefined): Promise<RunningPart> {
  if (credential === undefined) throw new Error('a client needs a credential');
  const logger = createLogger({ level: config.log.level, part: 'client', destination: LOG_DESTINATION });
  const running = await startClient({ config, credential, logger, version: VERSION });
  await running.connected;
  return {
    ready: { url: '', adminUrl: running.adminUrl },
    stop: async () => {
      await running.stop();
      await closeLogger(logger);
    },
  };
}
