/** A backend in the stack's network whose certificate no well-known authority has signed, and a client in front of it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { docker, PROJECT } from './compose.ts';
import type { Compose } from './compose.ts';

/** Both the backend's name in the network and its session. */
const NAME = 'private';
const PORT = 8443;
const SERVE = `const { readFileSync } = require('node:fs');
require('node:https').createServer({ key: readFileSync('/tls/key.pem'), cert: readFileSync('/tls/cert.pem') },
  (_, answer) => answer.end('private')).listen(${PORT});`;

export interface PrivateBackend {
  readonly session: string;
  /** A client that believes its authority, or does not; resolves with its container. */
  startClient(believes: boolean): Promise<string>;
}

/** `after`: given what ends it. */
export async function startPrivateBackend(
  compose: Compose,
  folder: string,
  after: (end: () => Promise<unknown>) => void,
): Promise<PrivateBackend> {
  const tls = join(folder, 'tls');
  makeCertificate(tls);
  const started = async (args: readonly string[]) => {
    const container = await docker('run', '-d', '--network', `${PROJECT}_default`, '-v', `${tls}:/tls:ro`, ...args);
    after(() => docker('rm', '-f', container));
    return container;
  };
  // As root, since the key is that of who made it.
  const asRoot = [
    '--user',
    '0',
    '--network-alias',
    NAME,
    '--entrypoint',
    'node',
    'sallyport/test-backend',
    '-e',
    SERVE,
  ];
  await started(asRoot);
  const add = ['creds', 'add', 'private', '--for', 'client', '--sessions', NAME, '--json'];
  const made = JSON.parse(await compose.exec('tunnel-server', 'sallyport', ...add)) as Credential;
  const environment = {
    SALLYPORT_CREDENTIAL: `${made.id}:${made.secret}`,
    SALLYPORT_CLIENT_SERVERS: 'ws://tunnel-server:12001',
    SALLYPORT_LINK_ALLOW_PLAIN: 'true',
  };
  return {
    session: NAME,
    startClient: (believes) => {
      const authorities = { NODE_EXTRA_CA_CERTS: believes ? '/tls/cert.pem' : '/etc/ssl/certs/ca-certificates.crt' };
      const set = Object.entries({ ...environment, ...authorities }).flatMap(([name, value]) => [
        '-e',
        `${name}=${value}`,
      ]);
      return started([...set, 'sallyport/tunnel-client', 'client', `https://${NAME}:${PORT}`, '--session', NAME]);
    },
  };
}

interface Credential {
  readonly id: string;
  readonly secret: string;
}

function makeCertificate(folder: string): void {
  mkdirSync(folder);
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    join(folder, 'key.pem'),
  ];
  const names = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', join(folder, 'cert.pem'), ...names], { stdio: 'ignore' });
}
