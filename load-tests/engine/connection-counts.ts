import type { ArmReport } from '../report/model.ts';
import { DurationHistogram } from './histogram.ts';

/** The connections that one arm opened during one step. */
export class ConnectionCounts {
  connects = 0;
  tlsHandshakes = 0;
  tlsResumed = 0;
  /** From the call to the moment it can be written to: name, TCP, TLS. */
  readonly openMs = new DurationHistogram();

  report(): Pick<ArmReport, 'connects' | 'tlsHandshakes' | 'tlsResumed' | 'connectMs'> {
    const { connects, tlsHandshakes, tlsResumed } = this;
    return { connects, tlsHandshakes, tlsResumed, connectMs: this.openMs.latencies() };
  }
}
