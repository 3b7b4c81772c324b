/** `sallyport server`, `entry`, `client` and `backend`: one part each, as it runs in production. */
import type { Command } from 'commander';
import { redactUrl } from '@sallyport/config';
import type { Config, Override } from '@sallyport/config';
import { startEntry } from '@sallyport/proxy-entry';
import { closeLogger, createLogger } from '@sallyport/telemetry';
import type { Logger } from '@sallyport/telemetry';
import { startBackend } from '@sallyport/test-backend';
import { startClient } from '@sallyport/tunnel-client';
import { startServer } from '@sallyport/tunnel-server';
import { usageError } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { createOutput } from '../output.ts';
import type { Output } from '../output.ts';
import { rereader } from '../reload.ts';
import { serve } from '../service.ts';
import type { Service } from '../service.ts';
import {
  addSettingFlags,
  loadSettings,
  openAdminStore,
  openStore,
  readCredential,
  readSettings,
  settingsOf,
  storePathOf,
  storeSettingOf,
  valueOf,
} from '../settings.ts';
import type { SettingFlags } from '../settings.ts';
import { VERSION } from '../version.ts';
import { protocolOption, sessionsOf } from './backend-flags.ts';
import type { BackendFlags } from './backend-flags.ts';
import { endOfDialling, sayDial } from './dial-events.ts';
import { wholeNumber } from './up.ts';

type Run = (action: () => Promise<Exit>) => Promise<void>;

export function addParts(program: Command, run: Run): void {
  addSettingFlags(program.command('server').description('the relay: entries and clients dial it'))
    .option('--port <n>', 'port for links', wholeNumber(0, 65_535))
    .option('--credential-store <file>', 'store made by "sallyport creds"')
    .addHelpText('after', '\nExample:\n  sallyport server --credential-store ./sallyport-credentials.json')
    .action((flags: ServerFlags) => run(() => server(flags)));
  addSettingFlags(program.command('entry').description('the public edge: visitors reach it'))
    .option('--port <n>', 'port for visitors', wholeNumber(0, 65_535))
    .option('--server <urls...>', 'tunnel-servers to dial')
    .option('--credential-file <file>', 'file with a line id:secret')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport entry --server ws://127.0.0.1:12001 --credential-file ./entry.secret',
    )
    .action((flags: DialFlags) => run(() => entry(flags)));
  addSettingFlags(program.command('client').description('beside the backend: dials out and makes it reachable'))
    .argument('[url]', 'the backend: http://, https:// or unix:/path; several come from client.sessions in the file')
    .option('--server <urls...>', 'tunnel-servers to dial')
    .option('--session <id>', 'name to be reached under')
    .addOption(protocolOption())
    .option('--concurrency <n>', 'requests at the backend at once', wholeNumber(1, 10_000))
    .option('--credential-file <file>', 'file with a line id:secret')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport client http://127.0.0.1:3000 --server wss://tunnel.example.org:12001 --session demo --credential-file ./client.secret',
    )
    .action((url: string | undefined, flags: ClientFlags) => run(() => client(url, flags)));
  addSettingFlags(program.command('backend').description('the test backend, for load tests'))
    .option('--port <n>', 'port to listen at', wholeNumber(0, 65_535))
    .addHelpText('after', '\nExample:\n  sallyport backend --port 12007')
    .action((flags: PortFlags) => run(() => backend(flags)));
}

interface PortFlags extends SettingFlags {
  readonly port?: number;
}
interface ServerFlags extends PortFlags {
  readonly credentialStore?: string;
}
interface DialFlags extends PortFlags {
  readonly server?: string[];
  readonly credentialFile?: string;
}
interface ClientFlags extends DialFlags, BackendFlags {
  readonly session?: string;
  readonly concurrency?: number;
}

async function server(flags: ServerFlags): Promise<Exit> {
  const own = given({ 'server.port': flags.port, 'server.credentialStore': flags.credentialStore });
  const load = () => loadSettings(flags, own);
  const settings = settingsOf(load());
  const { config } = settings;
  const output = createOutput(flags.json === true);
  const logger = createLogger({ level: config.log.level, part: 'server', destination: logDestination(flags) });
  const store = storePathOf(settings, process.env);
  const setting = storeSettingOf(settings, process.env);
  const credentials = await openStore(store, {
    setting,
    onReloadError: ({ code, message, hint }) =>
      logger.error({ code, hint }, `${setting}: ${message}; what was read last stays in force`),
  });
  const running = await startServer({
    config,
    credentials,
    logger,
    version: VERSION,
    reread: rereader('server', load, (next) => {
      valueOf(credentials.look(), setting);
      return { config: next };
    }),
    ...(await openAdminStore('server', config)),
  });
  const ready = { event: 'ready', url: running.url, admin: running.adminUrl };
  const announce = () => output.result(ready, `links ${running.url}  admin ${running.adminUrl}`);
  return serveLogging(running, output, logger, announce);
}

/** What an entry needs beside its settings; throws a CommandError. */
function completeEntry(config: Config) {
  return { config, credential: readCredential(config.entry.credentialFile) };
}

async function entry(flags: DialFlags): Promise<Exit> {
  const own = given({
    'entry.port': flags.port,
    'entry.servers': flags.server,
    'entry.credentialFile': flags.credentialFile,
  });
  const load = () => loadSettings(flags, own);
  const { config } = settingsOf(load());
  const begin = completeEntry(config);
  const output = createOutput(flags.json === true);
  const logger = createLogger({ level: config.log.level, part: 'entry', destination: logDestination(flags) });
  const running = await startEntry({
    ...begin,
    logger,
    version: VERSION,
    reread: rereader('entry', load, completeEntry),
    onDial: (server, event) => sayDial(output, { server: redactUrl(server) }, event),
    ...(await openAdminStore('entry', config)),
  });
  const tls = running.tlsUrl === null ? {} : { tls: running.tlsUrl };
  const ready = { event: 'ready', url: running.url, ...tls, admin: running.adminUrl };
  const visitors = running.tlsUrl === null ? running.url : `${running.url} ${running.tlsUrl}`;
  const announce = () => output.result(ready, `visitors ${visitors}  admin ${running.adminUrl}`);
  return serveLogging(running, output, logger, announce, endOfDialling(running.fatal, 'entry'));
}

/** What a client needs beside its settings; throws a CommandError. */
function completeClient(config: Config) {
  if (config.client.sessions.length === 0) {
    throw usageError('no session to offer', 'give a backend URL and --session, or client.sessions in the file');
  }
  return { config, credential: readCredential(config.client.credentialFile) };
}

async function client(url: string | undefined, flags: ClientFlags): Promise<Exit> {
  if ((url === undefined) !== (flags.session === undefined)) {
    throw usageError(
      'a backend URL and --session go together',
      'for example: sallyport client http://127.0.0.1:3000 --session demo',
    );
  }
  if (url === undefined && flags.protocol !== undefined) {
    throw usageError('--protocol goes with a backend URL', 'in the file each of client.sessions has its own protocol');
  }
  const sessions = url === undefined ? undefined : sessionsOf(flags.session, url, flags);
  const own = given({
    'client.servers': flags.server,
    'client.credentialFile': flags.credentialFile,
    'client.concurrency': flags.concurrency,
    'client.sessions': sessions,
  });
  const load = () => loadSettings(flags, own);
  const { config } = settingsOf(load());
  const begin = completeClient(config);
  const output = createOutput(flags.json === true);
  const logger = createLogger({ level: config.log.level, part: 'client', destination: logDestination(flags) });
  const running = await startClient({
    ...begin,
    logger,
    version: VERSION,
    reread: rereader('client', load, completeClient),
    onDial: (session, server, event) => sayDial(output, { session, server: redactUrl(server) }, event),
    ...(await openAdminStore('client', config)),
  });
  const ids = config.client.sessions.map((each) => each.id);
  const announce = () => {
    output.result(
      { event: 'started', admin: running.adminUrl, sessions: ids },
      `dialling for ${ids.join(', ')}  admin ${running.adminUrl}`,
    );
    void running.connected.then(() => output.result({ event: 'ready', sessions: ids }, `connected: ${ids.join(', ')}`));
  };
  return serveLogging(running, output, logger, announce, endOfDialling(running.fatal, 'client'));
}

async function backend(flags: PortFlags): Promise<Exit> {
  const { config } = readSettings(flags, given({ 'backend.port': flags.port }));
  const output = createOutput(flags.json === true);
  const running = await startBackend(config.backend);
  const announce = () => output.result({ event: 'ready', url: running.url }, `backend ${running.url}`);
  return serve({ stop: () => running.close() }, output, announce);
}

async function serveLogging(
  service: Service,
  output: Output,
  logger: Logger,
  announce: () => void,
  failed?: Promise<Exit>,
): Promise<Exit> {
  try {
    return await serve(service, output, announce, failed);
  } finally {
    await closeLogger(logger);
  }
}

function given(values: Readonly<Record<string, unknown>>): Override[] {
  return Object.entries(values).flatMap(([path, value]) => (value === undefined ? [] : [{ path, value }]));
}

/** With `--json` standard output is for results; without it, logs are the result. */
function logDestination({ json }: SettingFlags): number {
  return json === true ? 2 : 1;
}
