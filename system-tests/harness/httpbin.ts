/** httpbin under gunicorn: a backend that others wrote. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { within } from './deadline.ts';

const FLAGS = ['-k', 'gevent', '--workers', '2', '--worker-connections', '1000', '-b', '127.0.0.1:0', 'httpbin:app'];

export interface Httpbin {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startHttpbin(): Promise<Httpbin> {
  const child = spawn('gunicorn', FLAGS, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  const log: string[] = [];
  const found = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    const url = /Listening at: (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) found.resolve(url);
  });
  const died = ended.then((): never => {
    throw new Error(`gunicorn ended:\n${log.join('\n')}`);
  });
  const url = await within(Promise.race([found.promise, died]), 'gunicorn to listen');
  // Once it was stopped on purpose, nobody asks why.
  died.catch(() => {});
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await within(ended, 'gunicorn to end');
    },
  };
}
