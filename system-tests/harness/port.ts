/** For programs that cannot be given port 0, and for what ends and comes back at the same port. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Linux gives one from 32768 on to who asks for any, or connects: one below stays free until somebody asks for it. */
const LEAST = 20_000;
const BELOW = 32_000;

const given = new Set<number>();

/** A port of 127.0.0.1 that nobody has, that nobody gets by chance, and that is given once. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(LEAST, BELOW);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
