/** Pebble, an authority that speaks ACME (Debian's package), and its DNS server; both end with the test. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { TestAuthority } from '../../apps/proxy-entry/src/testing/authority.ts';
import { eventually } from '../harness/deadline.ts';
import { quietPort } from '../harness/port.ts';

export interface Pebble {
  readonly directoryUrl: string;
  /** What the directory's own certificate is checked against. */
  readonly caFile: string;
  /** Where the authority asks for HTTP-01: an entry is to listen here. */
  readonly httpPort: number;
  /** Where DNS is told what to answer. */
  readonly dnsUrl: string;
  /** What is issued is checked against this (PEM). */
  root(): Promise<string>;
  readonly authority: TestAuthority;
}

export function pebbleIsThere(): { skip?: string } {
  const isThere = ['pebble', 'pebble-challtestsrv'].every((tool) => spawnSync(tool, ['-h']).error === undefined);
  if (isThere) return {};
  const how = 'pebble is not installed (apt-get install pebble)';
  if (process.env['SALLYPORT_NO_SKIP'] === '1') throw new Error(how);
  return { skip: how };
}

export async function startPebble(t: TestContext): Promise<Pebble> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pebble-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const authority = new TestAuthority('Authority of the directory');
  t.after(() => authority.remove());
  const { certFile, keyFile } = authority.issue('pebble', { names: 'IP:127.0.0.1' });
  const [port, managementPort, httpPort, dnsPort, dnsManagementPort] = await Promise.all(
    Array.from({ length: 5 }, () => quietPort()),
  );
  const file = join(folder, 'pebble.json');
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: certFile,
    privateKey: keyFile,
    httpPort,
    tlsPort: 1,
    externalAccountBindingRequired: false,
  };
  writeFileSync(file, JSON.stringify({ pebble }));
  const none = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''];
  const dns = ['-dns01', `127.0.0.1:${dnsPort}`, '-management', `127.0.0.1:${dnsManagementPort}`, ...none];
  endWith(t, spawn('pebble-challtestsrv', dns, { stdio: 'ignore' }));
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' };
  endWith(t, spawn('pebble', ['-config', file, '-dnsserver', `127.0.0.1:${dnsPort}`], { stdio: 'ignore', env }));
  for (const each of [port, managementPort, dnsPort, dnsManagementPort]) await listens(each!);
  return {
    directoryUrl: `https://127.0.0.1:${port}/dir`,
    caFile: authority.caFile,
    httpPort: httpPort!,
    dnsUrl: `http://127.0.0.1:${dnsManagementPort}`,
    authority,
    root: () => get(`https://127.0.0.1:${managementPort}/roots/0`, authority.ca),
  };
}

function endWith(t: TestContext, child: ChildProcess): void {
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
}

async function listens(port: number): Promise<void> {
  const ask = () =>
    new Promise<true | undefined>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(undefined));
    });
  await eventually(ask, `port ${port} to listen`);
}

async function get(url: string, ca: string): Promise<string> {
  const { get: ask } = await import('node:https');
  const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    ask(url, { ca, agent: false }, resolve).on('error', reject);
  });
  let text = '';
  for await (const chunk of response) text += chunk.toString();
  return text;
}
