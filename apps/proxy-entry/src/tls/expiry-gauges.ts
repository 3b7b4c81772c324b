/** When each certificate expires, for who is to be told in time. */
import type { Telemetry } from '@sallyport/telemetry';
import type { CertificateFolder } from './folder.ts';

const MS_PER_S = 1_000;

export class ExpiryGauges {
  readonly #telemetry: Pick<Telemetry, 'gauge'>;
  readonly #folder: CertificateFolder;
  /** How to take away the gauge of a pair. At most one for each pair of the folder. */
  readonly #removers = new Map<string, () => void>();

  constructor(telemetry: Pick<Telemetry, 'gauge'>, folder: CertificateFolder) {
    this.#telemetry = telemetry;
    this.#folder = folder;
  }

  /** One for each pair that there is now. */
  update(): void {
    const stems = new Set(this.#folder.pairs.map(({ stem }) => stem));
    for (const [stem, remove] of this.#removers) {
      if (stems.has(stem)) continue;
      remove();
      this.#removers.delete(stem);
    }
    for (const stem of stems) if (!this.#removers.has(stem)) this.#removers.set(stem, this.#add(stem));
  }

  close(): void {
    for (const remove of this.#removers.values()) remove();
  }

  #add(name: string): () => void {
    return this.#telemetry.gauge(
      'sallyport_certificate_expiry_timestamp_seconds',
      { name },
      () => (this.#folder.byStem(name)?.notAfterMs ?? 0) / MS_PER_S,
      'When each certificate of the entry expires, in seconds since 1970.',
    );
  }
}
