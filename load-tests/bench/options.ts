/** The flags of benchmarks that take windows of load. */
import { HOW_TO_GET_WRK, hasWrk } from './generator.ts';
import type { Generator } from './generator.ts';
import { sayOnStderr, UsageError, wholeNumber } from './script.ts';
import type { Plan } from './windows.ts';

/** wrk if it is there and nothing else was asked for. */
export async function chooseGenerator(asked: string | undefined, say: (line: string) => void): Promise<Generator> {
  if (asked === 'wrk' || asked === 'builtin') return asked;
  if (asked !== undefined) throw new UsageError(`--generator is wrk or builtin, not ${JSON.stringify(asked)}`);
  if (await hasWrk()) return 'wrk';
  say(HOW_TO_GET_WRK);
  return 'builtin';
}

const MAX_WINDOW_S = 600;
const MAX_ROUNDS = 100;
const MAX_CONNECTIONS = 400;

/** The flags that say how windows are taken. */
export interface WindowFlags {
  readonly seconds: string;
  readonly rounds: string;
  readonly generator?: string | undefined;
}

export async function windowPlan({ seconds, rounds, generator }: WindowFlags): Promise<Omit<Plan, 'connections'>> {
  return {
    seconds: wholeNumber('seconds', seconds, MAX_WINDOW_S),
    rounds: wholeNumber('rounds', rounds, MAX_ROUNDS),
    generator: await chooseGenerator(generator, sayOnStderr),
  };
}

export function connectionsOf(text: string): number {
  return wholeNumber('connections', text, MAX_CONNECTIONS);
}
