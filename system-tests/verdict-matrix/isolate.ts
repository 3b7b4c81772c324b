/** `sallyport load isolate --json` as a process, and the verdict of its report. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadReport, Verdict } from '@sallyport/load-tests';
import { ROOT } from '../harness/command.ts';

const MAIN = ['--disable-warning=ExperimentalWarning', join(ROOT, 'apps/cli/src/main.ts')];
const MAX_OUTPUT_CHARS = 8 * 1024 * 1024;
const WARM_UP_S = 1;
/** A run ends at most this long behind its last step. */
const TIMEOUT_MS = 4000;

/** What the command says at a step's end. */
const STEP_LINE = /\d\/s/;

export interface Order {
  readonly target: string;
  readonly direct: string;
  readonly admin: readonly string[];
  readonly rates: readonly number[];
  readonly stepS: number;
  readonly bodyBytes?: number | undefined;
  readonly maxInFlight?: number | undefined;
  /** An empty folder. */
  readonly folder: string;
  /** Put before the command: `taskset`, `prlimit`. */
  readonly prefix: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Called once, when the first step has ended. */
  readonly onFirstStep: () => void;
}

export interface Isolated {
  readonly exitCode: number | null;
  readonly verdict: Verdict;
  readonly report: LoadReport;
}

export async function isolate(order: Order): Promise<Isolated> {
  const profile = join(order.folder, 'matrix.yaml');
  const steps = order.rates.map((rate) => ({ rate, durationS: order.stepS }));
  // JSON is YAML.
  await writeFile(profile, JSON.stringify({ name: 'matrix', warmUpS: WARM_UP_S, steps }));
  const [command = '', ...args] = [...order.prefix, process.execPath, ...MAIN, ...argumentsOf(order, profile)];
  const child = spawn(command, args, {
    env: { ...process.env, ...order.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (output.length < MAX_OUTPUT_CHARS) output += text;
  });
  let isFirst = true;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (isFirst && STEP_LINE.test(text)) {
      isFirst = false;
      order.onFirstStep();
    }
    if (errors.length < MAX_OUTPUT_CHARS) errors += text;
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const line = output.split('\n').find((each) => each.includes('"event":"report"'));
  if (line === undefined) throw new Error(`load isolate ended with ${exitCode}: ${errors.trim().slice(-500)}`);
  const report = JSON.parse(line) as LoadReport;
  return { exitCode, verdict: report.verdict, report };
}

function argumentsOf(order: Order, profile: string): string[] {
  const { target, direct, admin, bodyBytes, maxInFlight, folder } = order;
  return [
    'load',
    'isolate',
    '--json',
    ...flag('--target', target),
    ...flag('--direct', direct),
    ...flag('--profile', profile),
    ...flag('--timeout', TIMEOUT_MS),
    ...flag('--out', join(folder, 'report')),
    ...admin.flatMap((url) => flag('--admin', url)),
    ...flag('--body', bodyBytes === undefined ? undefined : 'x'.repeat(bodyBytes)),
    ...flag('--max-in-flight', maxInFlight),
  ];
}

function flag(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)];
}
