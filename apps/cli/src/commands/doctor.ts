/** `sallyport doctor`: what is wrong with a configuration or a deployment, and how to fix it. */
import type { Command } from 'commander';
import type { AdminPorts } from '../doctor/context.ts';
import { examine } from '../doctor/doctor.ts';
import { findingLine } from '../doctor/finding.ts';
import type { Status } from '../doctor/finding.ts';
import { Exit, usageError } from '../exit.ts';
import { createOutput } from '../output.ts';
import { addSettingFlags, loadSettings, readBearer } from '../settings.ts';
import type { SettingFlags } from '../settings.ts';

interface DoctorFlags extends SettingFlags {
  readonly target?: string;
  readonly admin: readonly string[];
  readonly credentialFile?: string;
}

const STEP_TIMEOUT_MS = 5_000;
const TARGET_EXAMPLE = 'http://127.0.0.1:12000/session/demo/';
const ADMIN_EXAMPLE = 'http://127.0.0.1:12003';
const EXAMPLES = `
Parts that run are asked what they know: readiness, limits that were reached, slots, links, certificates. What is found
names its page of docs/runbooks.

Examples:
  sallyport doctor --config ./sallyport.yaml --target https://tunnel.example.org/session/demo/
  sallyport doctor --admin http://10.0.0.5:12002 --admin http://10.0.0.6:12003 --credential-file ./admin.secret`;

export function addDoctor(program: Command, run: (action: () => Promise<Exit>) => Promise<void>): void {
  addSettingFlags(program.command('doctor').description('checks a configuration or a deployment, one line each'))
    .option('--target <url>', 'also check this URL as visitors see it')
    .option(
      '--admin <url>',
      'a running part, by its admin port, in place of those of the configuration; may be repeated',
      (url: string, others: readonly string[]) => [...others, url],
      [],
    )
    .option('--credential-file <file>', 'file with a line id:secret, for admin ports that are not on loopback')
    .addHelpText('after', EXAMPLES)
    .action((flags: DoctorFlags) => run(() => doctor(flags)));
}

async function doctor(flags: DoctorFlags): Promise<Exit> {
  const target = flags.target === undefined ? null : urlOf('--target', flags.target, TARGET_EXAMPLE);
  const admin = adminOf(flags);
  const loaded = loadSettings(flags);
  const context = {
    settings: loaded.ok ? loaded : null,
    problems: loaded.ok ? [] : loaded.problems,
    env: process.env,
    target,
    admin,
    timeoutMs: STEP_TIMEOUT_MS,
    nowMs: Date.now,
  };
  const output = createOutput(flags.json === true);
  const counts: Record<Status, number> = { ok: 0, info: 0, warn: 0, fail: 0 };
  await examine(context, (finding) => {
    counts[finding.status] += 1;
    output.result(finding, findingLine(finding));
  });
  output.note(`${counts.fail} failed, ${counts.warn} to look at, ${counts.ok} in order`);
  return counts.fail === 0 ? Exit.DONE : Exit.FAILED;
}

function adminOf({ admin, credentialFile }: DoctorFlags): AdminPorts {
  const urls = admin.map((text) => urlOf('--admin', text, ADMIN_EXAMPLE));
  return { urls, authorization: credentialFile === undefined ? null : readBearer(credentialFile) };
}

function urlOf(flag: string, text: string, example: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw usageError(`${flag} is not an http:// or https:// URL`, `for example ${flag} ${example}`);
  }
  return url;
}
