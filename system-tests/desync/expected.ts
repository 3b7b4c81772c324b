/** What the bytes of a case come to by the second reading: the requests of the visitor, the answer of the backend. */
import { judge } from './passes.ts';
import type { Verdict } from './passes.ts';
import { readRequest, readResponse } from './rfc9112.ts';
import type { Reading, Request, Response } from './rfc9112.ts';

export interface ExpectedRequest {
  readonly reading: Reading<Request>;
  /** Null where there is not even a head. */
  readonly verdict: Verdict | null;
}

/** Up to the first that is not whole, or behind which the connection ends. */
export function readStream(bytes: Buffer): ExpectedRequest[] {
  const all: ExpectedRequest[] = [];
  for (let at = 0; at < bytes.length;) {
    const reading = readRequest(bytes, at);
    const verdict = reading.message === null ? null : judge(reading.message);
    // Empty lines alone are no request.
    if (reading.kind !== 'part' || bytes.toString('latin1', at).replaceAll('\r\n', '') !== '')
      all.push({ reading, verdict });
    if (reading.kind !== 'whole' || verdict?.closes === 'yes') break;
    at = reading.next;
  }
  return all;
}

/** A final answer, with those of 1xx before it. */
export interface ReadAnswer {
  readonly interim: readonly Response[];
  readonly final: Reading<Response>;
  /** Of `final` there is not one byte. */
  readonly isMissing: boolean;
  /** Offset behind what was read of it. */
  readonly next: number;
}

/** From `at` on. A 101 is final. */
export function readAnswer(bytes: Buffer, at: number, method: string, hasEnded: boolean): ReadAnswer {
  const interim: Response[] = [];
  for (;;) {
    const final = readResponse(bytes, at, method, hasEnded);
    if (final.kind !== 'whole') return { interim, final, isMissing: at === bytes.length, next: bytes.length };
    const { status } = final.message;
    if (status >= 200 || status === 101) return { interim, final, isMissing: false, next: final.next };
    interim.push(final.message);
    at = final.next;
  }
}
