/** What the link port speaks TLS with: a certificate, and the authorities of those who dial; read again when it changes. */
import { constants, X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { judgeReplacement, readRegularFile } from '@sallyport/config';
import type { Config, Unfit } from '@sallyport/config';
import { areCertificates } from '@sallyport/protocol';
import type { Counter, Logger, Telemetry } from '@sallyport/telemetry';

export type LinkTlsFiles = Config['server']['tls'];

export interface LinkTlsDependencies {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly telemetry: Pick<Telemetry, 'counter' | 'gauge'>;
}

/** Looked at so often: a poll sees files on a network, and folders that are replaced whole, which a watch does not. */
const POLL_MS = 2_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const MS_PER_S = 1_000;

/** What keeps the link port from speaking TLS: its message, and how to fix it. */
export class LinkTlsError extends Error {
  readonly code = 'SP_LINK_TLS';
  readonly fix = 'put that file right, or leave server.tls out';
}

interface Material {
  readonly context: SecureContextOptions;
  /** Wall clock. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Of all files, as they were before they were read. */
  readonly fingerprint: string;
}

export class LinkTls {
  readonly #files: LinkTlsFiles;
  readonly #deps: LinkTlsDependencies;
  readonly #poll: NodeJS.Timeout;
  readonly #failures: Counter;
  #material: Material;
  /** The state of the files that was found wrong, so that it is told once. */
  #wrong = '';
  /** Wall clock: from then on that state may be right. */
  #wrongUntilMs = 0;
  #server: Server | null = null;

  private constructor(files: LinkTlsFiles, material: Material, deps: LinkTlsDependencies) {
    this.#files = files;
    this.#material = material;
    this.#deps = deps;
    this.#poll = setInterval(() => void this.#reload(), POLL_MS).unref();
    this.#failures = deps.telemetry.counter(
      'sallyport_tls_reload_failures_total',
      'Times that a certificate, authority or key could not be taken over; the one before, if any, stays.',
    );
    deps.telemetry.gauge('sallyport_tls_last_reload_successful', {}, () => (this.#wrong === '' ? 1 : 0));
    deps.telemetry.gauge(
      'sallyport_certificate_expiry_timestamp_seconds',
      { name: 'links' },
      () => this.#material.notAfterMs / MS_PER_S,
      'When each certificate expires, in seconds since 1970.',
    );
  }

  /** Null: TLS is not configured. Rejects with a LinkTlsError. */
  static async open(files: LinkTlsFiles, deps: LinkTlsDependencies): Promise<LinkTls | null> {
    if (files.certificateFile === undefined) return null;
    const read = await readMaterial(files);
    if (typeof read === 'string') throw new LinkTlsError(read);
    return new LinkTls(files, read, deps);
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
    clearInterval(this.#poll);
  }

  /** Never rejects: what was read last stays in force. */
  async #reload(): Promise<void> {
    const fingerprint = await fingerprintOf(this.#files);
    if (fingerprint === this.#wrong && Date.now() < this.#wrongUntilMs) return;
    if (fingerprint === this.#material.fingerprint) {
      this.#wrong = '';
      return;
    }
    const read = await this.#readNext();
    if ('why' in read) {
      this.#wrong = fingerprint;
      this.#wrongUntilMs = read.againAtMs;
      this.#failures.inc();
      this.#deps.logger.warn({ reason: read.why }, 'TLS of links: what was in force stays so');
      return;
    }
    this.#take(read);
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
    this.#wrong = '';
    if (!isNew) return;
    this.#server?.setSecureContext(read.context);
    this.#deps.logger.info({ expires: new Date(read.notAfterMs).toISOString() }, 'TLS of links: new certificate');
  }
}

/** When the certificate expires (wall clock), or what is wrong with the files; null: TLS is not configured. */
export async function inspectLinkTls(files: LinkTlsFiles): Promise<number | string | null> {
  if (files.certificateFile === undefined) return null;
  const read = await readMaterial(files);
  return typeof read === 'string' ? read : read.notAfterMs;
}

/** What can be used, or why it cannot. */
async function readMaterial(files: LinkTlsFiles): Promise<Material | string> {
  const { certificateFile = '', keyFile = '', clientCaFile } = files;
  const fingerprint = await fingerprintOf(files);
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

async function fingerprintOf({ certificateFile, keyFile, clientCaFile }: LinkTlsFiles): Promise<string> {
  const files = [certificateFile, keyFile, clientCaFile].flatMap((file) => file ?? []);
  return (await Promise.all(files.map(stateOf))).join(' ');
}

async function stateOf(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true });
    return `${ino}-${mtimeNs}-${size}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
