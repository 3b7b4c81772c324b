/** The `sallyport` command. */
import { Command, CommanderError } from 'commander';
import { addConfig } from './commands/config.ts';
import { addCreds } from './commands/creds.ts';
import { addDoctor } from './commands/doctor.ts';
import { addLoad } from './commands/load.ts';
import { addParts } from './commands/parts.ts';
import { addUp } from './commands/up.ts';
import { asCommandError, commandLineError, Exit } from './exit.ts';
import { VERSION } from './version.ts';

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
}

function addVersion(command: Command): void {
  command.version(VERSION, '-V, --version', 'print the version');
  for (const inner of command.commands) addVersion(inner);
}

const program = new Command('sallyport')
  .description('A reverse tunnel with its own load tests: a service behind NAT, reachable, and measured hop by hop.')
  .addHelpText('after', '\nExample:\n  sallyport up\n  sallyport help client')
  // Commander's own complaints have two lines: `fail` says them in one.
  .configureOutput({ outputError: () => {} })
  .exitOverride()
  .enablePositionalOptions();
addUp(program, run);
addParts(program, run);
addLoad(program, run);
addCreds(program, run);
addDoctor(program, run);
addConfig(program, run);
addVersion(program);

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
