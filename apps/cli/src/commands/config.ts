/** `sallyport config`: what may be set, what is wrong, and what is in force. */
import type { Command } from 'commander';
import { configReference, configSchema, formatProblem, printConfig, redactUrl } from '@sallyport/config';
import { Exit } from '../exit.ts';
import { createOutput } from '../output.ts';
import { addSettingFlags, loadSettings, readSettings } from '../settings.ts';
import type { SettingFlags } from '../settings.ts';

type Run = (action: () => Promise<Exit>) => Promise<void>;
type JsonFlag = Pick<SettingFlags, 'json'>;

const INDENT = 2;

export function addConfig(program: Command, run: Run): void {
  const config = program
    .command('config')
    .description('checks the configuration, prints what is in force, describes every setting')
    .addHelpText('after', '\nExample:\n  sallyport config check ./sallyport.yaml');
  addSettingFlags(config.command('check [file]').description('every problem on a line of its own, or "ok"'))
    .addHelpText('after', '\nExample:\n  sallyport config check /etc/sallyport.yaml')
    .action((file: string | undefined, flags: SettingFlags) => run(async () => check(withFile(flags, file))));
  addSettingFlags(config.command('print').description('what is in force and where each value came from, as YAML'))
    .addHelpText('after', '\nExample:\n  SALLYPORT_LOG_LEVEL=debug sallyport config print --set entry.port=8080')
    .action((flags: SettingFlags) => run(async () => print(flags)));
  addJsonFlag(config.command('schema').description('the JSON Schema of the file, for editors'))
    .addHelpText('after', '\nExample:\n  sallyport config schema > sallyport.schema.json')
    .action((flags: JsonFlag) => run(async () => schema(flags)));
  addJsonFlag(config.command('reference').description('every setting with its limits and default, as Markdown'))
    .addHelpText('after', '\nExample:\n  sallyport config reference | less')
    .action((flags: JsonFlag) => run(async () => reference(flags)));
}

function addJsonFlag(command: Command): Command {
  return command.option('--json', 'one JSON object a line on standard output');
}

function withFile(flags: SettingFlags, file: string | undefined): SettingFlags {
  return file === undefined ? flags : { ...flags, config: file };
}

function check(flags: SettingFlags): Exit {
  const output = createOutput(flags.json === true);
  const result = loadSettings(flags);
  if (result.ok) {
    const from = result.file ?? 'no file: defaults, environment and flags';
    output.result({ event: 'ok', file: result.file ?? null }, `ok: ${from}`);
    return Exit.DONE;
  }
  for (const problem of result.problems) output.result({ event: 'problem', ...problem }, formatProblem(problem));
  return Exit.USAGE;
}

function print(flags: SettingFlags): Exit {
  const { config, origins, file = null } = readSettings(flags);
  const output = createOutput(flags.json === true);
  output.note(`file: ${file ?? 'none'}`);
  const shown: unknown = JSON.parse(JSON.stringify(config), redacted);
  output.result({ file, config: shown, origins: Object.fromEntries(origins) }, printConfig(config, origins).trimEnd());
  return Exit.DONE;
}

/** URLs are the only settings that can hold a secret: all others are paths of files that do. */
function redacted(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? redactUrl(value) : value;
}

function schema({ json = false }: JsonFlag): Exit {
  const text = JSON.stringify(configSchema(), null, INDENT);
  createOutput(json).result(configSchema(), text);
  return Exit.DONE;
}

function reference({ json = false }: JsonFlag): Exit {
  const markdown = configReference();
  createOutput(json).result({ markdown }, markdown.trimEnd());
  return Exit.DONE;
}
