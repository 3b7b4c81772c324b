/** What the link port speaks TLS with: a certificate, and the authorities of those who dial; read again when it changes. */
import { constants, X509Certificate } from 'node:crypto';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { FileWatch, fingerprintOf, judgeReplacement, readRegularFile, stillHolds, untimely } from '@sallyport/config';
import type { Config, Finding, Unfit } from '@sallyport/config';
import { areCertificates } from '@sallyport/protocol';
import { showCertificate } from '@sallyport/telemetry';
import type { CertificateDates, Counter, Logger, Telemetry } from '@sallyport/telemetry';

export type LinkTlsFiles = Config['server']['tls'];

export interface LinkTlsDependencies {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly telemetry: Pick<Telemetry, 'counter' | 'gauge'>;
}

/** So often that nobody need be told of changes in between. */
const POLL_MS = 2_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;

/** What keeps the link port from speaking TLS: its message, and how to fix it. */
export class LinkTlsError extends Error {
  readonly code = 'SP_LINK_TLS';
  readonly fix = 'put that file right, or leave server.tls out';
}

interface Material extends CertificateDates {
  readonly context: SecureContextOptions;
  /** Of all files, as they were before they were read. */
  readonly fingerprint: string;
}

export class LinkTls {
  readonly #files: LinkTlsFiles;
  readonly #deps: LinkTlsDependencies;
  readonly #watch: FileWatch;
  readonly #failures: Counter;
  #material: Material;
  /** Of the state that the files are in, so that what is wrong is told once. */
  #seen: Finding;
  #server: Server | null = null;

  private constructor(files: LinkTlsFiles, material: Material, deps: LinkTlsDependencies) {
    this.#files = files;
    this.#material = material;
    this.#deps = deps;
    this.#seen = { fingerprint: material.fingerprint, wrong: null };
    this.#watch = new FileWatch([], POLL_MS, () => this.#reload());
    this.#failures = deps.telemetry.counter(
      'sallyport_tls_reload_failures_total',
      'Times that a certificate, authority or key could not be taken over; the one before, if any, stays.',
    );
    deps.telemetry.gauge('sallyport_tls_last_reload_successful', {}, () => (this.#seen.wrong === null ? 1 : 0));
    showCertificate(deps.telemetry, 'links', () => this.#material);
  }

  /** Null: TLS is not configured. Rejects with a LinkTlsError. */
  static async open(files: LinkTlsFiles, deps: LinkTlsDependencies): Promise<LinkTls | null> {
    if (files.certificateFile === undefined) return null;
    const read = await readMaterial(files);
    if (typeof read === 'string') throw new LinkTlsError(read);
    const tls = new LinkTls(files, read, deps);
    tls.#warnIfUntimely();
    return tls;
  }

  get serverOptions(): TlsOptions {
    const asksForCertificates = this.#files.clientCaFile !== undefined;
    return {
      ...this.#material.context,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestCert: asksForCertificates,
      rejectUnauthorized: asksForCertificates,
      ALPNProtocols: ['http/1.1'],
    };
  }

  /** The server that is to have what the files say from now on. Links that are open stay as they are. */
  serve(server: Server): void {
    this.#server = server;
  }

  /** Reads the files now; the answer puts them in force. Rejects with a LinkTlsError: what was read last stays. */
  async prepare(): Promise<() => void> {
    const read = await this.#readNext();
    if ('why' in read) throw new LinkTlsError(read.why);
    return () => this.#take(read);
  }

  close(): void {
    this.#watch.close();
  }

  /** Never rejects: what was read last stays in force. */
  async #reload(): Promise<void> {
    const fingerprint = await fingerprintOfAll(this.#files);
    if (stillHolds(this.#seen, fingerprint, Date.now())) return;
    const read = await this.#readNext();
    if (!('why' in read)) return this.#take(read);
    this.#seen = { fingerprint, wrong: read };
    this.#failures.inc();
    this.#deps.logger.warn({ reason: read.why }, 'TLS of links: what was in force stays so');
  }

  /** What may take the place of that in force, or why it may not. */
  async #readNext(): Promise<Material | Unfit> {
    const read = await readMaterial(this.#files);
    if (typeof read === 'string') return { why: read, againAtMs: Infinity };
    const unfit = judgeReplacement(read, this.#material, Date.now());
    return unfit === null ? read : { ...unfit, why: `${this.#files.certificateFile}: ${unfit.why}` };
  }

  #take(read: Material): void {
    const isNew = read.fingerprint !== this.#material.fingerprint;
    this.#material = read;
    this.#seen = { fingerprint: read.fingerprint, wrong: null };
    if (!isNew) return;
    this.#server?.setSecureContext(read.context);
    this.#deps.logger.info({ expires: new Date(read.notAfterMs).toISOString() }, 'TLS of links: new certificate');
    this.#warnIfUntimely();
  }

  /** Of what is in force: for want of a good one it is used all the same. */
  #warnIfUntimely(): void {
    const why = untimely(this.#material, Date.now());
    if (why === null) return;
    this.#deps.logger.warn({}, `TLS of links: diallers will not believe it: ${this.#files.certificateFile} ${why}`);
  }
}

/** From when until when the certificate is good, or what is wrong with the files; null: TLS is not configured. */
export async function inspectLinkTls(files: LinkTlsFiles): Promise<CertificateDates | string | null> {
  return files.certificateFile === undefined ? null : readMaterial(files);
}

/** What can be used, or why it cannot. */
async function readMaterial(files: LinkTlsFiles): Promise<Material | string> {
  const { certificateFile = '', keyFile = '', clientCaFile } = files;
  const fingerprint = await fingerprintOfAll(files);
  const cert = await readRegularFile(certificateFile);
  if (!cert.ok) return `server.tls.certificateFile: ${cert.why}`;
  const key = await readRegularFile(keyFile);
  if (!key.ok) return `server.tls.keyFile: ${key.why}`;
  const ca = clientCaFile === undefined ? null : await readRegularFile(clientCaFile);
  if (ca?.ok === false) return `server.tls.clientCaFile: ${ca.why}`;
  const leaf = parsed(cert.text);
  if (leaf === null) return `${certificateFile} is no certificate (PEM)`;
  if (ca !== null && !areCertificates(ca.text)) return `${clientCaFile} is no file of whole certificates (PEM)`;
  const context: SecureContextOptions = {
    cert: cert.text,
    key: key.text,
    ...(ca === null ? {} : { ca: ca.text }),
    minVersion: 'TLSv1.2',
    // A link is dialled once for a long time; a session resumed would not be asked for its certificate again.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  if (!fits(context)) return `${certificateFile} and ${keyFile} are no certificate and its key`;
  const [notBeforeMs, notAfterMs] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  return { context, notBeforeMs, notAfterMs, fingerprint };
}

function parsed(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function fits(context: SecureContextOptions): boolean {
  try {
    createSecureContext(context);
    return true;
  } catch {
    return false;
  }
}

function fingerprintOfAll({ certificateFile, keyFile, clientCaFile }: LinkTlsFiles): Promise<string> {
  return fingerprintOf([certificateFile, keyFile, clientCaFile].flatMap((file) => file ?? []));
}
