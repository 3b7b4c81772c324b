/** Plays one case: its parts, its fault, `load isolate`, the verdict. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deployment } from '../harness/deployment.ts';
import { DEFAULT_SLOTS, DEFAULT_STEP_S } from './case.ts';
import type { Burnt, Case, LinePlan } from './case.ts';
import { Helpers } from './helpers.ts';
import { isolate } from './isolate.ts';
import type { Isolated } from './isolate.ts';

/** Everybody's core in a case with a burner, and the core of the part that is burnt. */
export const COMMON_CORE = 0;
const BURNT_CORE = 1;
const TERMINATOR_DELAY_MS = 4;
const QUIET_DRAIN = ['entry', 'server', 'client'].map((part) => `${part}.drainTimeoutMs=500`);

export async function play(played: Case): Promise<Isolated> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-matrix-'));
  await using helpers = new Helpers();
  try {
    return await playIn(played, folder, helpers);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function playIn(played: Case, folder: string, helpers: Helpers): Promise<Isolated> {
  const { backend, clients = 1, slots = DEFAULT_SLOTS, set = [], line } = played;
  const faulty =
    backend === undefined ? null : await helpers.start<{ url: string }>('faulty-backend.ts', { ...backend });
  const deployment = await Deployment.start({
    clients,
    ...(played.admittedClients !== undefined && { admittedClients: played.admittedClients }),
    concurrency: slots,
    set: [...QUIET_DRAIN, ...set],
    ...(faulty !== null && { backend: faulty.url }),
    ...(line !== undefined && { way: wayThrough(line, helpers) }),
  });
  try {
    if (played.lossPercent !== undefined) drop(portOf(deployment.server.url), played.lossPercent);
    if (played.burner !== undefined) pin(played.burner, deployment);
    return await judge(played, deployment, folder, helpers);
  } finally {
    helpers.cool();
    // How the parts end after such a run is not what is asked here.
    await deployment.stop().catch(() => {});
  }
}

async function judge(played: Case, deployment: Deployment, folder: string, helpers: Helpers): Promise<Isolated> {
  const { path = '/loadtest/get', rates, stepS = DEFAULT_STEP_S, bodyBytes, burner, generator = {} } = played;
  const { entry, server, client } = deployment.admin;
  const session = new URL(deployment.url);
  const terminated = played.isTerminated === true;
  const origin = terminated ? await terminate(session.origin, folder, helpers) : session.origin;
  const { openFiles, maxInFlight } = generator;
  return await isolate({
    target: `${origin}${session.pathname}${path.slice(1)}`,
    direct: `${deployment.direct}${path}`,
    admin: [server, entry, ...client],
    rates,
    stepS,
    bodyBytes,
    maxInFlight,
    folder,
    prefix: [
      ...(burner === 'generator' ? ['taskset', '-c', String(BURNT_CORE)] : []),
      ...(openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}`]),
    ],
    // Not before: a command that starts on such a core takes longer than the case may.
    onFirstStep: () => {
      if (burner !== undefined) helpers.burn(BURNT_CORE);
    },
    env: terminated ? { NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') } : {},
  });
}

/**
 * The terminator is 4 ms away: a request on a kept connection would take 8 ms more, which is what a tunnel may cost; with
 * a TCP and a TLS handshake in front of each it is three times that.
 */
async function terminate(origin: string, folder: string, helpers: Helpers): Promise<string> {
  const { url } = await helpers.start<{ url: string }>('terminator.ts', { origin, folder });
  const order = { port: portOf(url), delayMs: TERMINATOR_DELAY_MS, kbitPerS: 0 };
  const { port } = await helpers.start<{ port: number }>('relay.ts', order);
  return `https://127.0.0.1:${port}`;
}

/** Dials through a relay with the line's figures. */
function wayThrough({ of, delayMs = 0, kbitPerS = 0 }: LinePlan, helpers: Helpers) {
  let clients = 0;
  return async (role: 'entry' | 'client', server: string): Promise<string> => {
    if (role === 'client') clients += 1;
    const isSlow = of === role || (of === 'slow-client' && role === 'client' && clients === 1);
    if (!isSlow) return server;
    const { port } = await helpers.start<{ port: number }>('relay.ts', { port: portOf(server), delayMs, kbitPerS });
    return `ws://127.0.0.1:${port}`;
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** Both directions, in the network namespace that this process was started in for it. */
function drop(port: number, percent: number): void {
  const rules = [`tcp dport ${port}`, `tcp sport ${port}`].map(
    (packets) => `add rule inet matrix input ${packets} numgen random mod 100 < ${percent} drop`,
  );
  const chain = 'add chain inet matrix input { type filter hook input priority 0; }';
  execFileSync('nft', ['-f', '-'], { input: ['add table inet matrix', chain, ...rules].join('\n') });
}

/** Onto the core that will be burnt. The generator is started there. */
function pin(burnt: Burnt, { entry, server, clients }: Deployment): void {
  if (burnt === 'generator') return;
  const part = { entry, server, client: clients[0] }[burnt];
  execFileSync('taskset', ['-a', '-p', '-c', String(BURNT_CORE), String(part?.command.pid)], { stdio: 'ignore' });
}
