/** For tests only: a collector, which reads OTLP by another library's protobuf than the one that wrote it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';

/** Of opentelemetry-proto v1 what is used here: trace_service.proto, trace.proto, common.proto, resource.proto. */
const PROTO = `
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; string version = 2; }
  message Span {
    bytes trace_id = 1;
    bytes span_id = 2;
    bytes parent_span_id = 4;
    string name = 5;
    int32 kind = 6;
    fixed64 start_time_unix_nano = 7;
    fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9;
    Status status = 15;
    fixed32 flags = 16;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
  }
  message Response { PartialSuccess partial_success = 1; }
  message PartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
`;
const { root } = protobuf.parse(PROTO);
const Request = root.lookupType('Request');
const Response = root.lookupType('Response');

/** Numbers of the OTLP enumerations. */
export const Kind = { INTERNAL: 1, SERVER: 2, CLIENT: 3 } as const;
export const Status = { UNSET: 0, ERROR: 2 } as const;

export interface ReceivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: the root. */
  readonly parentSpanId: string;
  /** Nanoseconds since 1970. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly status: { readonly code: number; readonly message: string };
  readonly flags: number;
  readonly service: string;
  readonly resource: Readonly<Record<string, string | number>>;
  readonly scope: { readonly name: string; readonly version: string };
}

export interface ReceivedExport {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly spans: readonly ReceivedSpan[];
}

export type Answer = (response: ServerResponse) => void;

export const take: Answer = (response) => void response.writeHead(200).end();
/** Accepts, and never answers. */
export const hang: Answer = () => {};

export function refuse(status: number, fields: Readonly<Record<string, string>> = {}): Answer {
  return (response) => void response.writeHead(status, fields).end('no');
}

export function takeAllBut(rejectedSpans: number): Answer {
  const body = Response.encode(Response.create({ partialSuccess: { rejectedSpans, errorMessage: 'odd' } })).finish();
  return (response) => void response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end(body);
}

export class OtlpReceiver {
  readonly exports: ReceivedExport[] = [];
  /** How the next exports are answered. */
  answer: Answer = take;
  readonly #server: Server;
  readonly #host: string;
  readonly #waiting = new Set<() => void>();

  private constructor(host: string) {
    this.#host = host;
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  /** `port`: 0 for a free one. */
  static async start(port = 0, host = '127.0.0.1'): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(host);
    receiver.#server.listen(port, host);
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://${this.#host}:${this.port}`;
  }

  get spans(): ReceivedSpan[] {
    return this.exports.flatMap((each) => each.spans);
  }

  /** What `find` finds in what came, once it is there. The caller sets the limit. */
  async until<Found>(find: (receiver: this) => Found | undefined): Promise<Found> {
    for (;;) {
      const found = find(this);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.exports.push({ path: request.url!, headers: request.headers, spans: spansOf(Buffer.concat(chunks)) });
    this.answer(response);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

type AnyValue = { value?: 'stringValue' | 'intValue' | 'doubleValue' | 'boolValue' } & Record<string, string | number>;
type KeyValue = { key: string; value: AnyValue };
type Decoded = {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    scopeSpans: { scope: ReceivedSpan['scope']; spans: DecodedSpan[] }[];
  }[];
};
type DecodedSpan = Pick<ReceivedSpan, 'name' | 'kind' | 'status' | 'flags'> & {
  traceId: Buffer;
  spanId: Buffer;
  parentSpanId: Buffer;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
};

function spansOf(body: Buffer): ReceivedSpan[] {
  const options = { longs: String, bytes: Buffer, defaults: true, arrays: true, oneofs: true };
  const { resourceSpans } = Request.toObject(Request.decode(body), options) as unknown as Decoded;
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const ofResource = attributesOf(resource.attributes);
    return scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        name: span.name,
        kind: span.kind,
        status: span.status,
        flags: span.flags,
        scope,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
        resource: ofResource,
        service: String(ofResource['service.name']),
      })),
    );
  });
}

function hex(bytes: Buffer): string {
  return Buffer.from(bytes).toString('hex');
}

function attributesOf(pairs: readonly KeyValue[]): Record<string, string | number> {
  return Object.fromEntries(
    pairs.map(({ key, value }) => {
      const held = value[value.value ?? 'stringValue']!;
      return [key, value.value === 'intValue' ? Number(held) : held];
    }),
  );
}
