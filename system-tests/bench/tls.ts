/**
 * `npm run bench:tls`: what TLS costs at the entry: requests on kept-alive connections without TLS, with it, and with certificates of
 * visitors, in turn, round by round; and whole handshakes a second, beside nginx with the same certificate where there
 * is one.
 *
 *   node system-tests/bench/tls.ts [--rounds 7] [--seconds 3] [--connections 32]
 *
 * Exits with 1 when the median of the ratios to the plain port is under 0.8 with TLS, or under 0.75 with certificates.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFlags, runMain, wholeNumber } from '../../load-tests/bench/script.ts';
import { freePort } from '../../packages/protocol/src/testing/free-port.ts';
import { certificateFolder, putPair, TestAuthority } from '../../apps/proxy-entry/src/testing/authority.ts';
import type { Made } from '../../apps/proxy-entry/src/testing/authority.ts';
import { startStack } from '../harness/stack.ts';
import type { VisitorJob } from './tls-visitor.ts';

const TLS_GOAL = 0.8;
const CERTIFICATE_GOAL = 0.75;
const PATH = '/loadtest/ping';

/** A second's worth of something, measured once. */
type Arm = () => Promise<number>;

const FLAGS = {
  rounds: { type: 'string', default: '7' },
  seconds: { type: 'string', default: '3' },
  connections: { type: 'string', default: '32' },
} as const;

async function main(): Promise<number> {
  const flags = readFlags(FLAGS);
  const rounds = wholeNumber('rounds', flags.rounds, 100);
  const seconds = wholeNumber('seconds', flags.seconds, 600);
  const connections = wholeNumber('connections', flags.connections, 400);
  const authority = new TestAuthority();
  const folder = certificateFolder(authority);
  const host = authority.issue('app.test', { names: 'DNS:app.test,IP:127.0.0.1' });
  putPair(folder, 'app', host);
  const { certFile, keyFile } = authority.issue('visitor');
  // openssl s_time asks for no name.
  const pair = [`entry.tls.certificates=${folder}`, 'entry.tls.defaultCertificate=app'];
  const set = [...pair, 'entry.hosts={"app.test":"demo"}', 'log.accessLog=false'];
  const asked = ['entry.tls.clientCertificates=optional', `entry.tls.clientCaFile=${authority.caFile}`];
  const stack = await startStack({ isSplit: true, concurrency: connections, set: [...set, ...asked] });
  const nginx = await startNginx(authority, host);
  const base = { seconds, connections, caFile: authority.caFile };
  const arms: Record<string, Arm> = {
    plain: () => requestRate({ ...base, url: stack.entry + PATH }),
    tls: () => requestRate({ ...base, url: stack.tls! + PATH }),
    certificate: () => requestRate({ ...base, url: stack.tls! + PATH, certFile, keyFile }),
    handshakes: () => handshakeRate(stack.tls!, base.seconds),
    ...(nginx === null ? {} : { nginx: () => handshakeRate(nginx.url, base.seconds) }),
  };
  try {
    const rates = await measure(arms, rounds);
    return judge(rates);
  } finally {
    nginx?.stop();
    await stack.command.stop();
    authority.remove();
  }
}

/** Each arm once a round, and who begins changes. */
async function measure(arms: Readonly<Record<string, Arm>>, rounds: number): Promise<Map<string, number[]>> {
  const names = Object.keys(arms);
  const rates = new Map(names.map((name) => [name, [] as number[]]));
  for (const name of names) await arms[name]!();
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 0; i < names.length; i += 1) {
      const name = names[(round + i) % names.length]!;
      rates.get(name)!.push(await arms[name]!());
    }
    print(`round ${round + 1}: ${names.map((name) => `${name} ${rates.get(name)!.at(-1)!.toFixed(0)}/s`).join('  ')}`);
  }
  return rates;
}

async function requestRate(job: VisitorJob): Promise<number> {
  const program = join(import.meta.dirname, 'tls-visitor.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(job)]);
  const { perSecond, failed } = JSON.parse(stdout) as { perSecond: number; failed: number };
  if (failed > 0) throw new Error(`${failed} failed at ${job.url}`);
  return perSecond;
}

/** By two of them, since one waits for each. */
async function handshakeRate(url: string, seconds: number): Promise<number> {
  const args = ['s_time', '-connect', new URL(url).host, '-new', '-time', String(seconds)];
  const one = async () => {
    const { stdout } = await promisify(execFile)('openssl', args);
    return Number(/^(\d+) connections in \d+ real seconds/m.exec(stdout)?.[1]);
  };
  const [first, second] = await Promise.all([one(), one()]);
  // It stops in the second after its time.
  return (first + second) / (seconds + 1);
}

function judge(rates: ReadonlyMap<string, readonly number[]>): number {
  const ratio = (one: string, other: string) =>
    median(rates.get(one)!.map((rate, round) => rate / rates.get(other)![round]!));
  const [tls, certificate] = [ratio('tls', 'plain'), ratio('certificate', 'plain')];
  print(`requests/s on kept-alive connections, of those without TLS: with TLS ${tls.toFixed(2)} (goal ${TLS_GOAL})`);
  print(`  with certificates of visitors ${certificate.toFixed(2)} (goal ${CERTIFICATE_GOAL})`);
  print(`whole handshakes: ${median(rates.get('handshakes')!).toFixed(0)}/s`);
  if (rates.has('nginx')) print(`  of nginx's with one worker: ${ratio('handshakes', 'nginx').toFixed(2)}`);
  return tls >= TLS_GOAL && certificate >= CERTIFICATE_GOAL ? 0 : 1;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Null where there is no nginx. */
async function startNginx({ folder }: TestAuthority, host: Made): Promise<{ url: string; stop: () => void } | null> {
  if (spawnSync('nginx', ['-v']).error !== undefined) return null;
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  const pair = `ssl_certificate ${host.certFile}; ssl_certificate_key ${host.keyFile}; ssl_protocols TLSv1.2 TLSv1.3;`;
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit; events {}
http { access_log off; server { listen 127.0.0.1:${port} ssl; ${pair} location / { return 204; } } }\n`,
  );
  const child = spawn('nginx', ['-c', file, '-p', folder], { stdio: 'ignore' });
  return { url: `https://127.0.0.1:${port}/`, stop: () => void child.kill('SIGTERM') };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runMain(main);
