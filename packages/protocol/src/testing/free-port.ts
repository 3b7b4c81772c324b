/** For programs that cannot be given port 0, and for dialling where nobody listens. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that Linux gives to who asks for any, and to who dials: nobody takes one of these meanwhile by chance. */
const FIRST = 20_000;
const COUNT = 10_000;

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(COUNT * Math.random());
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
