/** When each certificate expires, and how long it is good in all, for who is to be told in time. */
import { showCertificate } from '@sallyport/telemetry';
import type { Telemetry } from '@sallyport/telemetry';
import type { CertificateFolder } from './folder.ts';

/** Of a pair that has just gone. */
const NO_DATES = { notBeforeMs: 0, notAfterMs: 0 };

export class ExpiryGauges {
  readonly #telemetry: Pick<Telemetry, 'gauge'>;
  readonly #folder: CertificateFolder;
  /** How to take away the gauges of a pair. At most one for each pair of the folder. */
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
    return showCertificate(this.#telemetry, name, () => this.#folder.byStem(name) ?? NO_DATES);
  }
}
