import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { LoadModel } from '../engine/plan.ts';
import { LoadError } from '../src/errors.ts';
import { inRange, wholeIn } from '../src/ranges.ts';
import { listOf, oneOf, record, refuse } from './fields.ts';
import { nearest } from './nearest.ts';
import { parseRequests } from './request-shape.ts';
import type { RequestShape } from './request-shape.ts';
import { parseTrace } from './trace.ts';
import type { TraceArrival } from './trace.ts';

const MAX_RATE = 100_000;
export const MAX_STEP_S = 7 * 24 * 3600;
export const MAX_STEPS = 200;
export const MAX_WARM_UP_S = 600;
/** Four times the longest recording. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MIN_STEP_S = 0.1;
const MAX_SESSIONS = 1000;
const DEFAULT_WARM_UP_S = 3;
/** As the entry takes them: a UUID is one of these as well. */
const SESSION_ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export type Arrivals = 'uniform' | 'poisson';
/** `rate` is requests per second and per arm; the step holds it for `durationS` seconds. */
export type ProfileStep = { rate: number; durationS: number };
export type Profile = {
  name: string;
  description: string;
  arrivals: Arrivals;
  warmUpS: number;
  /** `open`: arrivals by the schedule, whatever the answers do. `closed`: the next request when the last has ended. */
  model: LoadModel;
  steps: ProfileStep[];
  /** Sessions in rotation: ids, or how many (`demo-1`, `demo-2` … after the target's own). Null: the target's own. */
  sessions: string[] | number | null;
  /** In rotation by their weights; empty for what the command line says. */
  requests: RequestShape[];
  /** Recorded arrivals, in place of the steps' schedule; then there is one step, as long as they. */
  trace: TraceArrival[] | null;
};

const PROFILE_KEYS = [
  'name',
  'description',
  'arrivals',
  'warmUpS',
  'model',
  'steps',
  'trace',
  'sessions',
  'requests',
] as const;
const STEP_KEYS = ['rate', 'durationS'] as const;
const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** The names of the profiles that come with the project. */
export function profileNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => extname(file) === '.yaml')
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/**
 * Reads a profile by name (`short`) or from a file (anything with a slash, a backslash or a YAML ending).
 * @throws LoadError `SP_LOAD_PROFILE`
 */
export function loadProfile(nameOrFile: string): Profile {
  const isFile = /[/\\]|\.ya?ml$/i.test(nameOrFile);
  const names = profileNames();
  if (!isFile && !names.includes(nameOrFile)) {
    throw refuse(
      `there is no profile "${nameOrFile}"; nearest is "${nearest(nameOrFile, names)}" of ${names.join(', ')}`,
    );
  }
  const file = isFile ? nameOrFile : `${FOLDER}${nameOrFile}.yaml`;
  let text: string;
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw refuse(`the profile ${file} is over ${MAX_FILE_BYTES} bytes`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof LoadError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw refuse(`the profile ${file} cannot be read (${code}); give its file, or one of ${names.join(', ')}`);
  }
  return parseProfile(text, file);
}

/**
 * Parses and checks a profile; nothing after this looks at it with doubt.
 * @param source named in errors
 * @throws LoadError `SP_LOAD_PROFILE`
 */
export function parseProfile(text: string, source: string): Profile {
  let document: unknown;
  try {
    // What is odd about it is said by the checks below, in one line; the parser's warnings would be several.
    document = parse(text, { logLevel: 'error' });
  } catch (error) {
    throw refuse(`${source} is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const fields = record(document, PROFILE_KEYS, source);
  const { arrivals = 'uniform', model = 'open', warmUpS = DEFAULT_WARM_UP_S, sessions, requests } = fields;
  return {
    name: label(fields['name'], basename(source, extname(source))),
    description: label(fields['description'], ''),
    arrivals: oneOf(arrivals, ['uniform', 'poisson'], `${source}: arrivals`),
    warmUpS: inRange(warmUpS, 0, MAX_WARM_UP_S, `${source}: warmUpS`),
    model: oneOf(model, ['open', 'closed'], `${source}: model`),
    sessions: sessions === undefined ? null : parseSessions(sessions, `${source}: sessions`),
    requests: requests === undefined ? [] : parseRequests(requests, `${source}: requests`),
    ...parseSchedule(fields, source),
  };
}

/** Steps, or a recorded run and the one step that it is. */
function parseSchedule(fields: Record<string, unknown>, source: string): Pick<Profile, 'steps' | 'trace'> {
  const { steps, trace, requests, model } = fields;
  if (trace === undefined) {
    return {
      steps: listOf(steps, MAX_STEPS, `${source}: steps`, '[{ rate: 20, durationS: 10 }]', parseStep),
      trace: null,
    };
  }
  if (steps !== undefined || requests !== undefined || model === 'closed') {
    throw refuse(`${source}: a trace says when and what is sent; remove steps, requests and model`);
  }
  const arrivals = parseTrace(trace, `${source}: trace`);
  return { steps: [traceStep(arrivals)], trace: arrivals };
}

/** The step that holds recorded arrivals: as long as they, at their mean rate. */
export function traceStep(arrivals: readonly { atMs: number }[]): ProfileStep {
  // The last arrival is inside the step, not at its end.
  const lastMs = arrivals.at(-1)?.atMs ?? 0;
  const durationS = Math.max(MIN_STEP_S, (Math.floor(lastMs) + 1) / 1000);
  // Four digits: a rate is read by people.
  return { rate: Number((arrivals.length / durationS).toPrecision(4)), durationS };
}

function parseSessions(value: unknown, where: string): string[] | number {
  if (typeof value === 'number') return wholeIn(value, 1, MAX_SESSIONS, where);
  return listOf(value, MAX_SESSIONS, where, '[demo, other]', (id, place) => {
    if (typeof id === 'string' && SESSION_ID.test(id)) return id;
    throw refuse(`${place} must be a session's id such as demo, not ${JSON.stringify(id)}`);
  });
}

/**
 * The profile of `--rate N --duration S`: one step.
 * @throws LoadError `SP_LOAD_PROFILE`
 */
export function singleStep(rate: number, durationS: number): Profile {
  return profileOf('single', [parseStep({ rate, durationS }, 'the single step')]);
}

/** A profile of steps and otherwise of what holds unless told. */
export function profileOf(name: string, steps: ProfileStep[]): Profile {
  return {
    name,
    description: '',
    arrivals: 'uniform',
    warmUpS: DEFAULT_WARM_UP_S,
    model: 'open',
    steps,
    sessions: null,
    requests: [],
    trace: null,
  };
}

function parseStep(value: unknown, where: string): ProfileStep {
  const step = record(value, STEP_KEYS, where);
  return {
    rate: inRange(step['rate'], 0.1, MAX_RATE, `${where}.rate`),
    durationS: inRange(step['durationS'], MIN_STEP_S, MAX_STEP_S, `${where}.durationS`),
  };
}

function label(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}
