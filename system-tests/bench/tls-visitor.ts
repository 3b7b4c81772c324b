/**
 * `tls-visitor.ts JOB`: visitors on kept-alive connections, each asking again as soon as it is answered, for so many
 * seconds; prints how many requests were done a second. Ends itself.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

export interface VisitorJob {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly caFile: string;
  /** Shown to the entry. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

const MS_PER_S = 1_000;
const HEAD_END = '\r\n\r\n';

const job = JSON.parse(process.argv[2] ?? '{}') as VisitorJob;
const { protocol, hostname, port, pathname } = new URL(job.url);
const target = { host: hostname, port: Number(port) };
const options: ConnectionOptions = {
  ...target,
  ca: readFileSync(job.caFile),
  servername: 'app.test',
  ...(job.certFile === undefined ? {} : { cert: readFileSync(job.certFile), key: readFileSync(job.keyFile!) }),
};
const REQUEST = Buffer.from(`GET ${pathname} HTTP/1.1\r\nHost: app.test\r\n\r\n`);

let done = 0;
let failed = 0;
let isOver = false;

/** Asks again as soon as an answer has come whole. */
function ask(): void {
  const socket: Socket = protocol === 'https:' ? connectTls(options) : connect(target);
  let text = '';
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const end = text.indexOf(HEAD_END);
    if (end === -1) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
    if (text.length < end + HEAD_END.length + length) return;
    if (text.startsWith('HTTP/1.1 200 ')) done += 1;
    else failed += 1;
    text = '';
    if (isOver) socket.destroy();
    else socket.write(REQUEST);
  });
  socket.on('error', () => (failed += 1));
  socket.write(REQUEST);
}

const startMs = performance.now();
for (let i = 0; i < job.connections; i += 1) ask();
setTimeout(() => {
  isOver = true;
  const perSecond = (done * MS_PER_S) / (performance.now() - startMs);
  process.stdout.write(`${JSON.stringify({ perSecond, failed })}\n`);
  process.exit(0);
}, job.seconds * MS_PER_S);
