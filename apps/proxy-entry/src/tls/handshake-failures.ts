/** Handshakes that came to nothing: counted by cause, and told in the log, a line a minute for each cause at most. */
import { rateLimitedLog } from '@sallyport/telemetry';
import type { LabelledCounter, Logger, RateLimitedLog, Telemetry } from '@sallyport/telemetry';

/** `no_certificate`: none is for the name that was asked for. `clear_text`: HTTP without TLS. `gone`: the visitor left. */
export const HANDSHAKE_CAUSES = [
  'no_certificate',
  'client_certificate',
  'clear_text',
  'gone',
  'late',
  'protocol',
] as const;

export interface HandshakeFailure {
  readonly cause: (typeof HANDSHAKE_CAUSES)[number];
  /** OpenSSL's or Node's: `CERT_HAS_EXPIRED`. */
  readonly code: string;
}

export class HandshakeFailures {
  readonly #counter: LabelledCounter;
  readonly #log: RateLimitedLog;

  constructor(logger: Pick<Logger, 'info'>, telemetry: Pick<Telemetry, 'labelledCounter'>) {
    this.#counter = telemetry.labelledCounter(
      'sallyport_tls_handshake_failures_total',
      'cause',
      HANDSHAKE_CAUSES,
      'Handshakes of visitors that came to nothing, by cause.',
    );
    this.#log = rateLimitedLog((why, hits) => logger.info({ why, hits }, 'TLS: handshakes failed'));
  }

  add({ cause, code }: HandshakeFailure): void {
    this.#counter.inc(cause);
    // Who only looked whether the port is open is no news.
    if (cause !== 'gone') this.#log.hit(`${cause} ${code}`);
  }

  close(): void {
    this.#log.close();
  }
}
