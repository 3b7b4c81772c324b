/** Runs the `sallyport` command of this process's arguments. */
import { CommanderError } from 'commander';
import { asCommandError, commandLineError, Exit } from './exit.ts';
import { createProgram } from './program.ts';

async function run(action: () => Promise<Exit>): Promise<void> {
  try {
    process.exitCode = await action();
  } catch (error) {
    fail(error);
  }
  // Whatever is left open by now has had its chance to end.
  process.exit();
}

function fail(error: unknown): void {
  const { exit, message, code } = asCommandError(error);
  process.stderr.write(`sallyport: ${message}\n`);
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ event: 'error', code, message })}\n`);
  process.exitCode = exit;
}

/** Owners of the process, for as long as it lives: what nobody else catches ends in one line too. */
function guardProcess(): void {
  process.on('uncaughtException', (error) => {
    fail(error);
    process.exit();
  });
  // Whoever read our output is gone (`| head`): what else there is to do is still done.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  // The launcher is gone; a service drains by itself (service.ts), everything else just ends.
  process.once('disconnect', () => {
    if (process.listenerCount('disconnect') === 0) process.exit(Exit.INTERRUPTED);
  });
  process.channel?.unref();
  if (isCutOff(process)) process.exit(Exit.INTERRUPTED);
}

/** Whether a channel to a launcher was there and is gone. */
function isCutOff({ connected }: { readonly connected?: boolean }): boolean {
  return connected === false;
}

const program = createProgram(run);
guardProcess();
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) fail(error);
  else if (error.exitCode === 0) process.exitCode = Exit.DONE;
  // A command without its subcommand has printed its help.
  else if (error.code === 'commander.help') process.exitCode = Exit.USAGE;
  else fail(commandLineError(error, program, process.argv.slice(2)));
}
