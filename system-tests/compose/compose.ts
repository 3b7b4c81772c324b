/**
 * The compose stack of this checkout under a project name of its own. What docker itself can do is left to it, since each
 * call of docker-compose takes a second.
 */
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

export const ROOT = join(import.meta.dirname, '../..');
export const PROJECT = 'sallyport-test';
/** A container's start and its first health check, on two cores that others use as well. */
export const CEILING_MS = 120_000;
const POLL_MS = 250;
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;
const BASE_IMAGES = ['node:26-bookworm-slim', 'debian:bookworm-slim'];
const ALL_PROFILES = ['load', 'load-k6', 'monitoring', 'cluster'].flatMap((profile) => ['--profile', profile]);
const run = promisify(execFile);

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why the stack cannot run here; null where it can. Docker alone may be absent even where every skip is a failure. */
export function whyNoDocker(): string | null {
  try {
    for (const [command, ...args] of [
      ['docker', 'info'],
      ['docker-compose', 'version'],
      ['docker', 'image', 'inspect', ...BASE_IMAGES],
    ]) {
      execFileSync(command!, args, { stdio: 'ignore' });
    }
    return null;
  } catch {
    return 'no Docker engine with the base images here';
  }
}

/** Never rejects for an exit code: that is part of what is asked. */
async function ended(command: string, args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const options = { cwd: ROOT, maxBuffer: OUTPUT_MAX_BYTES, env: { ...process.env, ...env } };
  try {
    return { code: 0, ...(await run(command, args, options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as Partial<Ended>;
    if (typeof code !== 'number') throw error;
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}

export class Compose {
  readonly #files: readonly string[];

  /** `override`: a compose file over that of the checkout. */
  constructor(override?: string) {
    this.#files = override === undefined ? [] : ['-f', join(ROOT, 'docker-compose.yml'), '-f', override];
  }

  /** How `docker-compose …` ended; `env` is what its file reads from the environment. */
  try(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return ended('docker-compose', ['-p', PROJECT, ...this.#files, ...args], env);
  }

  /** What it printed; rejects with what it said when it failed. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(args);
    if (code !== 0) throw new Error(`docker-compose ${args.join(' ')} ended with ${code}:\n${stderr}\n${stdout}`);
    return stdout;
  }

  /** The id of the service's container. */
  async container(service: string): Promise<string> {
    const labels = { project: PROJECT, service, oneoff: 'False' };
    const filters = Object.entries(labels).flatMap(([name, value]) => [
      '--filter',
      `label=com.docker.compose.${name}=${value}`,
    ]);
    const id = await docker('ps', '-aq', ...filters);
    if (id === '') throw new Error(`${service} has no container`);
    return id;
  }

  /** What a command in the service's container printed. */
  async exec(service: string, ...command: string[]): Promise<string> {
    return docker('exec', await this.container(service), ...command);
  }

  /** Whatever of it is there, with its volumes. */
  async removeAll(): Promise<void> {
    await this.try([...ALL_PROFILES, 'down', '--volumes', '--timeout', '5']);
  }
}

export async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await ended('docker', args, {});
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return stdout.trim();
}

/** Its processes die at once, as in a crash; the restart policy decides what then happens. */
export async function crash(container: string): Promise<void> {
  // All but the first process, which is Docker's own init, and the shell itself.
  await ended('docker', ['exec', container, 'bash', '-c', 'kill -9 -1'], {});
}

export interface State {
  readonly health: string;
  readonly restarts: number;
}

export async function stateOf(container: string): Promise<State> {
  const text = await docker('inspect', '-f', '{{.State.Health.Status}} {{.RestartCount}}', container);
  const [health = '', restarts] = text.split(' ');
  return { health, restarts: Number(restarts) };
}

/** Asks until `find` gives something other than undefined, for what others do in their own time. */
export async function until<Value>(
  what: string | (() => string),
  find: () => Promise<Value | undefined>,
): Promise<Value> {
  const deadlineMs = performance.now() + CEILING_MS;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) {
      throw new Error(`waited ${CEILING_MS} ms for ${typeof what === 'string' ? what : what()}`);
    }
    await setTimeout(POLL_MS);
  }
}

export async function healthy(container: string): Promise<void> {
  await until(`${container} to be healthy`, async () => {
    return (await stateOf(container)).health === 'healthy' ? true : undefined;
  });
}
