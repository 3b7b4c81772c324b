/** `sallyport doctor`: what is wrong with a configuration or a deployment, and how to fix it. */
import type { Command } from 'commander';
import { examine } from '../doctor/doctor.ts';
import { findingLine } from '../doctor/finding.ts';
import type { Status } from '../doctor/finding.ts';
import { Exit, usageError } from '../exit.ts';
import { createOutput } from '../output.ts';
import { addSettingFlags, loadSettings } from '../settings.ts';
import type { SettingFlags } from '../settings.ts';

interface DoctorFlags extends SettingFlags {
  readonly target?: string;
}

const STEP_TIMEOUT_MS = 5_000;

export function addDoctor(program: Command, run: (action: () => Promise<Exit>) => Promise<void>): void {
  addSettingFlags(program.command('doctor').description('checks a configuration or a deployment, one line each'))
    .option('--target <url>', 'also check this URL as visitors see it')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport doctor --config ./sallyport.yaml --target https://tunnel.example.org/session/demo/',
    )
    .action((flags: DoctorFlags) => run(() => doctor(flags)));
}

async function doctor(flags: DoctorFlags): Promise<Exit> {
  const target = flags.target === undefined ? null : targetOf(flags.target);
  const loaded = loadSettings(flags);
  const context = {
    settings: loaded.ok ? loaded : null,
    problems: loaded.ok ? [] : loaded.problems,
    env: process.env,
    target,
    timeoutMs: STEP_TIMEOUT_MS,
    nowMs: Date.now,
  };
  const output = createOutput(flags.json === true);
  const counts: Record<Status, number> = { ok: 0, warn: 0, fail: 0 };
  await examine(context, (finding) => {
    counts[finding.status] += 1;
    output.result(finding, findingLine(finding));
  });
  output.note(`${counts.fail} failed, ${counts.warn} to look at, ${counts.ok} in order`);
  return counts.fail === 0 ? Exit.DONE : Exit.FAILED;
}

function targetOf(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw usageError(
      '--target is not an http:// or https:// URL',
      'for example --target http://127.0.0.1:12000/session/demo/',
    );
  }
  return url;
}
