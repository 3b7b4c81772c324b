/** A process of `sallyport up`: one part, told what to be over the channel, ending when it is told to or left alone. */
import { asCommandError } from '../exit.ts';
import type { PartMessage, StartMessage } from './messages.ts';
import { startPart } from './parts.ts';
import type { RunningPart } from './parts.ts';

let running: RunningPart | null = null;

/** To a parent that may be gone: then 'disconnect' says so, and not an error that nobody expects. */
function say(message: PartMessage): void {
  process.send?.(message, () => {});
}

async function start({ part, config, credential }: StartMessage): Promise<void> {
  try {
    running = await startPart(part, config, credential);
    say({ kind: 'ready', ...running.ready });
  } catch (error) {
    const { exit, message } = asCommandError(error);
    say({ kind: 'failed', exit, message });
    process.disconnect?.();
  }
}

async function stop(): Promise<void> {
  await running?.stop();
  process.exit(0);
}

process.on('message', (message: StartMessage | { kind: 'stop' }) => {
  if (message.kind === 'start') void start(message);
  else void stop();
});
process.on('SIGTERM', () => void stop());
// A Ctrl-C reaches the whole group; the order of stopping is the parent's.
process.on('SIGINT', () => {});
// As does the end of a terminal.
process.on('SIGHUP', () => {});
process.on('disconnect', () => process.exit(running === null ? 1 : 0));
// Nobody else catches it: one line, and the parent says which part died.
process.on('uncaughtException', (error) => {
  process.stderr.write(`sallyport: ${asCommandError(error).message}\n`);
  process.exit(1);
});
