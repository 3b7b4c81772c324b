/** The `sallyport` command. */
import { Command, CommanderError } from 'commander';
import { addParts } from './commands/parts.ts';
import { addUp } from './commands/up.ts';
import { asCommandError, Exit } from './exit.ts';
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

const program = new Command('sallyport')
  .description('A reverse tunnel with its own load tests: a service behind NAT, reachable, and measured hop by hop.')
  .version(VERSION)
  .showHelpAfterError('(sallyport --help shows how)')
  .exitOverride()
  .enablePositionalOptions();
addUp(program, run);
addParts(program, run);
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what is wrong already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? Exit.DONE : Exit.USAGE;
  else fail(error);
}
