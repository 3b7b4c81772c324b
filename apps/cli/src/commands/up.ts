/** `sallyport up`: everything on this machine, in one command. */
import { setTimeout } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { SESSION_ID_PATTERN } from '@sallyport/config';
import type { Config, Override } from '@sallyport/config';
import { usageError } from '../exit.ts';
import type { CommandError, Exit } from '../exit.ts';
import { createOutput } from '../output.ts';
import type { Output } from '../output.ts';
import { serve } from '../service.ts';
import { addSettingFlags, readSettings } from '../settings.ts';
import type { SettingFlags, Settings } from '../settings.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { protocolOption, sessionsOf } from './backend-flags.ts';
import type { BackendFlags } from './backend-flags.ts';
import { runStackLoad } from './up-load.ts';

interface UpFlags extends SettingFlags, BackendFlags {
  readonly backend?: string;
  readonly session: string;
  readonly clients: number;
  readonly concurrency?: number;
  readonly entryPort?: number;
  readonly load: string;
  readonly loadPath?: string;
  readonly split?: boolean;
}

const SIGNAL_GRACE_MS = 250;

const EXAMPLES = `
Examples:
  sallyport up                                        a test backend behind the tunnel
  sallyport up --backend http://127.0.0.1:3000        your own service behind it
  sallyport up --load short                           and a ramp of 20 to 1000 requests/s through it
  sallyport up --backend http://127.0.0.1:12005 --load short --load-path /get   whose fault is it when that is slow?
  sallyport up --split --entry-port 0 --json          one process a part, free ports, for scripts`;

export function addUp(program: Command, run: (action: () => Promise<Exit>) => Promise<void>): void {
  const command = program
    .command('up')
    .description('the whole stack on loopback: test backend, server, entry, client')
    .option('--backend <url>', 'front this backend instead of the test backend')
    .addOption(protocolOption())
    .option('--session <id>', 'name of the session', 'demo')
    .option('--clients <n>', 'tunnel-clients', wholeNumber(1, 1_000), 1)
    .option('--concurrency <n>', 'slots of each client', wholeNumber(1, 10_000))
    .option('--entry-port <n>', 'port for visitors; 0 makes every port a free one', wholeNumber(0, 65_535))
    .option('--load <profile>', 'then a load test: none, short, aggressive, or another profile', 'none')
    .option('--load-path <path>', 'what it asks for (default: / of your --backend, /loadtest/get of the test backend)')
    .option('--split', 'server and entry in a process each')
    .addHelpText('after', EXAMPLES);
  addSettingFlags(command).action((flags: UpFlags) => run(() => up(flags)));
}

async function up(flags: UpFlags): Promise<Exit> {
  if (!new RegExp(SESSION_ID_PATTERN).test(flags.session)) {
    throw usageError(
      `--session ${flags.session} cannot be a session's name`,
      'use a-z, 0-9 and inner hyphens, as in demo',
    );
  }
  if (flags.protocol !== undefined && flags.backend === undefined) {
    throw usageError('--protocol is about your own backend', 'give --backend as well');
  }
  const output = createOutput(flags.json === true);
  const died = Promise.withResolvers<CommandError>();
  const stack = await startStack({
    config: quietUnlessTold(readSettings(flags, overridesOf(flags))),
    session: flags.session,
    backend: flags.backend?.replace(/\/$/, '') ?? null,
    clients: flags.clients,
    isSplit: flags.split === true,
    onDied: died.resolve,
  });
  const stopLoad = new AbortController();
  let load: Promise<void> | null = null;
  const serving = () => {
    announce(output, stack);
    if (flags.load === 'none') return;
    load = runStackLoad(output, stack, { profile: flags.load, path: loadPathOf(flags) }, stopLoad.signal);
  };
  const service = {
    stop: async () => {
      stopLoad.abort();
      await load;
      await stack.stop();
    },
  };
  return serve(service, output, serving, failedBy(died.promise));
}

/** A service of your own has no test backend's paths: its root is all that is known of it. */
function loadPathOf({ loadPath, backend }: UpFlags): string | null {
  if (loadPath !== undefined) return loadPath.replace(/^\//, '');
  return backend === undefined ? null : '';
}

/** A signal to the whole process group ends the parts as well: then our own is at most a moment away, and it counts. */
async function failedBy(died: Promise<CommandError>): Promise<Exit> {
  const error = await died;
  await setTimeout(SIGNAL_GRACE_MS);
  throw error;
}

function overridesOf(flags: UpFlags): Override[] {
  const { backend, session, concurrency, entryPort } = flags;
  const overrides: Override[] = [];
  // Checked as every backend is, though the stack fills in where it runs.
  if (backend !== undefined) {
    overrides.push({ path: 'client.sessions', value: sessionsOf(session, backend, flags) });
  }
  if (concurrency !== undefined) overrides.push({ path: 'client.concurrency', value: concurrency });
  if (entryPort !== undefined) overrides.push({ path: 'entry.port', value: entryPort });
  if (entryPort !== 0) return overrides;
  const others = [
    'entry.tls.port',
    'entry.admin.port',
    'server.port',
    'server.admin.port',
    'client.admin.port',
    'backend.port',
  ];
  return [...overrides, ...others.map((path) => ({ path, value: 0 }))];
}

/** A terminal is not a log file: warnings only, and no line per request, unless the settings say otherwise. */
function quietUnlessTold({ config, origins }: Settings): Config {
  return {
    ...config,
    log: {
      level: origins.get('log.level') === 'default' ? 'warn' : config.log.level,
      accessLog: origins.get('log.accessLog') === 'default' ? false : config.log.accessLog,
    },
  };
}

function announce(output: Output, stack: Stack): void {
  const { stop: _stop, ...ready } = stack;
  const text = [
    `session   ${stack.url}`,
    ...(stack.tls === undefined ? [] : [`by TLS    ${stack.tls}`]),
    `backend   ${stack.direct}`,
    `admin     entry ${stack.admin.entry}  server ${stack.admin.server}  client ${stack.admin.client.join(' ')}`,
    `try       curl -i ${stack.url}${stack.pids.backend === null ? '' : 'loadtest/get'}`,
    'Ctrl-C stops it.',
  ].join('\n');
  output.result({ event: 'ready', ...ready }, text);
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      // Commander says whose value it was.
      throw new InvalidArgumentError(`It is not a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
