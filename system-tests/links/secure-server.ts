/** A tunnel-server in this process whose link port speaks TLS, and the commands that dial it. */
import assert from 'node:assert/strict';
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { TestContext } from 'node:test';
import { loadConfig } from '@sallyport/config';
import type { Config } from '@sallyport/config';
import { MemoryCredentials } from '@sallyport/credentials';
import { createLogger } from '@sallyport/telemetry';
import { startServer } from '@sallyport/tunnel-server';
import type { RunningServer } from '@sallyport/tunnel-server';
import { TestAuthority } from '../../apps/proxy-entry/src/testing/authority.ts';
import type { Made } from '../../apps/proxy-entry/src/testing/authority.ts';
import { Command } from '../harness/command.ts';
import { noteSecret } from '../harness/secrets.ts';

const QUIET = { 'server.port': 0, 'server.admin.port': 0, 'server.drainTimeoutMs': 0 };
/** All the ways that a test dials it. */
const NAMES = 'DNS:server.test,IP:127.0.0.1,IP:0.0.0.0';

export interface SecureServer {
  readonly authority: TestAuthority;
  readonly credentials: MemoryCredentials;
  readonly running: RunningServer;
  readonly port: number;
  /** Where its certificate is. */
  readonly files: { readonly certificateFile: string; readonly keyFile: string };
  /** As the operator would: each file whole. */
  put(made: Made): void;
  issue(name: string, secondsLeft?: number): Made;
  /** A file with a credential. */
  credentialFile(role: 'entry' | 'client', sessions?: string[]): string;
}

export function configOf(set: Readonly<Record<string, unknown>>): Config {
  const overrides = Object.entries(set).map(([path, value]) => ({ path, value }));
  const loaded = loadConfig({ env: {}, overrides, cwd: import.meta.dirname });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

export async function startSecureServer(
  t: TestContext,
  {
    asksForCertificates = false,
    isPlain = false,
    credentials = new MemoryCredentials(),
    secondsLeft = 3_600,
    log = new PassThrough().resume(),
  } = {},
): Promise<SecureServer> {
  const authority = new TestAuthority();
  t.after(() => authority.remove());
  const files = {
    certificateFile: join(authority.folder, 'link.crt'),
    keyFile: join(authority.folder, 'link.pem.key'),
  };
  const put = ({ certFile, keyFile }: Made) => {
    replace(keyFile, files.keyFile);
    replace(certFile, files.certificateFile);
  };
  put(authority.issue('server', { names: NAMES, secondsLeft }));
  const tls = {
    'server.tls.certificateFile': files.certificateFile,
    'server.tls.keyFile': files.keyFile,
    ...(asksForCertificates ? { 'server.tls.clientCaFile': authority.caFile } : {}),
  };
  const config = configOf({ ...QUIET, ...(isPlain ? {} : tls) });
  const logger = createLogger({ level: 'info', part: 'server', destination: log });
  const running = await startServer({ config, credentials, logger, version: '0.0.0' });
  t.after(() => running.stop());
  return {
    authority,
    credentials,
    running,
    port: Number(new URL(running.url).port),
    files,
    put,
    issue: (name, secondsLeft = 3_600) => authority.issue(name, { names: NAMES, secondsLeft }),
    credentialFile: (role, sessions = ['demo']) => {
      const issued = credentials.add({ principal: role, role, sessions: role === 'client' ? sessions : [] });
      assert.ok(issued.ok);
      const path = join(authority.folder, `${role}.secret`);
      writeFileSync(path, `${issued.value.id}:${noteSecret(issued.value.secret)}\n`, { mode: 0o600 });
      return path;
    },
  };
}

function replace(from: string, to: string): void {
  copyFileSync(from, `${to}.draft`);
  renameSync(`${to}.draft`, to);
}

/** A backend that says `hello`. */
export async function startBackend(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => response.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Dialling {
  /** One server, or several. */
  readonly url: string | readonly string[];
  readonly set?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What the credential of a client is for; demo alone if not told. */
  readonly sessions?: string[];
}

/** `sallyport client` for the session demo; killed when the test ends. */
export function startClient(t: TestContext, server: SecureServer, backend: string, dialling: Dialling): Command {
  return part(t, ['client', backend, '--session', 'demo', '--set', 'client.admin.port=0'], server, 'client', dialling);
}

export function startEntry(t: TestContext, server: SecureServer, dialling: Dialling): Command {
  return part(t, ['entry', '--port', '0', '--set', 'entry.admin.port=0'], server, 'entry', dialling);
}

function part(
  t: TestContext,
  words: readonly string[],
  server: SecureServer,
  role: 'entry' | 'client',
  { url, set = [], environment = {}, sessions }: Dialling,
): Command {
  const trust = [`link.caFile=${server.authority.caFile}`, ...set].flatMap((each) => ['--set', each]);
  const credential = ['--credential-file', server.credentialFile(role, sessions)];
  const command = new Command([...words, '--json', '--server', ...[url].flat(), ...credential, ...trust], environment);
  t.after(async () => {
    command.signal('SIGKILL');
    await command.ended;
  });
  return command;
}
