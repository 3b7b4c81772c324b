/** A gRPC service by @grpc/grpc-js, in clear text. Messages are bytes: what they mean is nobody's business on the way. */
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { sendUnaryData, ServerDuplexStream, ServerReadableStream } from '@grpc/grpc-js';
import type { ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';

export const Paths = {
  unary: '/demo.Echo/Unary',
  serverStream: '/demo.Echo/ServerStream',
  clientStream: '/demo.Echo/ClientStream',
  bidirectional: '/demo.Echo/Bidirectional',
} as const;

export interface GrpcBackend {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** How many calls it has held so far. */
  readonly held: () => number;
  /** Resolves when the service has learnt that a call which it holds was given up. */
  cancelled(): Promise<void>;
  close(): void;
}

export async function startGrpcBackend(): Promise<GrpcBackend> {
  const server = new Server();
  let cancelled = Promise.withResolvers<void>();
  let held = 0;
  const onCancelled = () => cancelled.resolve();
  const hold = (call: ServerUnaryCall<Buffer, Buffer>) => {
    held += 1;
    call.on('cancelled', onCancelled);
  };
  server.addService(SERVICE, {
    unary: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => unary(call, answer, hold),
    serverStream,
    clientStream,
    bidirectional: (call: ServerDuplexStream<Buffer, Buffer>) => bidirectional(call, onCancelled),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    held: () => held,
    cancelled: async () => {
      await cancelled.promise;
      cancelled = Promise.withResolvers<void>();
    },
    close: () => server.forceShutdown(),
  };
}

export function same(bytes: Buffer): Buffer {
  return bytes;
}

function method(path: string, requestStream: boolean, responseStream: boolean) {
  const coding = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  return { path, requestStream, responseStream, ...coding };
}

const SERVICE = {
  unary: method(Paths.unary, false, false),
  serverStream: method(Paths.serverStream, false, true),
  clientStream: method(Paths.clientStream, true, false),
  bidirectional: method(Paths.bidirectional, true, true),
};

/** What the visitor's `x-question` was, as `x-asked`, and its `x-key-bin` as it was. */
function trailersFor({ metadata }: { readonly metadata: Metadata }): Metadata {
  const trailers = new Metadata();
  trailers.add('x-asked', String(metadata.get('x-question')[0] ?? ''));
  const [key] = metadata.get('x-key-bin');
  if (key !== undefined) trailers.add('x-key-bin', key);
  return trailers;
}

/** `hold` is never answered, `missing` is an error; all else comes back, behind metadata of its own. */
function unary(
  call: ServerUnaryCall<Buffer, Buffer>,
  answer: sendUnaryData<Buffer>,
  hold: (call: ServerUnaryCall<Buffer, Buffer>) => void,
): void {
  const asked = call.request.toString('latin1', 0, 16);
  if (asked === 'hold') return hold(call);
  if (asked === 'missing') {
    return answer({ code: status.NOT_FOUND, details: 'no such thing: grüß', metadata: trailersFor(call) });
  }
  const early = new Metadata();
  early.add('x-early', 'yes');
  call.sendMetadata(early);
  answer(null, call.request, trailersFor(call));
}

const STREAMED = 100;

/** Many messages; then an end, or an error for `break`. */
function serverStream(call: ServerWritableStream<Buffer, Buffer>): void {
  const asked = call.request.toString();
  for (let i = 0; i < STREAMED; i += 1) call.write(Buffer.from(`${asked} ${i}`));
  if (asked === 'break') call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'enough' });
  else call.end(trailersFor(call));
}

function clientStream(call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void {
  const come: Buffer[] = [];
  call.on('data', (message: Buffer) => come.push(message)).on('end', () => answer(null, Buffer.concat(come)));
}

function bidirectional(call: ServerDuplexStream<Buffer, Buffer>, onCancelled: () => void): void {
  call.on('data', (message: Buffer) => call.write(message));
  call.on('end', () => call.end(trailersFor(call)));
  call.on('cancelled', onCancelled);
}
