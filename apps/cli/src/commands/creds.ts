/** `sallyport creds`: credentials are shown once and kept as hashes. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { ROLES } from '@sallyport/credentials';
import type { CredentialsError, FileCredentials, Result, Role, Rotated } from '@sallyport/credentials';
import { durationMs } from '../creds/duration.ts';
import { readInput } from '../creds/input.ts';
import { credentialTable, issuedText, stateOf } from '../creds/text.ts';
import { CommandError, Exit } from '../exit.ts';
import { createOutput } from '../output.ts';
import { openStore, readSettings, storePathOf, valueOf } from '../settings.ts';

type Run = (action: () => Promise<Exit>) => Promise<void>;

interface StoreFlags {
  readonly store?: string;
  readonly config?: string;
  readonly json?: boolean;
}
interface ForFlags extends StoreFlags {
  readonly for: Role;
  readonly sessions?: string[];
  readonly name?: string;
}
interface RotateFlags extends StoreFlags {
  readonly overlap: number;
}

export function addCreds(program: Command, run: Run): void {
  const creds = program
    .command('creds')
    .description('credentials: shown once, kept as hashes')
    .addHelpText('after', '\nExample:\n  sallyport creds add laptop --for client --sessions demo');
  addForFlags(creds.command('add <name>').description('make a credential for a person, a machine or a service'))
    .addHelpText('after', "\nExample:\n  sallyport creds add laptop --for client --sessions 'demo,team-*'")
    .action((name: string, flags: ForFlags) => run(() => add(name, flags)));
  addStoreFlags(creds.command('list').description('all credentials, revoked ones too'))
    .addHelpText('after', '\nExample:\n  sallyport creds list --store ./sallyport-credentials.json')
    .action((flags: StoreFlags) => run(() => list(flags)));
  addStoreFlags(creds.command('rotate <id-or-name>').description('a new secret in place of an old one'))
    .option('--overlap <time>', 'how long the old one stays good: 30m, 24h, 7d', durationMs, 0)
    .addHelpText('after', '\nExample:\n  sallyport creds rotate laptop --overlap 24h')
    .action((target: string, flags: RotateFlags) => run(() => rotate(target, flags)));
  addStoreFlags(creds.command('revoke <id-or-name>').description('end one credential, or all of a name, at once'))
    .addHelpText('after', '\nExample:\n  sallyport creds revoke laptop')
    .action((target: string, flags: StoreFlags) => run(() => revoke(target, flags)));
  addForFlags(creds.command('import <file>').description('take lines id:secret made elsewhere; - is standard input'))
    .option('--name <name>', 'owner of all of them; without it each belongs to a name like its id')
    .addHelpText('after', '\nExample:\n  sallyport creds import keys.txt --for visitor --sessions demo')
    .action((file: string, flags: ForFlags) => run(() => importLines(file, flags)));
}

function addStoreFlags(command: Command): Command {
  return command
    .option('--store <file>', 'the store (default: sallyport-credentials.json beside the configuration file)')
    .option('--config <file>', 'configuration file (default: ./sallyport.yaml if it is there)')
    .option('--json', 'one JSON object a line on standard output');
}

function addForFlags(command: Command): Command {
  return addStoreFlags(command)
    .addOption(new Option('--for <use>', 'what it is for').choices(ROLES).makeOptionMandatory())
    .option('--sessions <globs>', "sessions a client's or visitor's is good for, by comma: 'demo,team-*'", (text) =>
      text
        .split(',')
        .map((glob) => glob.trim())
        .filter((glob) => glob !== ''),
    );
}

/** `create`: begins a store where there is none. With `--store` no configuration is read. */
function storeOf({ store, config }: StoreFlags, create: boolean): Promise<FileCredentials> {
  const path = store ?? storePathOf(readSettings(config === undefined ? {} : { config }), process.env);
  return openStore(path, { create });
}

async function add(principal: string, flags: ForFlags): Promise<Exit> {
  const store = await storeOf(flags, true);
  const issued = valueOf(await store.add({ principal, role: flags.for, sessions: flags.sessions ?? [] }));
  createOutput(flags.json === true).result({ id: issued.id, secret: issued.secret }, issuedText(issued));
  return Exit.DONE;
}

async function list(flags: StoreFlags): Promise<Exit> {
  const credentials = (await storeOf(flags, false)).list();
  const nowMs = Date.now();
  const output = createOutput(flags.json === true);
  if (output.isJson) for (const each of credentials) output.event({ ...each, state: stateOf(each, nowMs) });
  else output.result({}, credentialTable(credentials, nowMs));
  return Exit.DONE;
}

async function rotate(target: string, flags: RotateFlags): Promise<Exit> {
  const store = await storeOf(flags, false);
  const rotated: Rotated = valueOf(await store.rotate(target, flags.overlap));
  const { id, secret, replaces, replacedUntil } = rotated;
  const old = flags.overlap === 0 ? `${replaces} is revoked.` : `${replaces} stays good until ${replacedUntil}.`;
  createOutput(flags.json === true).result({ id, secret, replaces, replacedUntil }, `${issuedText(rotated)}\n\n${old}`);
  return Exit.DONE;
}

async function revoke(target: string, flags: StoreFlags): Promise<Exit> {
  const ids = valueOf(await (await storeOf(flags, false)).revoke(target));
  const text = ids.length === 0 ? 'revoked already' : `revoked ${ids.join(', ')}`;
  createOutput(flags.json === true).result({ revoked: ids }, text);
  return Exit.DONE;
}

async function importLines(file: string, flags: ForFlags): Promise<Exit> {
  const text = await readInput(file, process.stdin);
  const store = await storeOf(flags, true);
  const request = { role: flags.for, sessions: flags.sessions ?? [] };
  const imported = await store.import(text, flags.name === undefined ? request : { ...request, principal: flags.name });
  const { added, unchanged } = importedOf(imported, file === '-' ? 'standard input' : file);
  createOutput(flags.json === true).result({ added, unchanged }, `added ${added}, ${unchanged} were there already`);
  return Exit.DONE;
}

const LINES_NAMED_MAX = 20;

/** What was imported; otherwise throws an error that names the input and every broken line of it. */
function importedOf<T>(result: Result<T>, name: string): T {
  if (result.ok || result.error.code !== 'SP_CREDENTIALS_IMPORT') return valueOf(result);
  const { code, hint, problems = [] }: CredentialsError = result.error;
  const [first, ...others] = problems;
  const lines = others.slice(0, LINES_NAMED_MAX).map(({ line }) => line);
  const more =
    others.length === 0 ? '' : `; also wrong: lines ${lines.join(', ')}${others.length > lines.length ? ' …' : ''}`;
  throw new CommandError(Exit.USAGE, code, `${name}:${first?.line}: ${first?.message}${more}; ${hint}`);
}
