/** A backend behind TLS, with a certificate made on the spot by openssl. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { have } from '../../../../packages/telemetry/src/testing.ts';

interface Asked {
  /** The name that was asked for; false where none was. */
  readonly servername: string | false;
}

/** Skips the test where there is no openssl. */
export function haveOpenssl(t: TestContext): boolean {
  return have(t, 'openssl', spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0);
}

/**
 * Its certificate is for `named.test` and 127.0.0.1. It speaks HTTP/2 to whoever would, and answers every request, also
 * one for an upgrade, with `X-Version`, two cookies and the name it was asked for. `resumed`: of each connection, in
 * order.
 */
export async function listenTls(t: TestContext): Promise<{ port: number; ca: string; resumed: boolean[] }> {
  const options = { allowHTTP1: true, ...makeCertificate() };
  const server = createSecureServer(options, (request, response) => {
    const closing = request.httpVersion === '1.1' ? { Connection: 'close' } : {};
    response.writeHead(200, { 'X-Version': request.httpVersion, 'Set-Cookie': ['a=1', 'b=2'], ...closing });
    response.end(`asked for ${String((request.socket as unknown as Asked).servername)}`);
  });
  server.on('upgrade', (_request, socket: Socket & Asked) => {
    const head = 'HTTP/1.1 200 OK\r\nX-Version: 1.1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n';
    socket.end(`${head}asked for ${String(socket.servername)}`);
  });
  const resumed: boolean[] = [];
  server.on('secureConnection', (socket) => resumed.push(socket.isSessionReused()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, ca: options.cert, resumed };
}

function makeCertificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=named.test', '-addext', 'subjectAltName=DNS:named.test,IP:127.0.0.1'];
  try {
    execFileSync('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
