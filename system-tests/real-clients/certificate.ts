/** A certificate for `localhost`, made on the spot by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CertificateFolder {
  /** As `entry.tls.certificates` wants it. */
  readonly folder: string;
  /** Its own authority. */
  readonly ca: string;
  remove(): void;
}

export function makeCertificate(): CertificateFolder {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-certificate-'));
  const ca = join(folder, 'localhost.crt');
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(folder, 'localhost.key'), '-out', ca];
  execFileSync('openssl', ['req', ...kind, ...names, ...files], { stdio: 'ignore' });
  return { folder, ca, remove: () => rmSync(folder, { recursive: true }) };
}
