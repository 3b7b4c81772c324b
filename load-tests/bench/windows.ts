/** Windows of load taken alternately on several arms, and what each cost in CPU. */
import { readFileSync } from 'node:fs';
import { generate } from './generator.ts';
import type { Generator, WindowAnswers } from './generator.ts';
import { parseCpuTime, parseMemory } from './proc.ts';

export interface Target {
  readonly name: string;
  readonly url: string;
  /** Processes whose CPU is charged to the requests of this target, by name. */
  readonly pids: Readonly<Record<string, number>>;
}

export interface Window {
  readonly target: string;
  readonly answers: WindowAnswers;
  /** User and system time of each process in this window, divided by the requests answered. */
  readonly cpuUsPerRequest: Readonly<Record<string, number>>;
}

export interface Plan {
  readonly generator: Generator;
  readonly connections: number;
  /** Of one window. */
  readonly seconds: number;
  /** Of A-B-B-A: two pairs each. */
  readonly rounds: number;
}

/** Long enough for the optimising compiler; a shorter window is warmed up for as long as it lasts. */
const WARM_UP_S = 5;

/**
 * Windows in pairs: `result[pair][target]`. The order turns with every pair (A-B-B-A), so that a machine that drifts
 * weighs on all alike. Each target is warmed up with one discarded window.
 */
export async function alternate(
  targets: readonly Target[],
  plan: Plan,
  signal: AbortSignal,
  onWindow: (window: Window) => void,
): Promise<Window[][]> {
  const warmUp = { ...plan, seconds: Math.min(WARM_UP_S, plan.seconds) };
  for (const target of targets) await takeWindow(target, warmUp, signal);
  const pairs: Window[][] = [];
  while (pairs.length < 2 * plan.rounds) {
    const pair: Window[] = [];
    const order = [...targets.keys()];
    if (pairs.length % 2 === 1) order.reverse();
    for (const index of order) {
      const window = await takeWindow(targets[index] as Target, plan, signal);
      pair[index] = window;
      onWindow(window);
    }
    pairs.push(pair);
  }
  return pairs;
}

async function takeWindow(target: Target, plan: Plan, signal: AbortSignal): Promise<Window> {
  const before = cpuTimesUs(target);
  const answers = await generate(plan.generator, { ...plan, url: target.url }, signal);
  const after = cpuTimesUs(target);
  if (answers.requests === 0) throw new Error(`${target.name}: no request was answered at ${target.url}`);
  const cpuUsPerRequest: Record<string, number> = {};
  for (const name of Object.keys(after)) {
    cpuUsPerRequest[name] = ((after[name] ?? 0) - (before[name] ?? 0)) / answers.requests;
  }
  return { target: target.name, answers, cpuUsPerRequest };
}

function cpuTimesUs({ name, pids }: Target): Record<string, number> {
  const timesUs: Record<string, number> = {};
  for (const [part, pid] of Object.entries(pids)) {
    const time = parseCpuTime(readProc(pid, 'stat'));
    if (time === undefined) throw new Error(`${name}: the ${part} process ${pid} is gone, or there is no /proc here`);
    timesUs[part] = time.userUs + time.systemUs;
  }
  return timesUs;
}

/** The most memory each process of the target ever held, in bytes. */
export function peakMemory({ pids }: Target): Record<string, number> {
  const peaks: Record<string, number> = {};
  for (const [part, pid] of Object.entries(pids)) {
    peaks[part] = parseMemory(readProc(pid, 'status'))?.peakRssBytes ?? Number.NaN;
  }
  return peaks;
}

function readProc(pid: number, file: 'stat' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
