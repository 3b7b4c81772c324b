/**
 * Server, entry, clients and backend as they run in production, one command each, so that each can be killed alone:
 * `up` ends when one of its parts dies.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileCredentials } from '@sallyport/credentials';
import { Command } from './command.ts';
import { eventually } from './deadline.ts';
import { noteSecret } from './secrets.ts';
import type { Admin } from './stack.ts';

export interface DeploymentOptions {
  readonly clients: number;
  /** So many of them are let in, and the others not waited for; default all. */
  readonly admittedClients?: number;
  /** Slots of each client. */
  readonly concurrency: number;
  /** For one that is to come back there; default any. */
  readonly serverPort?: number;
  /** Instead of the test backend. */
  readonly backend?: string;
  /** For every part; `path=value` each. */
  readonly set?: readonly string[];
  /** Where an entry or a client dials instead of the server itself; asked for each. */
  readonly way?: (role: 'entry' | 'client', server: string) => Promise<string>;
}

interface Part {
  readonly command: Command;
  readonly url: string;
  readonly admin: string;
}

const SESSION = 'demo';
const QUIET = ['log.level=warn', 'log.accessLog=false'];

export class Deployment {
  readonly #folder: string;
  readonly #concurrency: number;
  readonly #flags: readonly string[];
  readonly #way: NonNullable<DeploymentOptions['way']>;
  readonly clients: Part[] = [];
  /** Of those killed as well. */
  readonly #commands: Command[] = [];
  #backendUrl = '';
  server!: Part;
  entry!: Part;

  private constructor(folder: string, { concurrency, set = [], way }: DeploymentOptions) {
    this.#way = way ?? ((_role, server) => Promise.resolve(server));
    this.#folder = folder;
    this.#concurrency = concurrency;
    this.#flags = ['--json', ...[...QUIET, ...set].flatMap((setting) => ['--set', setting])];
  }

  static async start(options: DeploymentOptions): Promise<Deployment> {
    const all = new Deployment(await mkdtemp(join(tmpdir(), 'sallyport-test-')), options);
    try {
      await all.#writeCredentials();
      all.#backendUrl = options.backend ?? (await all.#part('backend', ['--port', '0'])).url;
      all.server = await all.startServer(String(options.serverPort ?? 0));
      await all.startEntry();
      const { clients, admittedClients = clients } = options;
      for (let i = 0; i < clients; i += 1) await all.startClient(i < admittedClients);
      await isReady(all.entry.admin);
      return all;
    } catch (error) {
      await all.stop();
      throw error;
    }
  }

  /** The session, with a slash at its end. */
  get url(): string {
    return `${this.entry.url}/session/${SESSION}/`;
  }

  /** The backend itself. */
  get direct(): string {
    return this.#backendUrl;
  }

  get admin(): Admin {
    return { server: this.server.admin, entry: this.entry.admin, client: this.clients.map((each) => each.admin) };
  }

  /** `port`: the one it had, for one that comes back. */
  async startServer(port: string): Promise<Part> {
    const store = ['--credential-store', join(this.#folder, 'store.json')];
    this.server = await this.#part('server', ['--port', port, ...store, ...adminPort('server')]);
    return this.server;
  }

  async startEntry(): Promise<void> {
    this.entry = await this.#part('entry', ['--port', '0', ...(await this.#dialling('entry')), ...adminPort('entry')]);
  }

  async startClient(isAdmitted = true): Promise<void> {
    const own = [this.#backendUrl, '--session', SESSION, '--concurrency', String(this.#concurrency)];
    const command = this.#command('client', [...own, ...(await this.#dialling('client')), ...adminPort('client')]);
    const { admin } = await command.event<{ admin: string }>('started');
    if (isAdmitted) await command.event('ready');
    this.clients.push({ command, url: '', admin });
  }

  /** The drain of every part that still runs, which must end well; those that were killed have ended. */
  async stop(): Promise<void> {
    for (const command of this.#commands.splice(0).toReversed()) {
      const { code, signal } = await command.stop();
      assert(code === 0 || signal === 'SIGKILL', `ended with ${code ?? signal}: ${command.stderr}`);
      assert.doesNotMatch(command.stderr, /Warning: /);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #part(name: string, args: readonly string[]): Promise<Part> {
    const command = this.#command(name, args);
    const { url, admin = '' } = await command.event<{ url: string; admin?: string }>('ready');
    return { command, url, admin };
  }

  #command(name: string, args: readonly string[]): Command {
    const command = new Command([name, ...args, ...this.#flags]);
    this.#commands.push(command);
    return command;
  }

  async #dialling(role: 'entry' | 'client'): Promise<string[]> {
    return [
      '--server',
      await this.#way(role, this.server.url),
      '--credential-file',
      join(this.#folder, `${role}.secret`),
    ];
  }

  async #writeCredentials(): Promise<void> {
    const opened = await FileCredentials.open({ path: join(this.#folder, 'store.json'), create: true });
    if (!opened.ok) throw new Error(opened.error.message);
    for (const role of ['entry', 'client'] as const) {
      const sessions = role === 'client' ? [SESSION] : [];
      const issued = await opened.value.add({ principal: `test-${role}`, role, sessions });
      if (!issued.ok) throw new Error(issued.error.message);
      const { id, secret } = issued.value;
      await writeFile(join(this.#folder, `${role}.secret`), `${id}:${noteSecret(secret)}\n`, { mode: 0o600 });
    }
  }
}

function adminPort(part: string): string[] {
  return ['--set', `${part}.admin.port=0`];
}

/** Once a part says that it can do its job. */
export async function isReady(adminUrl: string): Promise<void> {
  const ask = async () => {
    const { ok } = await fetch(`${adminUrl}/readyz`, { headers: { Connection: 'close' } });
    return ok ? true : undefined;
  };
  await eventually(ask, `${adminUrl}/readyz to say yes`);
}
