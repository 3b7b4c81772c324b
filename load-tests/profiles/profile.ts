import { readFileSync, readdirSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { LoadError } from '../src/errors.ts';
import { inRange } from '../src/ranges.ts';
import { nearest } from './nearest.ts';

export const MAX_RATE = 100_000;
export const MAX_STEP_S = 7 * 24 * 3600;
export const MAX_STEPS = 200;
export const MAX_WARM_UP_S = 600;
const DEFAULT_WARM_UP_S = 3;

export type Arrivals = 'uniform' | 'poisson';
/** `rate` is requests per second and per arm; the step holds it for `durationS` seconds. */
export type ProfileStep = { rate: number; durationS: number };
export type Profile = {
  name: string;
  description: string;
  arrivals: Arrivals;
  warmUpS: number;
  steps: ProfileStep[];
};

const PROFILE_KEYS = ['name', 'description', 'arrivals', 'warmUpS', 'steps'] as const;
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
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw refuse(`the profile ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
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
    document = parse(text);
  } catch (error) {
    throw refuse(`${source} is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const fields = record(document, PROFILE_KEYS, source);
  const { steps, arrivals = 'uniform', warmUpS = DEFAULT_WARM_UP_S } = fields;
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > MAX_STEPS) {
    throw refuse(`${source}: steps must be a list of 1 to ${MAX_STEPS}, such as [{ rate: 20, durationS: 10 }]`);
  }
  if (arrivals !== 'uniform' && arrivals !== 'poisson') {
    throw refuse(`${source}: arrivals must be uniform or poisson, not ${JSON.stringify(arrivals)}`);
  }
  return {
    name: label(fields['name'], basename(source, extname(source))),
    description: label(fields['description'], ''),
    arrivals,
    warmUpS: inRange(warmUpS, 0, MAX_WARM_UP_S, `${source}: warmUpS`),
    steps: steps.map((step: unknown, index) => parseStep(step, `${source}: steps[${index}]`)),
  };
}

/**
 * The profile of `--rate N --duration S`: one step.
 * @throws LoadError `SP_LOAD_PROFILE`
 */
export function singleStep(rate: number, durationS: number): Profile {
  const step = parseStep({ rate, durationS }, 'the single step');
  return { name: 'single', description: '', arrivals: 'uniform', warmUpS: DEFAULT_WARM_UP_S, steps: [step] };
}

function parseStep(value: unknown, where: string): ProfileStep {
  const step = record(value, STEP_KEYS, where);
  return {
    rate: inRange(step['rate'], 0.1, MAX_RATE, `${where}.rate`),
    durationS: inRange(step['durationS'], 0.1, MAX_STEP_S, `${where}.durationS`),
  };
}

function record(value: unknown, known: readonly string[], where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(`${where} must hold the keys ${known.join(', ')}`);
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw refuse(`${where}: unknown key "${key}"; nearest is "${nearest(key, known)}"`);
    }
  }
  return value as Record<string, unknown>;
}

function label(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}

function refuse(message: string): LoadError {
  return new LoadError('SP_LOAD_PROFILE', message);
}
