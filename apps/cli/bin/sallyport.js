#!/usr/bin/env node
// Starts the command line under a Node that runs TypeScript as it is, with the flags that it wants. Plain JavaScript,
// since an older Node must be able to read it: there it starts the Node that the project brings, and passes signals and
// the exit code on. A Node that is new enough becomes the command itself: same process, no parent.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 24;
/** Of the npm package `node` that the project brings. */
const BROUGHT_MAJOR = 26;
// The young generation begins at its full size: started at 1 MB, requests under way survive it and become old garbage.
const FLAGS = ['--min-semi-space-size=16', '--disable-warning=ExperimentalWarning'];
// Dead buffers then wait for the heap's own limit instead of forcing a full collection every 64 MB that pass: half as
// much again of a large transfer per second. A Node that does not know it would refuse to start.
const NEWER_FLAGS = ['--external-memory-accounted-in-global-limit'];
const here = dirname(fileURLToPath(import.meta.url));
const ownMajor = Number(process.versions.node.split('.')[0]);
const major = ownMajor >= OLDEST_MAJOR ? ownMajor : BROUGHT_MAJOR;
const flags = major >= BROUGHT_MAJOR ? [...FLAGS, ...NEWER_FLAGS] : FLAGS;
const args = [...flags, join(here, '../src/main.ts'), ...process.argv.slice(2)];
// What was compiled once is kept: half the time to start. Where it cannot be written, Node does without.
process.env.NODE_COMPILE_CACHE ??= join(here, '../../../node_modules/.cache/sallyport');

if (ownMajor >= OLDEST_MAJOR && process.execve !== undefined && !process.connected) {
  process.removeAllListeners('warning');
  process.execve(process.execPath, [process.execPath, ...args], process.env);
} else {
  startBeside(findNode());
}

function findNode() {
  if (ownMajor >= OLDEST_MAJOR) return process.execPath;
  try {
    return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node');
  } catch {
    process.stderr.write(`sallyport: Node ${OLDEST_MAJOR} or later is needed; run "npm ci" to get one\n`);
    return process.exit(2);
  }
}

function startBeside(node) {
  // A process group of its own: a Ctrl-C then reaches it once, from here. The channel tells it when we are gone.
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], detached: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // Whoever started us has gone without a word.
  process.once('disconnect', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    process.stderr.write(`sallyport: ${error.message}\n`);
    process.exit(1);
  });
  // As a shell would put it.
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}
