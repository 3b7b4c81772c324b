#!/usr/bin/env node
// Starts the command line under a Node that runs TypeScript as it is. Plain JavaScript, since an older Node must be
// able to read it: there it starts the Node that the project brings, and passes signals and the exit code on.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 24;
const main = join(dirname(fileURLToPath(import.meta.url)), '../src/main.ts');

if (Number(process.versions.node.split('.')[0]) >= OLDEST_MAJOR) {
  await import(main);
} else {
  let node;
  try {
    node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node');
  } catch {
    process.stderr.write(`sallyport: Node ${OLDEST_MAJOR} or later is needed; run "npm ci" to get one\n`);
    process.exit(2);
  }
  // A process group of its own: a Ctrl-C then reaches it once, from here. The channel tells it when we are gone.
  const child = spawn(node, [main, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`sallyport: ${error.message}\n`);
    process.exit(1);
  });
  // As a shell would put it.
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}
