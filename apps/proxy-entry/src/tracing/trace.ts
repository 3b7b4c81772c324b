/** The trace of one request: its id, what the backend is told of it, and, where it is sampled, what becomes of it. */
import { performance } from 'node:perf_hooks';
import { isEventStream } from '@sallyport/protocol';
import type { HopTimes, Link, ResponseHead } from '@sallyport/protocol';
import { joinedValue } from '../fields/values.ts';
import { SPAN_ID_BYTES } from './random-ids.ts';
import type { RandomIds } from './random-ids.ts';
import { formatTraceParent } from './trace-parent.ts';
import type { TraceParent } from './trace-parent.ts';

/** One try to have the request answered. Times on the clock of `performance.now()`. */
export interface Try {
  /** What the backend is told is the parent of its own spans. */
  readonly spanId: string;
  /** The tunnel-server that it went to. */
  readonly server: string;
  readonly openedMs: number;
  /** When it failed, or the head of its answer was there; 0: neither. */
  endedMs: number;
  /** Our code for what went wrong; null: nothing did. */
  code: string | null;
}

/** Of the backend. */
export interface TracedAnswer {
  readonly status: number;
  readonly hops: HopTimes;
}

export interface Recording {
  readonly tries: Try[];
  answer: TracedAnswer | null;
}

export class Trace {
  readonly traceId: string;
  /** The span of whoever asked; null: the trace begins here. */
  readonly parent: TraceParent | null;
  /** Null: not sampled, or its spans were made. */
  recording: Recording | null;
  readonly #ids: RandomIds;
  #spanId: string;

  constructor(traceId: string, parent: TraceParent | null, isSampled: boolean, ids: RandomIds) {
    this.traceId = traceId;
    this.parent = parent;
    this.recording = isSampled ? { tries: [], answer: null } : null;
    this.#ids = ids;
    this.#spanId = ids.next(SPAN_ID_BYTES);
  }

  /** The field for the backend. */
  get traceParent(): string {
    return formatTraceParent(this.traceId, this.#spanId, this.recording !== null);
  }

  /**
   * A try begins. `strings`: what it sends, with our field at the end; answers what to send, since what the backend makes
   * of a second try is no child of the first.
   */
  opened(link: Link, openedMs: number, strings: readonly string[]): readonly string[] {
    if (this.recording === null) return strings;
    const { tries } = this.recording;
    if (tries.length > 0) this.#spanId = this.#ids.next(SPAN_ID_BYTES);
    const server = link.peer?.instance ?? '';
    tries.push({ spanId: this.#spanId, server, openedMs, endedMs: 0, code: null });
    return tries.length === 1 ? strings : strings.with(strings.length - 1, this.traceParent);
  }

  /** The try has failed before it was answered, if one runs. */
  failed(code: string): void {
    const last = this.recording?.tries.at(-1);
    if (last === undefined || last.endedMs > 0) return;
    last.endedMs = performance.now();
    last.code = code;
  }

  /** The head of the backend's answer is there. */
  answered(head: ResponseHead, nowMs: number): void {
    const { status, serverUs, queueUs, clientUs, slotUs, uploadUs, backendUs } = head;
    const last = this.recording?.tries.at(-1);
    if (last === undefined) return;
    last.endedMs = nowMs;
    this.recording!.answer = { status, hops: { serverUs, queueUs, clientUs, slotUs, uploadUs, backendUs } };
  }
}

/** Whether an answer goes on for as long as its two ends like: its spans tell of the way to its head, and do not wait. */
export function outlastsTrace(status: number, fields: readonly string[]): boolean {
  return status === 101 || isEventStream(joinedValue(fields, 'content-type') ?? '');
}
