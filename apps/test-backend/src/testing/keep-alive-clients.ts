/**
 * A process of kept-alive clients for tests: `fork(this, [port, path, connections, requests])`. Each connection sends
 * its next request when the last answer is whole; a message with the number of answers ends it.
 */
import { connect } from 'node:net';
import { once } from 'node:events';

const [port, path = '/', connections, requests] = [
  Number(process.argv[2]),
  process.argv[3],
  Number(process.argv[4]),
  Number(process.argv[5]),
];
const REQUEST = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

/** Every answer to one fixed path is as long as the first: the date has a fixed width. */
let answerBytes = 0;
let started = 0;
let answered = 0;
const firstAnswer = Promise.withResolvers<void>();

async function runConnection(): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let missingBytes = 0;
  const send = (): void => {
    if (started === requests) return void socket.end();
    started += 1;
    missingBytes = answerBytes;
    socket.write(REQUEST);
  };
  socket.on('data', (chunk) => {
    if (answerBytes === 0) answerBytes = missingBytes = lengthOf(chunk.toString('latin1'));
    missingBytes -= chunk.length;
    if (missingBytes > 0) return;
    answered += 1;
    firstAnswer.resolve();
    send();
  });
  send();
  await once(socket, 'close');
}

function lengthOf(answer: string): number {
  const bodyBytes = Number(/^content-length: (\d+)\r$/im.exec(answer)?.[1]);
  return answer.indexOf('\r\n\r\n') + 4 + bodyBytes;
}

const first = runConnection();
await firstAnswer.promise;
await Promise.all([first, ...Array.from({ length: connections - 1 }, runConnection)]);
process.send?.(answered);
process.disconnect?.();
