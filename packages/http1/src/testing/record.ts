/** What a reader said of some bytes, as lines to compare. */
import { DEFAULT_LIMITS } from '../limits.ts';
import type { ReadLimits } from '../limits.ts';
import { Phase } from '../message-reader.ts';
import type { MessageHandler } from '../message-reader.ts';
import { RequestReader } from '../request-reader.ts';
import { ResponseReader } from '../response-reader.ts';

class Recorder implements MessageHandler {
  readonly events: unknown[] = [];
  head: () => unknown = () => null;
  #body = '';

  onHead(): void {
    this.events.push(this.head());
  }

  onBody(chunk: Buffer): void {
    this.#body += chunk.toString('latin1');
  }

  end(): void {
    if (this.#body !== '') this.events.push(['body', this.#body]);
    this.#body = '';
  }
}

/** Messages one after another, fed in the pieces that `cuts` (offsets, in any order) make of `input`. */
export function readRequests(input: string, cuts: readonly number[] = [], limits: Partial<ReadLimits> = {}): unknown[] {
  const recorder = new Recorder();
  const reader = new RequestReader({ ...DEFAULT_LIMITS, ...limits }, recorder);
  recorder.head = () => ['head', reader.method, reader.target, reader.minor, reader.fields, reader.framing];
  return feed(reader, recorder, input, cuts);
}

/** As `readRequests`; `method` is that of all the requests, and the connection ends behind the input. */
export function readResponses(
  input: string,
  cuts: readonly number[] = [],
  { method = 'GET', ...limits }: Partial<ReadLimits> & { method?: string } = {},
): unknown[] {
  const recorder = new Recorder();
  const reader = new ResponseReader({ ...DEFAULT_LIMITS, ...limits }, recorder);
  reader.expect(method);
  recorder.head = () => ['head', reader.status, reader.reason, reader.minor, reader.fields];
  return feed(reader, recorder, input, cuts);
}

function feed(
  reader: RequestReader | ResponseReader,
  recorder: Recorder,
  input: string,
  cuts: readonly number[],
): unknown[] {
  const bytes = Buffer.from(input, 'latin1');
  let from = 0;
  for (const to of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    // A copy, wiped afterwards: nothing may be kept by reference but what was handed on.
    const piece = Buffer.from(bytes.subarray(from, to));
    for (let at = 0; at < piece.length;) {
      const next = reader.read(piece, at, piece.length);
      if (reader.phase === Phase.DONE) endOfMessage(reader, recorder);
      else if (next === at || reader.phase > Phase.TRAILERS) break;
      at = next;
    }
    piece.fill(0);
    if (reader.phase > Phase.DONE) break;
    from = to;
  }
  reader.finish();
  if (reader.phase === Phase.DONE) endOfMessage(reader, recorder);
  recorder.end();
  if (reader.phase === Phase.RAW) recorder.events.push(['raw']);
  if (reader.fault !== null) recorder.events.push(['fault', reader.fault.code]);
  return recorder.events;
}

function endOfMessage(reader: RequestReader | ResponseReader, recorder: Recorder): void {
  recorder.end();
  recorder.events.push(['end', reader.trailers]);
  reader.next();
}
