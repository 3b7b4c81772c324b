import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from './program.ts';

const COMMANDS = [
  'up server entry client backend doctor',
  'load',
  'creds, creds add, creds list, creds rotate, creds revoke, creds import',
  'config, config check, config print, config schema, config reference',
].flatMap((names) => names.split(names.includes(',') ? ', ' : ' '));

function all(command: Command, path: string): [string, Command][] {
  return [[path, command], ...command.commands.flatMap((each) => all(each, `${path} ${each.name()}`))];
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (chunk) => (text += chunk) });
  command.outputHelp();
  return text;
}

const program = createProgram(async () => {});
const commands = all(program, 'sallyport');

it('has every command that the interface names', () => {
  const paths = commands.map(([path]) => path);
  for (const name of COMMANDS) assert.ok(paths.includes(`sallyport ${name}`), name);
});

for (const [path, command] of commands) {
  it(`shows an example in "${path} --help"`, () => {
    assert.match(helpOf(command), new RegExp(`Examples?:\\n {2}(\\w+=\\S+ )?${path}`));
  });

  it(`takes --version and says what it is for in "${path} --help"`, () => {
    const help = helpOf(command);
    assert.match(help, /-V, --version/);
    assert.ok(command.description().length > 0);
    if (command.commands.length === 0) assert.match(help, /--json/);
  });
}
