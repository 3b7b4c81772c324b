/** gRPC through the tunnel, @grpc/grpc-js at both ends: HTTP/2 with visitors, HTTP/2 in clear text to the backend. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError, StatusObject } from '@grpc/grpc-js';
import { CEILING_MS, within } from '../harness/deadline.ts';
import { SHAPES, useStack } from '../harness/stack.ts';
import { makeCertificate } from './certificate.ts';
import type { CertificateFolder } from './certificate.ts';
import { Paths, same, startGrpcBackend } from './grpc-backend.ts';
import type { GrpcBackend } from './grpc-backend.ts';

/** Below the 4 MiB that the library takes at most. */
const LARGE_BYTES = 3_000_000;
/** Metadata whose name ends in -bin is any bytes. */
const KEY = Buffer.from([1, 0, 255]);
const STREAMED = 100;
const PART_BYTES = 10_000;
const CONCURRENT_CALLS = 100;
/** The later ones are for a machine on which the call does not reach the backend by the first. */
const DEADLINES_MS = [300, 3_000, 20_000];

interface Answered {
  readonly message: string | undefined;
  readonly ended: StatusObject;
  readonly early: Metadata;
}

function question(text: string): Metadata {
  const metadata = new Metadata();
  metadata.add('x-question', text);
  metadata.add('x-key-bin', KEY);
  return metadata;
}

function unary(client: Client, message: string | Buffer, metadata = question('')): Promise<Answered> {
  const answered = new Promise<Answered>((resolve) => {
    let early = new Metadata();
    let come: Buffer | undefined;
    client
      .makeUnaryRequest(Paths.unary, same, same, Buffer.from(message), metadata, (_error, answer) => (come = answer))
      .on('metadata', (heard) => (early = heard))
      // Its callback comes behind this.
      .on('status', (ended) => setImmediate(() => resolve({ message: come?.toString('latin1'), ended, early })));
  });
  return within(answered, 'the answer of a call');
}

/** All of a call, to its status. */
async function finished(call: ClientReadableStream<Buffer>): Promise<{ messages: string[]; ended: StatusObject }> {
  const messages: string[] = [];
  const ended = new Promise<StatusObject>((resolve) => {
    call
      .on('data', (message: Buffer) => messages.push(message.toString()))
      .on('error', () => {})
      .on('status', resolve);
  });
  return { ended: await within(ended, 'the status of a call'), messages };
}

function heard(call: ClientReadableStream<Buffer>, text: string): Promise<void> {
  const come = new Promise<void>((resolve) => {
    call.on('data', (message: Buffer) => {
      if (message.toString() === text) resolve();
    });
  });
  return within(come, `${text}, with the call still open`);
}

for (const { shape, isSplit } of SHAPES) {
  for (const isSecure of [false, true]) {
    describe(`gRPC ${isSecure ? 'over TLS' : 'in clear text'}, through ${shape}`, () => {
      let backend: GrpcBackend;
      let certificate: CertificateFolder;
      let client: Client;
      before(async () => {
        certificate = makeCertificate();
        backend = await startGrpcBackend();
      });
      after(() => {
        client.close();
        backend.close();
        certificate.remove();
      });
      const used = useStack(() => {
        const tls = isSecure ? `entry.tls.certificates=${certificate.folder}` : 'entry.http2.cleartext=true';
        const set = ['entry.hosts={"localhost":"demo"}', tls];
        return { isSplit, concurrency: CONCURRENT_CALLS, backend: backend.url, protocol: 'h2c', set };
      });
      before(() => {
        const { port } = new URL(isSecure ? used.stack.tls! : used.stack.entry);
        const { createSsl, createInsecure } = credentials;
        client = new Client(`localhost:${port}`, isSecure ? createSsl(readFileSync(certificate.ca)) : createInsecure());
      });

      it('answers a unary call, with metadata before it and in trailers', async () => {
        const { message, ended, early } = await unary(client, 'hello', question('why'));
        assert.equal(message, 'hello');
        assert.deepEqual([ended.code, ended.metadata.get('x-asked'), early.get('x-early')], [0, ['why'], ['yes']]);
        assert.deepEqual(ended.metadata.get('x-key-bin'), [KEY]);
      });

      it(`brings a message of ${LARGE_BYTES} bytes and an empty one back as they were`, async () => {
        for (const sent of [randomBytes(LARGE_BYTES), Buffer.alloc(0)]) {
          assert((await unary(client, sent)).message === sent.toString('latin1'));
        }
      });

      it(`answers ${CONCURRENT_CALLS} calls at once, each its own`, async () => {
        const words = Array.from({ length: CONCURRENT_CALLS }, (_, i) => `call ${i}`);
        const answers = await Promise.all(words.map((word) => unary(client, word)));
        assert.deepEqual(
          answers.map(({ message }) => message),
          words,
        );
      });

      it('streams answers', async () => {
        const call = client.makeServerStreamRequest(Paths.serverStream, same, same, Buffer.from('n'), question('how'));
        const { messages, ended } = await finished(call);
        assert.deepEqual(
          messages,
          Array.from({ length: STREAMED }, (_, i) => `n ${i}`),
        );
        assert.deepEqual([ended.code, ended.metadata.get('x-asked')], [0, ['how']]);
      });

      it('streams requests', async () => {
        const sent = Array.from({ length: STREAMED }, () => randomBytes(PART_BYTES));
        const joined = new Promise<Buffer | undefined>((resolve) => {
          const call = client.makeClientStreamRequest(Paths.clientStream, same, same, question(''), (_error, message) =>
            resolve(message),
          );
          for (const part of sent) call.write(part);
          call.end();
        });
        assert((await within(joined, 'the answer to a stream'))?.equals(Buffer.concat(sent)));
      });

      it('streams both ways at once, each message as it comes', async () => {
        const call = client.makeBidiStreamRequest(Paths.bidirectional, same, same, question('both'));
        const all = finished(call);
        for (const word of ['ping', 'pong']) {
          const echo = heard(call, word);
          call.write(Buffer.from(word));
          await echo;
        }
        call.end();
        const { messages, ended } = await all;
        assert.deepEqual([messages, ended.code, ended.metadata.get('x-asked')], [['ping', 'pong'], 0, ['both']]);
      });

      it('passes an error that is trailers alone, and one behind messages', async () => {
        const { message, ended } = await unary(client, 'missing', question('where'));
        assert.equal(message, undefined);
        assert.deepEqual([ended.code, ended.details], [status.NOT_FOUND, 'no such thing: grüß']);
        assert.deepEqual(ended.metadata.get('x-asked'), ['where']);
        const call = client.makeServerStreamRequest(Paths.serverStream, same, same, Buffer.from('break'));
        const broken = await finished(call);
        assert.equal(broken.messages.length, STREAMED);
        assert.deepEqual([broken.ended.code, broken.ended.details], [status.RESOURCE_EXHAUSTED, 'enough']);
      });

      it('keeps a deadline, and the backend learns that it is over', async () => {
        const before = backend.held();
        for (const limitMs of DEADLINES_MS) {
          const failed = new Promise<ServiceError | null>((resolve) => {
            const deadline = Date.now() + limitMs;
            client.makeUnaryRequest(Paths.unary, same, same, Buffer.from('hold'), question(''), { deadline }, resolve);
          });
          const error = await within(failed, 'the deadline', limitMs + CEILING_MS);
          assert.equal(error?.code, status.DEADLINE_EXCEEDED);
          if (backend.held() > before) break;
        }
        await within(backend.cancelled(), 'the backend to learn it');
      });

      it('cancels a stream, and the backend learns it', async () => {
        const call = client.makeBidiStreamRequest(Paths.bidirectional, same, same, question(''));
        const all = finished(call);
        const echo = heard(call, 'open');
        call.write(Buffer.from('open'));
        await echo;
        call.cancel();
        assert.equal((await all).ended.code, status.CANCELLED);
        await within(backend.cancelled(), 'the backend to learn it');
      });
    });
  }
}
