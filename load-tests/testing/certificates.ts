import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** PEM texts: an authority of our own, and what it has signed for 127.0.0.1 and for a visitor. */
export type Certificates = {
  ca: string;
  server: { cert: string; key: string };
  visitor: { cert: string; key: string };
};

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAYS = ['-days', '2'];

/** Made by openssl in a folder that goes with the test. */
export function makeCertificates(context: TestContext): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  openssl('req', '-x509', ...CURVE, ...DAYS, '-subj', '/CN=test authority', '-keyout', 'ca.key', '-out', 'ca.crt');
  writeFileSync(join(folder, 'server.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  writeFileSync(join(folder, 'visitor.ext'), 'extendedKeyUsage=clientAuth\n');
  const signed = (name: string): { cert: string; key: string } => {
    openssl('req', ...CURVE, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
    const files = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`];
    openssl('x509', '-req', ...signer, ...DAYS, ...files);
    return { cert: read(`${name}.crt`), key: read(`${name}.key`) };
  };
  return { ca: read('ca.crt'), server: signed('server'), visitor: signed('visitor') };
}
