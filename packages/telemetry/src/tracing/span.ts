/** A span that has ended, as OpenTelemetry means it; what makes spans needs to know nothing of OTLP. */

export type SpanKind = 'internal' | 'server' | 'client';

export type SpanAttributes = Readonly<Record<string, string | number>>;

export type Span = {
  readonly name: string;
  readonly kind: SpanKind;
  /** 32 digits, in lower-case hexadecimal; ids of spans have 16. */
  readonly traceId: string;
  readonly spanId: string;
  /** Null: the root of its trace. */
  readonly parentSpanId: string | null;
  /** The parent was made by another process than the one of this span. */
  readonly isParentRemote: boolean;
  /** Milliseconds since 1970, with a fraction. */
  readonly startMs: number;
  readonly endMs: number;
  /** Name of the service that the span belongs to. */
  readonly service: string;
  readonly attributes: SpanAttributes;
  /** What went wrong; null: nothing did. */
  readonly error: string | null;
};
