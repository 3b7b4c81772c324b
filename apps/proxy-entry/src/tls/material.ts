/** All that the TLS port speaks with: certificates, authorities of visitors, keys of tickets; read again when it changes. */
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { FileWatch, untimely } from '@sallyport/config';
import type { EntryConfig } from '@sallyport/config';
import type { Counter, Logger, Telemetry } from '@sallyport/telemetry';
import { NO_AUTHORITY, readAuthority } from './client-authority.ts';
import type { ClientAuthority } from './client-authority.ts';
import { commonOptions } from './context-options.ts';
import type { CommonOptions } from './context-options.ts';
import { ExpiryGauges } from './expiry-gauges.ts';
import { CertificateFolder } from './folder.ts';
import { HandshakeFailures } from './handshake-failures.ts';
import { inspectAuthority } from './inspect.ts';
import { covers } from './names.ts';
import type { Pair } from './pair.ts';
import { inspectSecret, newSecret, readSecret, ticketPeriod } from './ticket-keys.ts';
import { mustBeFolder, TlsError } from './tls-error.ts';

/** A look at all the files of a large folder takes its time. */
const POLL_MS = 30_000;
/** Of what is wrong with files, so much is said. */
const LISTED_MAX = 20;

export type TlsConfig = EntryConfig['tls'];
/** Whether a certificate is for a host (lower case, no port). */
export type Coverage = (host: string) => boolean;

export interface TlsDependencies {
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  readonly telemetry: Pick<Telemetry, 'gauge' | 'counter' | 'labelledCounter'>;
  /** Wall clock. */
  readonly nowMs: () => number;
}

export class TlsMaterial {
  /** Called when handshakes that begin from now on need other options. */
  onChanged: (() => void) | null = null;
  config: TlsConfig;
  readonly failures: HandshakeFailures;
  readonly #deps: TlsDependencies;
  readonly #folder: CertificateFolder;
  readonly #gauges: ExpiryGauges;
  readonly #reloadFailures: Counter;
  #authority: ClientAuthority = NO_AUTHORITY;
  #secret = newSecret();
  #period: number;
  #watch: FileWatch | null = null;
  /** What was said to be wrong with a file; once for each state. */
  readonly #said = new Map<string, string>();
  #contexts = new Map<Pair, SecureContext>();
  readonly #coverage = new WeakMap<Pair, Coverage>();

  private constructor(config: TlsConfig, folder: string, deps: TlsDependencies) {
    this.config = config;
    this.#deps = deps;
    this.failures = new HandshakeFailures(deps.logger, deps.telemetry);
    this.#period = ticketPeriod(deps.nowMs());
    this.#reloadFailures = deps.telemetry.counter(
      'sallyport_tls_reload_failures_total',
      'Times that a certificate, authority or key could not be taken over; the one before, if any, stays.',
    );
    const onBroken = (stem: string, why: string, isInForce: boolean) =>
      this.#warn(stem, `certificate ${stem}: ${why}`, isInForce);
    this.#folder = new CertificateFolder(folder, { onBroken }, () => this.nowMs());
    this.#gauges = new ExpiryGauges(deps.telemetry, this.#folder);
  }

  /** Rejects with a TlsError. Null: TLS is not configured. */
  static async open(config: TlsConfig, deps: TlsDependencies): Promise<TlsMaterial | null> {
    const folder = config.certificates;
    if (folder === undefined) return null;
    await mustBeFolder(folder);
    const material = new TlsMaterial(config, folder, deps);
    await material.#folder.read();
    const wrong = (await material.#readAuthority()) ?? (await material.#readSecret());
    if (wrong !== null) throw new TlsError('SP_TLS_FILE', wrong, 'put that file right, or leave its setting out');
    material.#tell();
    const isWhole = () => (material.#folder.isWhole && material.#said.size === 0 ? 1 : 0);
    deps.telemetry.gauge('sallyport_tls_last_reload_successful', {}, isWhole);
    const files = [config.clientCaFile, config.clientCrlFile, config.ticketKeyFile].flatMap((file) => file ?? []);
    const folders = new Set([folder, ...files.map((file) => dirname(file))]);
    material.#watch = new FileWatch(folders, POLL_MS, () => material.#reload());
    return material;
  }

  /**
   * What `configure` would be given, judged without being used: rejects with a TlsError where a pair, what certificates
   * of visitors are checked against, or the secret of tickets cannot be used as it is now.
   */
  async check(config: TlsConfig): Promise<void> {
    await mustBeFolder(config.certificates ?? '');
    const wrong = [...(await this.#folder.inspect())];
    const authority = config.clientCertificates === 'off' ? null : await inspectAuthority(config);
    const secret = config.ticketKeyFile === undefined ? null : await inspectSecret(config.ticketKeyFile);
    for (const each of [authority, secret]) if (each !== null) wrong.push(each);
    if (wrong.length === 0) return;
    throw new TlsError('SP_TLS_FILE', listOf(wrong), 'put that right, or take it away');
  }

  /** In force for handshakes from now on, with what the files hold now. */
  async configure(config: TlsConfig): Promise<void> {
    const hasOtherDefault = config.defaultCertificate !== this.config.defaultCertificate;
    this.config = config;
    await this.#watch?.look();
    if (hasOtherDefault) this.#changed();
  }

  /** For who asks for no name, or for one that no certificate is for: without a certificate unless one is configured. */
  get baseOptions(): CommonOptions {
    const pair = this.#default;
    return { ...this.#common, ...(pair === null ? {} : { cert: pair.certificate, key: pair.key }) };
  }

  /** Wall clock. */
  nowMs(): number {
    return this.#deps.nowMs();
  }

  /** Null: no certificate is for this name, and `baseOptions` decides. */
  contextOf(name: string): SecureContext | null {
    const pair = this.#folder.byName(name);
    if (pair === null) return null;
    let context = this.#contexts.get(pair);
    if (context === undefined) {
      context = createSecureContext({ ...this.#common, cert: pair.certificate, key: pair.key });
      this.#contexts.set(pair, context);
    }
    return context;
  }

  /** Which hosts a connection that was opened for `name` may ask for; null: none, its certificate has been taken away. */
  coverageOf(name: string | null): Coverage | null {
    const pair = (name === null ? null : this.#folder.byName(name)) ?? this.#default;
    if (pair === null) return null;
    const known = this.#coverage.get(pair);
    if (known !== undefined) return known;
    const coverage = coverageFor(pair);
    this.#coverage.set(pair, coverage);
    return coverage;
  }

  /**
   * Of a session of TLS 1.2 that is resumed nobody says for which name it was opened: OpenSSL keeps a name with it that
   * was confirmed to the visitor, and Node confirms none. Then a host is asked for rightly that has a certificate here.
   */
  readonly coversAny: Coverage = (host) => {
    const pair = this.#default;
    return this.#folder.byName(host) !== null || (pair !== null && covers(pair.names, host));
  };

  close(): void {
    this.#watch?.close();
    this.failures.close();
    this.#gauges.close();
  }

  get #default(): Pair | null {
    const stem = this.config.defaultCertificate;
    return stem === undefined ? null : this.#folder.byStem(stem);
  }

  get #common(): CommonOptions {
    return commonOptions(this.config, this.#authority, { secret: this.#secret, period: this.#period });
  }

  async #reload(): Promise<void> {
    const before = { authority: this.#authority.digest, secret: this.#secret, period: this.#period };
    const hasOtherPairs = await this.#folder.read();
    this.#keep('authorities', await this.#readAuthority());
    this.#keep('ticket key', await this.#readSecret());
    this.#period = ticketPeriod(this.#deps.nowMs());
    const hasOtherKeys = !this.#secret.equals(before.secret) || this.#period !== before.period;
    if (!hasOtherPairs && !hasOtherKeys && this.#authority.digest === before.authority) return;
    this.#contexts = new Map();
    this.#changed();
  }

  #changed(): void {
    this.#tell();
    try {
      this.onChanged?.();
    } catch (error) {
      // All of it was tried when it was read; whatever OpenSSL still has against it must not end the entry.
      this.#warn('port', String(error));
    }
  }

  /** Null, or what is wrong; then what was read last stays in force. */
  async #readAuthority(): Promise<string | null> {
    const { clientCertificates, clientCaFile, clientCrlFile } = this.config;
    if (clientCertificates === 'off') return null;
    const read = await readAuthority(clientCaFile, clientCrlFile);
    if (!read.ok) return read.why;
    this.#authority = read.authority;
    return null;
  }

  async #readSecret(): Promise<string | null> {
    const { ticketKeyFile } = this.config;
    if (ticketKeyFile === undefined) return null;
    const read = await readSecret(ticketKeyFile);
    if (!read.ok) return read.why;
    this.#secret = read.secret;
    return null;
  }

  /** One line for each thing that goes wrong, however often it is looked at. */
  #keep(what: string, wrong: string | null): void {
    if (wrong === null) this.#said.delete(what);
    else if (this.#said.get(what) !== wrong) {
      this.#said.set(what, wrong);
      this.#warn(what, wrong);
    }
  }

  #warn(what: string, why: string, isInForce = true): void {
    this.#reloadFailures.inc();
    const then = isInForce ? 'what was in force stays so' : 'there is none from before: its names have no certificate';
    this.#deps.logger.warn({ what }, `TLS: ${why}; ${then}`);
  }

  /** What is in force now, in the log and the metrics. */
  #tell(): void {
    const { defaultCertificate } = this.config;
    const { pairs } = this.#folder;
    this.#deps.logger.info({ certificates: pairs.map(({ stem }) => stem) }, 'TLS: certificates in force');
    const late = pairs.flatMap((pair) => {
      const why = untimely(pair, this.nowMs());
      return why === null ? [] : [`certificate ${pair.stem} ${why}`];
    });
    if (late.length > 0) this.#deps.logger.warn({}, `TLS: visitors will not believe it: ${listOf(late)}`);
    if (pairs.length === 0) this.#deps.logger.warn({}, 'TLS: no certificate yet: every handshake is refused');
    if (defaultCertificate !== undefined && this.#default === null) {
      this.#deps.logger.warn({ defaultCertificate }, 'TLS: there is no such pair to be the default');
    }
    this.#gauges.update();
  }
}

function listOf(wrong: readonly string[]): string {
  const more = wrong.length > LISTED_MAX ? `; and ${wrong.length - LISTED_MAX} more` : '';
  return `${wrong.slice(0, LISTED_MAX).join('; ')}${more}`;
}

/** A visitor asks for one host most of the time. */
function coverageFor(pair: Pair): Coverage {
  let last = { host: '', isCovered: false };
  return (host) => {
    if (last.host !== host) last = { host, isCovered: covers(pair.names, host) };
    return last.isCovered;
  };
}
