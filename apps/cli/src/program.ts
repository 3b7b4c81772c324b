/** Every command, with its flags and help. */
import { Command } from 'commander';
import { addConfig } from './commands/config.ts';
import { addCreds } from './commands/creds.ts';
import { addDoctor } from './commands/doctor.ts';
import { addLoad } from './commands/load.ts';
import { addParts } from './commands/parts.ts';
import { addUp } from './commands/up.ts';
import type { Exit } from './exit.ts';
import { VERSION } from './version.ts';

/** `run` is given what the command named on the command line does. Throws CommanderError instead of ending the process. */
export function createProgram(run: (action: () => Promise<Exit>) => Promise<void>): Command {
  const program = new Command('sallyport')
    .description('A reverse tunnel with its own load tests: a service behind NAT, reachable, and measured hop by hop.')
    .addHelpText('after', '\nExample:\n  sallyport up\n  sallyport help client')
    // Commander's own complaints have two lines: whoever catches its error says them in one.
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
  return program;
}

function addVersion(command: Command): void {
  command.version(VERSION, '-V, --version', 'print the version');
  for (const inner of command.commands) addVersion(inner);
}
