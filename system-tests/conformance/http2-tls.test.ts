/** HTTP/2 over TLS, agreed upon in the handshake: the same frames, and ends that look like what they are. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { connect } from 'node:tls';
import { within } from '../harness/deadline.ts';
import { answerOn, Code, frame, Http2Peer, Type } from '../harness/h2.ts';
import type { Stack } from '../harness/stack.ts';
import { valuesOf } from '../harness/wire.ts';
import { OK, POST, request } from './http2-bench.ts';
import { conformance } from './rows.ts';
import { makeTlsFiles } from './tls-wire.ts';
import type { TlsFiles } from './tls-wire.ts';

const HOST = [':scheme', 'https', ':authority', 'app.test'];

async function secure(t: TestContext, { tls = '' }: Stack, { authority }: TlsFiles, windowBytes?: number) {
  const socket = connect({
    host: '127.0.0.1',
    port: Number(new URL(tls).port),
    servername: 'app.test',
    ca: authority.ca,
    ALPNProtocols: ['h2'],
  });
  t.after(() => socket.destroy());
  await within(once(socket, 'secureConnect'), 'a handshake');
  assert.equal(socket.alpnProtocol, 'h2');
  return new Http2Peer(socket, windowBytes === undefined ? {} : { windowBytes });
}

const files = makeTlsFiles();
if (files === null) it('HTTP/2 over TLS', { skip: 'openssl is absent' });
else defineRows(files);

function defineRows(made: TlsFiles): void {
  conformance('HTTP/2 over TLS', [`entry.tls.certificates=${made.folder}`], (row) => {
    row(
      7,
      'Over TLS a body that the backend cuts short resets the stream of HTTP/2, and no other of it',
      async (bench, t) => {
        const peer = await secure(t, bench.stack, made);
        const cut = request(peer, HOST);
        const far = await bench.backend.accept();
        await far.readHead();
        far.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
        await within(peer.body(cut, '12345'), 'the body so far');
        const other = request(peer, HOST);
        const second = await bench.backend.accept();
        assert.deepEqual(valuesOf((await second.readHead()).fields, 'x-forwarded-proto'), ['https']);
        far.reset();
        const { isWhole, resetCode } = await answerOn(peer, cut);
        assert.deepEqual([isWhole, resetCode], [false, Code.INTERNAL_ERROR]);
        second.send(OK);
        assert.equal((await answerOn(peer, other)).body, 'ok');
      },
    );

    row(29, 'Over TLS a visitor of HTTP/2 that goes away has its backend requests cancelled', async (bench, t) => {
      for (const how of ['end', 'destroy'] as const) {
        const peer = await secure(t, bench.stack, made);
        request(peer, [...HOST, ...POST], false);
        const far = await bench.backend.accept();
        await far.readHead();
        peer.socket[how]();
        await within(far.ended, 'the backend request to be cancelled');
      }
    });

    row(39, 'Over TLS a flood ends with GOAWAY ENHANCE_YOUR_CALM and the connection', async (bench, t) => {
      for (const [type, payload] of [
        [Type.PING, '12345678'],
        [Type.WINDOW_UPDATE, '\0\0\0\x01'],
      ] as const) {
        const peer = await secure(t, bench.stack, made, 65_535);
        const calm = within(peer.goaway(), 'GOAWAY');
        calm.catch(() => {});
        const flood = Buffer.concat(Array.from({ length: 200 }, () => frame(type, 0, 0, payload)));
        while (!peer.isEnded && peer.socket.writable) {
          // Right behind a look at what came: where the connection is reset meanwhile, a write would lose the GOAWAY.
          await turn();
          if (peer.socket.writable) peer.socket.write(flood);
        }
        assert.equal(await calm, Code.ENHANCE_YOUR_CALM);
      }
    });
  });
}
