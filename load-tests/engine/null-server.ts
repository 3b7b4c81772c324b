/**
 * The null server's process: answers every request with the same 200 and does nothing else, so that what a generator
 * measures against it is the generator's own. Raw node:net, one write for all requests of a chunk. Says its port over
 * IPC and ends with its parent. Requests must have no body. Started by `calibrate.ts`.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nok\n');
/** The end of a head, RFC 9112 §2.1. */
const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 13;

/** Counts heads that end in a chunk, of which `matched` bytes of the end may have come in the one before. */
class HeadCounter {
  #matched = 0;

  count(chunk: Buffer): number {
    let heads = 0;
    for (const byte of chunk) {
      if (byte === HEAD_END[this.#matched]) this.#matched += 1;
      else this.#matched = byte === CR ? 1 : 0;
      if (this.#matched < HEAD_END.length) continue;
      heads += 1;
      this.#matched = 0;
    }
    return heads;
  }
}

function serve(socket: Socket): void {
  const counter = new HeadCounter();
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    const heads = counter.count(chunk);
    if (heads === 1) socket.write(ANSWER);
    else if (heads > 1) socket.write(Buffer.concat(Array.from({ length: heads }, () => ANSWER)));
  });
}

const server = createServer(serve);
process.once('disconnect', () => process.exit(0));
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('SIGHUP', () => undefined);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ port });
});
