/** Flags shared by the commands that read the configuration, and the configuration they give. */
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig, secretFromFileOrEnv } from '@sallyport/config';
import type { Config, Environment, LoadResult, Override } from '@sallyport/config';
import { DEFAULT_STORE_FILE, FileCredentials } from '@sallyport/credentials';
import type { CredentialStore, FileCredentialsOptions, Result } from '@sallyport/credentials';
import { CommandError, configError, Exit } from './exit.ts';

export interface SettingFlags {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** Adds `--config`, `--set path=value` and `--json`. */
export function addSettingFlags(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: ./sallyport.yaml if it is there)')
    .option('--set <path=value>', 'one setting, for example --set entry.port=8080; may be repeated', collect, [])
    .option('--json', 'one JSON object a line on standard output');
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

export type Settings = Extract<LoadResult, { ok: true }>;

/** The configuration in force, or what is wrong with it. `more`: what a command's own flags set. */
export function loadSettings(flags: SettingFlags, more: readonly Override[] = []): LoadResult {
  return loadConfig({
    ...(flags.config === undefined ? {} : { file: flags.config }),
    env: process.env,
    overrides: [...(flags.set ?? []).map(parseSet), ...more],
    cwd: process.cwd(),
  });
}

/** The same; throws a CommandError that lists every problem. */
export function readSettings(flags: SettingFlags, more: readonly Override[] = []): Settings {
  return settingsOf(loadSettings(flags, more));
}

/** What was loaded; throws a CommandError that lists every problem. */
export function settingsOf(result: LoadResult): Settings {
  if (!result.ok) throw configError(result.problems);
  return result;
}

function parseSet(text: string): Override {
  const at = text.indexOf('=');
  if (at <= 0)
    throw new CommandError(Exit.USAGE, 'SP_USAGE', `--set ${text}: write path=value, as in --set entry.port=8080`);
  return { path: text.slice(0, at), value: text.slice(at + 1) };
}

/** This process's own credential. */
export function readCredential(file: string | undefined): { id: string; secret: string } {
  const result = secretFromFileOrEnv({ file, env: process.env });
  if (!result.ok) throw new CommandError(Exit.USAGE, result.code, `${result.message}; ${result.hint}`);
  return { id: result.id, secret: result.secret };
}

/** The same as the field `Authorization` of an admin port. */
export function readBearer(file: string): string {
  const { id, secret } = readCredential(file);
  return `Bearer ${id}.${secret}`;
}

/**
 * Where the credentials are that links are checked against, the same for `server`, `creds` and `doctor`:
 * `server.credentialStore`, else SALLYPORT_CREDENTIALS_FILE, else a file beside the configuration file in force.
 */
export function storePathOf({ config, file }: Settings, env: Environment): string {
  const beside = file === undefined ? DEFAULT_STORE_FILE : join(dirname(file), DEFAULT_STORE_FILE);
  return config.server.credentialStore ?? (env['SALLYPORT_CREDENTIALS_FILE'] || beside);
}

/** What says where that store is. */
export function storeSettingOf({ config }: Settings, env: Environment): string {
  const isByVariable = config.server.credentialStore === undefined && env['SALLYPORT_CREDENTIALS_FILE'];
  return isByVariable ? 'SALLYPORT_CREDENTIALS_FILE' : 'server.credentialStore';
}

/**
 * A store that is there, or with `create` a new one. Everything that can be wrong with it is the user's to fix.
 * `setting`: what names it.
 */
export async function openStore(
  path: string,
  { setting, ...options }: Omit<FileCredentialsOptions, 'path'> & { readonly setting?: string } = {},
): Promise<FileCredentials> {
  return valueOf(await FileCredentials.open({ path, ...options }), setting);
}

/** The value, or the CommandError for what is wrong, which begins with the `setting` that it is about. */
export function valueOf<T>(result: Result<T>, setting?: string): T {
  if (result.ok) return result.value;
  const { code, message, hint } = result.error;
  const about = setting === undefined ? '' : `${setting}: `;
  throw new CommandError(Exit.USAGE, code, `${about}${message}; ${hint}`);
}

export async function openAdminStore(
  part: 'entry' | 'server' | 'client',
  config: Config,
): Promise<{ adminCredentials?: CredentialStore }> {
  const path = config[part].admin.credentials;
  if (path === undefined) return {};
  return { adminCredentials: await openStore(path, { setting: `${part}.admin.credentials` }) };
}
