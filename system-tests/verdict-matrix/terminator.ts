/** A TLS terminator in front of an entry, with a full handshake for every request; ends with its parent. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface TerminatorOrder {
  readonly origin: string;
  /** An empty folder for key and certificate; the certificate is `cert.pem` in it. */
  readonly folder: string;
}

const MAX_SOCKETS = 200;

process.once('disconnect', () => process.exit(0));
process.once('message', (order: TerminatorOrder) => void serve(order));

async function serve({ origin, folder }: TerminatorOrder): Promise<void> {
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const what = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', ...what, ...names, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const credentials = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  const server = createServer({ ...credentials, honorCipherOrder: true }, (asked, answer) => {
    forward(asked, answer, origin, agent);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  process.send?.({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function forward(asked: IncomingMessage, answer: ServerResponse, origin: string, agent: Agent): void {
  const onwards = request(new URL(asked.url ?? '/', origin), { method: asked.method, agent }, (got) => {
    const timing = got.headers['server-timing'];
    answer.writeHead(got.statusCode ?? 502, {
      connection: 'close',
      'content-type': got.headers['content-type'] ?? 'text/plain',
      ...(timing !== undefined && { 'server-timing': timing }),
    });
    got.pipe(answer);
  });
  onwards.on('error', () => answer.destroy());
  asked.pipe(onwards);
}
