/** The spans of one request through all of the tunnel, made by the entry alone. Pure. */
import type { Span, SpanAttributes, SpanKind } from '@sallyport/telemetry';
import { methodAttributes, nameOf, targetAttributes, textOf } from './attributes.ts';
import { layOut } from './layout.ts';
import type { Stretch } from './layout.ts';
import type { TracedAnswer, Try } from './trace.ts';

/** One process each on a map of services. */
export const SERVICES = { entry: 'sallyport-entry', server: 'sallyport-server', client: 'sallyport-client' } as const;

/** The hops, and `server`, which is queue and link in one; each with where it is measured. */
const HOPS = {
  entry: { kind: 'server', service: SERVICES.entry },
  uplink: { kind: 'client', service: SERVICES.entry },
  server: { kind: 'server', service: SERVICES.server },
  queue: { kind: 'internal', service: SERVICES.server },
  link: { kind: 'client', service: SERVICES.server },
  client: { kind: 'server', service: SERVICES.client },
  slot: { kind: 'internal', service: SERVICES.client },
  backend: { kind: 'client', service: SERVICES.client },
} as const satisfies Record<string, { readonly kind: SpanKind; readonly service: string }>;

export interface TracedRequest {
  readonly traceId: string;
  /** Of whoever asked; null: the trace begins here. */
  readonly parentSpanId: string | null;
  /** When the request came and when all was over, in milliseconds of `performance.now()`. */
  readonly whole: Stretch;
  /** Of the whole request. */
  readonly attributes: SpanAttributes;
  /** What went wrong with it; null: nothing did. */
  readonly error: string | null;
  readonly method: string;
  /** What the backend was asked for, of which session. */
  readonly target: string;
  readonly session: string;
  /** A try without an end ended with the request. */
  readonly tries: readonly Try[];
  /** Of the last try; null: none came. */
  readonly answer: TracedAnswer | null;
}

export interface SpanContext {
  /** What `performance.now()` is to be added to, for milliseconds since 1970. */
  readonly originMs: number;
  readonly newSpanId: () => string;
}

type Extras = Partial<Pick<Span, 'name' | 'spanId' | 'attributes' | 'error'>>;

const OF_ANSWER = 6;

/** How many there will be: one of the whole, one of each try, and six within the try that was answered. */
export function countSpans({ tries, answer }: Pick<TracedRequest, 'tries' | 'answer'>): number {
  return 1 + tries.length + (answer === null ? 0 : OF_ANSWER);
}

export function spansOf(request: TracedRequest, { originMs, newSpanId }: SpanContext): Span[] {
  const { traceId, parentSpanId, whole, attributes, error, tries, answer } = request;
  const spans: Span[] = [];
  const add = (hop: keyof typeof HOPS, parent: string | null, stretch: Stretch, extras: Extras = {}): string => {
    const { kind, service } = HOPS[hop];
    const spanId = extras.spanId ?? newSpanId();
    spans.push({
      name: extras.name ?? hop,
      kind,
      service,
      traceId,
      spanId,
      parentSpanId: parent,
      isParentRemote: parent !== null && kind === 'server',
      startMs: originMs + stretch[0],
      endMs: originMs + stretch[1],
      attributes: { 'sallyport.hop': hop, ...extras.attributes },
      error: extras.error ?? null,
    });
    return spanId;
  };
  const root = add('entry', parentSpanId, whole, { name: nameOf(request.method), attributes, error });
  for (const [index, each] of tries.entries()) {
    const stretch: Stretch = [each.openedMs, each.endedMs === 0 ? whole[1] : each.endedMs];
    const extras = { attributes: triedAttributes(each, index), error: each.code };
    if (answer === null || index < tries.length - 1) {
      // No more is known than that it was made; should the backend have begun on it, this is the parent that it knows.
      add('uplink', root, stretch, { ...extras, spanId: each.spanId });
      continue;
    }
    const at = layOut(stretch, answer.hops);
    const uplink = add('uplink', root, stretch, extras);
    const server = add('server', uplink, at.server);
    add('queue', server, at.queue);
    const link = add('link', server, at.link);
    const client = add('client', link, at.client);
    add('slot', client, at.slot);
    add('backend', client, at.backend, { ...backendExtras(request, answer), spanId: each.spanId });
  }
  return spans;
}

function triedAttributes({ server, code }: Try, index: number): SpanAttributes {
  return {
    'sallyport.server': server,
    ...(index === 0 ? {} : { 'http.request.resend_count': index }),
    ...(code === null ? {} : { 'error.type': code }),
  };
}

/** To OpenTelemetry what a client is answered is an error from 400 on. */
const FIRST_ERROR = 400;

function backendExtras({ method, target, session }: TracedRequest, { status, hops }: TracedAnswer): Extras {
  const { uploadUs } = hops;
  const isError = status >= FIRST_ERROR;
  const attributes = {
    ...methodAttributes(method),
    ...targetAttributes(target),
    'http.response.status_code': status,
    'peer.service': textOf(session),
    // So long the backend waited for the visitor's own body.
    ...(uploadUs === 0 ? {} : { 'sallyport.upload_us': uploadUs }),
    ...(isError ? { 'error.type': String(status) } : {}),
  };
  return { name: nameOf(method), attributes, error: isError ? `status ${status}` : null };
}
