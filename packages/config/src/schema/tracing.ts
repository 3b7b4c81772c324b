/** Settings of traces (OpenTelemetry, OTLP over HTTP). They are on where `tracing.endpoint` is set. */
import { Type } from 'typebox';
import { count, decimal, filePath, live, milliseconds } from '../parts.ts';
import { hasForbiddenPort } from '../forbidden-ports.ts';
import { closed } from './shared.ts';

const MAX_SPANS = 1_000_000;
const MAX_BATCH_SPANS = 10_000;
/** Of one request that is retried: fewer would never hold a trace. */
const MIN_SPANS = 16;

export const tracing = Type.Object(
  {
    endpoint: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'Base URL of the collector, to which /v1/traces is added (OTLP over HTTP, protobuf); unset: no traces',
          title: 'an http:// or https:// URL without user, query and fragment, at a port that fetch allows',
          pattern: '^https?://[^\\s/?#@]+(?:/[^\\s?#@]*)?$',
          maxLength: 2048,
          examples: ['http://127.0.0.1:4318'],
        }),
        (text: string) => URL.canParse(text) && !hasForbiddenPort(text),
      ),
    ),
    headersFile: Type.Optional(
      filePath(
        'File with lines Name: value that are sent to the collector, such as its token; read again for each export',
      ),
    ),
    sampleRatio: live(
      decimal(
        'Share of requests that are traced; requests from entry.trustedProxies go by the flag of their traceparent',
        0.01,
        { minimum: 0, maximum: 1 },
      ),
    ),
    queueSpans: count('Spans that may wait for the collector; the others are dropped and counted', 4096, {
      minimum: MIN_SPANS,
      maximum: MAX_SPANS,
    }),
    batchSpans: count('Spans of one export', 512, { minimum: MIN_SPANS, maximum: MAX_BATCH_SPANS }),
    exportDelayMs: milliseconds('Time that a span waits for others to be exported with', 2000),
    exportTimeoutMs: milliseconds('Time for the collector to take an export', 10_000),
  },
  { ...closed, description: 'Traces of requests, which the entry exports for all parts of the tunnel' },
);
