/**
 * The process between a load test and its k6: `k6-keeper FOLDER PROGRAM ARGS…`. Runs the program and ends with its exit
 * code; on the message `stop` interrupts it. Whoever started this may be killed without a word: then the program ends
 * too, and the folder, where the plan with its credentials lies, is removed. Started by `k6.ts`.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

/** A stopped k6 that has not ended by then is killed; it waits for answers, and sums up. */
const KILL_AFTER_MS = 20_000;
const FAILED = 1;

const [folder = '', program = '', ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
let hasEnded = false;

const say = (words: string): void => {
  process.stderr.write(`${words}\n`);
  process.exitCode = FAILED;
};
child.once('error', ({ message }) => say(message));
child.once('close', (code, signal) => {
  hasEnded = true;
  if (code !== null && code >= 0) process.exitCode = code;
  else if (signal !== null) say(`it was ended by ${signal}`);
  if (process.connected) process.disconnect?.();
  else rmSync(folder, { recursive: true, force: true });
});

const endAlone = (): void => {
  if (!hasEnded) child.kill('SIGKILL');
};
process.once('disconnect', endAlone);
if (!process.connected) endAlone();

process.on('message', () => {
  child.kill('SIGINT');
  setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
});
// A group of its own keeps the terminal's signals away; only its parent ends it.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
