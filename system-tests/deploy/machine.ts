/** A machine on which the units are installed, as far as a folder can be one: their commands, files and variables. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FileCredentials } from '@sallyport/credentials';
import { Command } from '../harness/command.ts';
import { argumentsOf, environmentOf, serviceOf } from './units.ts';

export type Part = 'server' | 'entry' | 'client';

const CLIENT = 'web';
const FILES: Readonly<Record<Part, string>> = {
  server: 'server.yaml',
  entry: 'entry.yaml',
  client: `client-${CLIENT}.yaml`,
};
const SECRETS: Readonly<Record<'entry' | 'client', string>> = {
  entry: 'entry.secret',
  client: `client-${CLIENT}.secret`,
};

export class Machine {
  /** In place of /etc/sallyport. */
  readonly etc: string;
  readonly #folder: string;
  readonly #endings: (() => Promise<unknown>)[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    this.etc = join(folder, 'etc');
  }

  /** With credentials of one entry and one client, for the session demo. Gone when the test ends, with all that runs. */
  static async make(context: TestContext): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'sallyport-machine-')));
    context.after(async () => {
      for (const end of machine.#endings.toReversed()) await end();
      await rm(machine.#folder, { recursive: true, force: true });
    });
    await mkdir(machine.etc);
    await mkdir(machine.#state('server'), { recursive: true });
    await machine.#writeCredentials();
    return machine;
  }

  /** Of the session demo, to `client.yaml` and its like: JSON is YAML. */
  async configure(part: Part, config: Tree): Promise<void> {
    const admin = { [part]: { admin: { port: 0 }, ...(part === 'client' ? {} : { port: 0 }) } };
    await writeFile(join(this.etc, FILES[part]), JSON.stringify(merged(admin, config)));
  }

  /** Ends with the test, the last one first, before the files go. */
  owns(end: () => Promise<unknown>): void {
    this.#endings.push(end);
  }

  /** Starts the part by its unit's command. */
  start(part: Part, environment: Readonly<Record<string, string>> = {}): Command {
    return this.#run(this.argumentsOf(part), { ...this.environmentOf(part), ...environment });
  }

  /** The test backend, on a free port. */
  startBackend(): Command {
    return this.#run(['backend', '--port', '0'], {});
  }

  argumentsOf(part: Part): string[] {
    return argumentsOf(serviceOf(part)).map((word) => this.#here(word));
  }

  /** The unit's settings. */
  environmentOf(part: Part): Record<string, string> {
    const entries = Object.entries(environmentOf(serviceOf(part))).filter(([name]) => name.startsWith('SALLYPORT_'));
    return Object.fromEntries(entries.map(([name, value]) => [name, this.#here(value)]));
  }

  /** What systemd would fill in. */
  #here(text: string): string {
    return text
      .replace('/etc/sallyport', this.etc)
      .replace('%d/client.secret', join(this.etc, SECRETS.client))
      .replace('%d', this.etc)
      .replace('%S/sallyport-server', this.#state('server'))
      .replace('%i', CLIENT);
  }

  #run(words: readonly string[], environment: Readonly<Record<string, string>>): Command {
    const command = new Command([...words, '--json'], environment);
    this.owns(() => {
      command.signal('SIGKILL');
      return command.ended;
    });
    return command;
  }

  #state(part: Part): string {
    return join(this.#folder, 'state', part);
  }

  async #writeCredentials(): Promise<void> {
    const path = join(this.#state('server'), 'sallyport-credentials.json');
    const opened = await FileCredentials.open({ path, create: true });
    if (!opened.ok) throw new Error(opened.error.message);
    for (const role of ['entry', 'client'] as const) {
      const sessions = role === 'client' ? ['demo'] : [];
      const issued = await opened.value.add({ principal: `machine-${role}`, role, sessions });
      if (!issued.ok) throw new Error(issued.error.message);
      const { id, secret } = issued.value;
      await writeFile(join(this.etc, SECRETS[role]), `${id}:${secret}\n`, { mode: 0o600 });
    }
  }
}

type Tree = Readonly<Record<string, unknown>>;

function merged(base: Tree, over: Tree): Tree {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = base[name];
    result[name] = isTree(below) && isTree(value) ? merged(below, value) : value;
  }
  return result;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
