/** gRPC through the tunnel, with its own library at both ends: HTTP/2 at the entry, HTTP/2 to the backend. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { within } from './harness/deadline.ts';
import { SHAPES, useStack } from './harness/stack.ts';

const identity = (bytes: Buffer) => bytes;
const forms = {
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
};
/** At the backend; the visitor's paths have the session in front. */
const METHODS = {
  unary: { path: '/test.Echo/Unary', requestStream: false, responseStream: false, ...forms },
  down: { path: '/test.Echo/Down', requestStream: false, responseStream: true, ...forms },
  up: { path: '/test.Echo/Up', requestStream: true, responseStream: false, ...forms },
  both: { path: '/test.Echo/Both', requestStream: true, responseStream: true, ...forms },
  fail: { path: '/test.Echo/Fail', requestStream: false, responseStream: false, ...forms },
  hang: { path: '/test.Echo/Hang', requestStream: false, responseStream: false, ...forms },
} as const;

type Unary = grpc.ServerUnaryCall<Buffer, Buffer>;
type Answer = grpc.sendUnaryData<Buffer>;

class Backend {
  readonly #server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  /** Called with the next call to `hang` that its client gave up. */
  readonly cancelled: (() => void)[] = [];
  url = '';

  async start(): Promise<void> {
    this.#server.addService(METHODS, {
      unary: (call: Unary, answer: Answer) => {
        const trailer = new grpc.Metadata();
        trailer.set('x-sum', String(call.request.length));
        trailer.set('x-bytes-bin', Buffer.from([0, 255, 10]));
        call.sendMetadata(call.metadata.clone());
        answer(null, call.request, trailer);
      },
      down: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
        for (let i = 0; i < 100; i += 1) call.write(Buffer.from(`${i} ${call.request.toString()}`));
        call.end();
      },
      up: (call: grpc.ServerReadableStream<Buffer, Buffer>, answer: Answer) => {
        let bytes = 0;
        call
          .on('data', (chunk: Buffer) => (bytes += chunk.length))
          .on('end', () => answer(null, Buffer.from(String(bytes))));
      },
      both: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (chunk: Buffer) => call.write(chunk)).on('end', () => call.end());
      },
      fail: (_call: Unary, answer: Answer) => {
        answer({ code: grpc.status.NOT_FOUND, details: 'nobody, nowhere', metadata: new grpc.Metadata() });
      },
      hang: (call: Unary) => {
        call.on('cancelled', () => this.cancelled.shift()?.());
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    this.url = `http://127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

function path(name: keyof typeof METHODS): string {
  return `/session/demo${METHODS[name].path}`;
}

for (const { shape, isSplit } of SHAPES) {
  void describe(`gRPC through ${shape}`, () => {
    const backend = new Backend();
    let client: grpc.Client | null = null;
    before(() => backend.start());
    // Before the stack is looked at.
    after(() => client?.close());
    after(() => backend.close());
    const used = useStack(() => {
      const sessions = [{ id: 'demo', backend: backend.url, protocol: 'h2c' }];
      return { isSplit, set: [`client.sessions=${JSON.stringify(sessions)}`, 'entry.http2.cleartext=true'] };
    });
    before(() => {
      client = new grpc.Client(new URL(used.stack.entry).host, grpc.credentials.createInsecure());
    });

    function ask(name: 'unary' | 'fail' | 'hang', request: Buffer, options: grpc.CallOptions = {}) {
      const metadata = new grpc.Metadata();
      metadata.set('x-asked', 'once');
      metadata.set('x-key-bin', Buffer.from([1, 0, 255]));
      const told = Promise.withResolvers<{ error: grpc.ServiceError | null; value: Buffer | undefined }>();
      const call = client!.makeUnaryRequest(
        path(name),
        identity,
        identity,
        request,
        metadata,
        options,
        (error, value) => told.resolve({ error, value }),
      );
      return { call, answer: within(told.promise, `the answer to ${name}`) };
    }

    it('passes a unary call with its metadata and trailers, small and large', async () => {
      for (const bytes of [0, 1, 3_000_000]) {
        const request = Buffer.alloc(bytes, 'x');
        const { call, answer } = ask('unary', request);
        const metadata = once(call, 'metadata');
        const status = once(call, 'status');
        const { error, value } = await answer;
        assert.equal(error, null);
        assert.ok(value?.equals(request));
        const [first] = (await metadata) as [grpc.Metadata];
        assert.deepEqual([first.get('x-asked'), first.get('x-key-bin')], [['once'], [Buffer.from([1, 0, 255])]]);
        const [{ metadata: trailer }] = (await status) as [grpc.StatusObject];
        assert.deepEqual(
          [trailer.get('x-sum'), trailer.get('x-bytes-bin')],
          [[String(bytes)], [Buffer.from([0, 255, 10])]],
        );
      }
    });

    it('passes a stream of answers, in order', async () => {
      const call = client!.makeServerStreamRequest(path('down'), identity, identity, Buffer.from('of many'));
      const heard: string[] = [];
      call.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
      await within(once(call, 'end'), 'the end of the stream');
      assert.deepEqual(
        heard,
        Array.from({ length: 100 }, (_, i) => `${i} of many`),
      );
    });

    it('passes a stream of requests', async () => {
      const told = Promise.withResolvers<string>();
      const call = client!.makeClientStreamRequest<Buffer, Buffer>(path('up'), identity, identity, (error, value) =>
        told.resolve(error?.message ?? String(value)),
      );
      for (let i = 0; i < 100; i += 1) call.write(Buffer.alloc(10_000));
      call.end();
      assert.equal(await within(told.promise, 'the answer'), '1000000');
    });

    it('passes both at once, each message as it comes', async () => {
      const call = client!.makeBidiStreamRequest<Buffer, Buffer>(path('both'), identity, identity);
      for (const word of ['one', 'two', 'three']) {
        const heard = once(call, 'data');
        call.write(Buffer.from(word));
        assert.equal(String((await within(heard, `'${word}' to come back`))[0]), word);
      }
      const status = once(call, 'status');
      call.end();
      assert.equal(((await within(status, 'the status')) as [grpc.StatusObject])[0].code, grpc.status.OK);
    });

    it('passes an error that is trailers alone', async () => {
      const { error } = await ask('fail', Buffer.from('x')).answer;
      assert.deepEqual([error?.code, error?.details], [grpc.status.NOT_FOUND, 'nobody, nowhere']);
    });

    it('passes a deadline, which the backend sees as the end of the call', async () => {
      const cancelled = new Promise<void>((resolve) => backend.cancelled.push(resolve));
      const { error } = await ask('hang', Buffer.from('x'), { deadline: Date.now() + 300 }).answer;
      assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
      await within(cancelled, 'the call to be cancelled at the backend');
    });

    it('passes a cancellation', async () => {
      const cancelled = new Promise<void>((resolve) => backend.cancelled.push(resolve));
      const { call, answer } = ask('hang', Buffer.from('x'));
      setTimeout(() => call.cancel(), 100);
      assert.equal((await answer).error?.code, grpc.status.CANCELLED);
      await within(cancelled, 'the call to be cancelled at the backend');
    });
  });
}
