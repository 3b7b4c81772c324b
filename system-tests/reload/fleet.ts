/** Server, entry and client as they run in production, all set by one file that a test rewrites and has loaded again. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileCredentials } from '@sallyport/credentials';
import type { Role } from '@sallyport/credentials';
import { Command } from '../harness/command.ts';
import { eventually } from '../harness/deadline.ts';
import { isReady } from '../harness/deployment.ts';
import { noteSecret } from '../harness/secrets.ts';

export type PartName = 'server' | 'entry' | 'client';

/** `path: value`; undefined takes a setting out of the file. */
export type Changes = Readonly<Record<string, unknown>>;

export interface Part {
  readonly command: Command;
  readonly url: string;
  readonly admin: string;
}

export interface Reloaded {
  readonly status: number;
  readonly body: {
    readonly changed?: readonly string[];
    readonly code?: string;
    readonly problems?: readonly string[];
    readonly restart?: readonly string[];
  };
}

const STORE = 'store.json';
const BASE: Changes = {
  'log.level': 'warn',
  'log.accessLog': false,
  'entry.port': 0,
  'entry.admin.port': 0,
  'server.port': 0,
  'server.admin.port': 0,
  'client.admin.port': 0,
};

export class Fleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-reload-'));
  readonly file = join(this.folder, 'sallyport.yaml');
  readonly #commands: Command[] = [];
  readonly #first: Changes;
  #settings: Changes;
  #store!: FileCredentials;
  server!: Part;
  entry!: Part;
  client!: Part;

  private constructor(settings: Changes) {
    this.#first = { ...BASE, ...settings };
    this.#settings = this.#first;
  }

  /** `settings`: with `client.sessions`. End it with `stop`. */
  static async start(settings: Changes): Promise<Fleet> {
    const fleet = new Fleet(settings);
    try {
      await fleet.#start();
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  /** The session `demo`. */
  get url(): string {
    return `${this.entry.url}/session/demo/`;
  }

  async #start(): Promise<void> {
    const opened = await FileCredentials.open({ path: join(this.folder, STORE), create: true });
    if (!opened.ok) throw new Error(opened.error.message);
    this.#store = opened.value;
    const [entry, client] = [await this.credential('entry', 'entry'), await this.credential('client', 'client')];
    this.#begin({ 'server.credentialStore': join(this.folder, STORE) });
    this.server = await this.#part('server');
    const servers = [this.server.url];
    this.#begin({ 'entry.servers': servers, 'entry.credentialFile': entry });
    this.#begin({ 'client.servers': servers, 'client.credentialFile': client });
    this.entry = await this.#part('entry');
    this.client = await this.#client();
    await isReady(this.entry.admin);
    mkdirSync(this.#kept);
    for (const name of this.#files()) copyFileSync(join(this.folder, name), join(this.#kept, name));
  }

  /** The file of a credential that was made for it. */
  async credential(name: string, role: Role, sessions = role === 'client' ? ['*'] : []): Promise<string> {
    const issued = await this.#store.add({ principal: role === 'client' ? 'client' : name, role, sessions });
    if (!issued.ok) throw new Error(issued.error.message);
    const { id, secret } = issued.value;
    const path = join(this.folder, `${name}.secret`);
    writeFileSync(path, `${id}:${noteSecret(secret)}\n`, { mode: 0o600 });
    return path;
  }

  /** A line `id:secret`, made elsewhere. */
  async importCredential(line: string, role: Role): Promise<void> {
    const imported = await this.#store.import(line, { role, sessions: [] });
    if (!imported.ok) throw new Error(imported.error.message);
  }

  async revoke(id: string): Promise<void> {
    const revoked = await this.#store.revoke(id);
    if (!revoked.ok) throw new Error(revoked.error.message);
  }

  /** Another one, set by the same file. */
  secondServer(): Promise<Part> {
    return this.#part('server');
  }

  /** As it is shown to a server. */
  bearer(name: string): string {
    return readFileSync(join(this.folder, `${name}.secret`), 'utf8')
      .trim()
      .replace(':', '.');
  }

  /** Credentials as at the start; those that were made since stay good, since a part may use one until it is reset. */
  restoreFiles(): void {
    const since = storedIn(join(this.folder, STORE));
    for (const name of this.#files()) copyFileSync(join(this.#kept, name), join(this.folder, name));
    const kept = storedIn(join(this.folder, STORE));
    const ids = new Set(kept.map(({ id }) => id));
    const credentials = [...kept, ...since.filter(({ id }) => !ids.has(id))];
    writeFileSync(join(this.folder, STORE), JSON.stringify({ schema: 'sallyport.credentials/1', credentials }));
  }

  get #kept(): string {
    return join(this.folder, 'kept');
  }

  #files(): string[] {
    return readdirSync(this.folder).filter((name) => [STORE, 'entry.secret', 'client.secret'].includes(name));
  }

  /** Writes the file without anybody being told. */
  write(changes: Changes): void {
    this.#settings = { ...this.#settings, ...changes };
    writeFileSync(this.file, JSON.stringify(nested(this.#settings)));
  }

  async reload(part: PartName): Promise<Reloaded> {
    const response = await fetch(`${this[part].admin}/api/reload`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Connection: 'close' },
      body: '{}',
    });
    return { status: response.status, body: (await response.json()) as Reloaded['body'] };
  }

  /** These settings in force in this part. `changed`: those that were not before. */
  async set(part: PartName, changes: Changes, changed = Object.keys(changes)): Promise<void> {
    this.write(changes);
    const { status, body } = await this.reload(part);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.changed?.toSorted(), changed.toSorted());
  }

  /** All as it was at the start. */
  async reset(part: PartName): Promise<void> {
    const absent = Object.keys(this.#settings).map((path) => [path, undefined] as const);
    this.write({ ...Object.fromEntries(absent), ...this.#first, ...this.#began });
    const { status, body } = await this.reload(part);
    assert.equal(status, 200, JSON.stringify(body));
  }

  async api<Answer>(part: PartName, path: string): Promise<Answer> {
    const response = await fetch(`${this[part].admin}/api/${path}`, { headers: { Connection: 'close' } });
    return (await response.json()) as Answer;
  }

  /** Every part that still runs must end well. */
  async stop(): Promise<void> {
    for (const command of this.#commands.splice(0).toReversed()) {
      const { code, signal } = await command.stop();
      assert.ok(code === 0 || signal === 'SIGKILL', `ended with ${code ?? signal}: ${command.stderr}`);
      assert.doesNotMatch(command.stderr, /Warning: /);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #began: Changes = {};

  #begin(changes: Changes): void {
    this.#began = { ...this.#began, ...changes };
    this.write(changes);
  }

  async #part(name: PartName): Promise<Part> {
    const { url, admin } = await this.#command(name).event<{ url: string; admin: string }>('ready');
    return { command: this.#commands.at(-1)!, url, admin };
  }

  async #client(): Promise<Part> {
    const command = this.#command('client');
    const { admin } = await command.event<{ admin: string }>('started');
    await command.event('ready');
    return { command, url: '', admin };
  }

  #command(name: PartName): Command {
    const command = new Command([name, '--json', '--config', this.file]);
    this.#commands.push(command);
    return command;
  }
}

/** Lines of the log of a part with this message, as objects. */
export function logged({ command }: Part, message: string): Record<string, unknown>[] {
  return command.lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => typeof msg === 'string' && msg.startsWith(message));
}

/** Once there is such a line. */
export async function untilLogged(part: Part, message: string, count = 1): Promise<Record<string, unknown>[]> {
  return eventually(
    async () => {
      const lines = logged(part, message);
      return lines.length >= count ? lines : undefined;
    },
    () => `"${message}" in the log:\n${part.command.stderr}`,
  );
}

/** None where a test broke the file. */
function storedIn(file: string): { readonly id: string }[] {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { credentials: { id: string }[] }).credentials;
  } catch {
    return [];
  }
}

function nested(settings: Changes): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    const keys = path.split('.');
    const last = keys.pop()!;
    let node = root;
    for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>;
    node[last] = value;
  }
  return root;
}
