import { dirname, resolve } from 'node:path';
import { type Environment, fromText, readEnvironment } from './environment.ts';
import { type Leaf, type SchemaNode, LEAF_BY_PATH, LEAVES, ROOT } from './leaves.ts';
import { nearest } from './nearest.ts';
import { type Origin, type Problem, type Source, Problems, problemAt } from './problem.ts';
import { type Reading, readProperties, readValue } from './read-value.ts';
import { RULES } from './rules.ts';
import type { Config } from './schema.ts';
import { readYamlFile } from './yaml-file.ts';

export const DEFAULT_CONFIG_FILE = 'sallyport.yaml';

/** A value from the command line. Text is read as in the environment. */
export interface Override {
  /** `entry.port` */
  readonly path: string;
  readonly value: unknown;
}

export interface LoadOptions {
  /** YAML file that must be there; without it `./sallyport.yaml` is read if it is. */
  readonly file?: string;
  readonly env: Environment;
  readonly overrides: readonly Override[];
  /** Working folder: relative paths from environment and flags count from it, those in the file from the file's folder. */
  readonly cwd: string;
}

export type Origins = ReadonlyMap<string, Origin>;

export type LoadResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly origins: Origins;
      readonly file?: string;
      /** Of the file: what it begins to tell of, though it may set nothing of it (`server: {}`). */
      readonly sections: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

interface Setting {
  readonly value: unknown;
  readonly source: Source;
}

interface Layers {
  readonly settings: Map<string, Setting>;
  readonly problems: Problems;
  readonly cwd: string;
}

/**
 * The configuration in force: defaults, then the file, then the environment, then flags. Validated once, deeply frozen, to be
 * trusted from then on. Every layer is checked in full, also where a later one wins, and the first 20 problems are reported together.
 * Reads one file, synchronously; throws for nothing a user can do.
 */
export function loadConfig(options: LoadOptions): LoadResult {
  const layers: Layers = { settings: new Map(), problems: new Problems(), cwd: options.cwd };
  const { file, sections } = addFile(options, layers);
  addEnvironment(options.env, layers);
  addOverrides(options.overrides, layers);
  const config = build(ROOT, [], layers.settings) as Config;
  if (!layers.problems.isFull) applyRules(config, layers);
  if (layers.problems.count > 0) return { ok: false, problems: layers.problems.listed };
  const origins = new Map(
    LEAVES.map(({ path }) => [path, layers.settings.get(path)?.source.origin ?? 'default'] as const),
  );
  return { ok: true, config: deepFreeze(config), origins, sections, ...(file === undefined ? {} : { file }) };
}

interface FileRead {
  /** Absent: there is none, and none was asked for. */
  readonly file?: string;
  readonly sections: readonly string[];
}

function addFile({ file, cwd }: LoadOptions, { settings, problems }: Layers): FileRead {
  const path = resolve(cwd, file ?? DEFAULT_CONFIG_FILE);
  const read = readYamlFile(path);
  if (!read.ok) {
    if (read.missing && file === undefined) return { sections: [] };
    for (const problem of read.problems) problems.add(() => problem);
    return { file: path, sections: [] };
  }
  const { data, source } = read;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    const hint = `it starts with one of ${Object.keys(ROOT.properties ?? {}).join(', ')}`;
    problems.add(() => problemAt(source, [], 'does not hold settings', hint));
    return { file: path, sections: [] };
  }
  const reading: Reading = { source, baseFolder: dirname(path), problems };
  const values = readProperties(ROOT, data as Record<string, unknown>, [], reading, false);
  for (const leaf of LEAVES) {
    const value = leaf.keys.reduce<unknown>(
      (node, key) => (node as Record<string, unknown> | undefined)?.[key],
      values,
    );
    if (value !== undefined) settings.set(leaf.path, { value, source });
  }
  return { file: path, sections: Object.keys(data) };
}

function addEnvironment(env: Environment, layers: Layers): void {
  for (const { leaf, text } of readEnvironment(env, layers.problems)) {
    addLeaf(leaf, fromText(leaf.schema, text), { origin: 'environment', variable: leaf.variable }, layers);
  }
}

function addOverrides(overrides: readonly Override[], layers: Layers): void {
  for (const { path, value } of overrides) {
    const leaf = LEAF_BY_PATH.get(path);
    if (leaf === undefined) {
      const close = nearest(path, LEAF_BY_PATH.keys());
      const hint = close === undefined ? 'see the list of settings' : `did you mean ${close}?`;
      layers.problems.add(() => problemAt({ origin: 'flag' }, path.split('.'), 'is not a setting', hint));
      continue;
    }
    addLeaf(leaf, typeof value === 'string' ? fromText(leaf.schema, value) : value, { origin: 'flag' }, layers);
  }
}

function addLeaf(leaf: Leaf, given: unknown, source: Source, { settings, problems, cwd }: Layers): void {
  const value = readValue(leaf.schema, given, leaf.keys, { source, baseFolder: cwd, problems });
  settings.set(leaf.path, { value, source });
}

function build(schema: SchemaNode, keys: readonly string[], settings: ReadonlyMap<string, Setting>): unknown {
  if (schema.properties === undefined) {
    const setting = settings.get(keys.join('.'));
    const value: unknown = structuredClone(setting === undefined ? schema.default : setting.value);
    // Records are looked up by what strangers send: no prototype, so that a host named constructor finds nothing.
    return schema.patternProperties === undefined ? value : Object.assign(Object.create(null), value);
  }
  const built: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(schema.properties)) {
    const value = build(child, [...keys, key], settings);
    // An optional setting that nobody set is absent, not undefined.
    if (value !== undefined) built[key] = value;
  }
  return built;
}

function applyRules(config: Config, { settings, problems }: Layers): void {
  const unsound = problems.listed.map(({ path }) => path);
  for (const { paths, check } of RULES) {
    if (paths.some((path) => unsound.some((bad) => bad === path || bad.startsWith(`${path}[`)))) continue;
    const breach = check(config);
    if (breach === undefined) continue;
    // The report names the first setting, and the place where somebody set one of them.
    const setPath = paths.find((path) => settings.has(path));
    const set = setPath === undefined ? undefined : settings.get(setPath);
    const source: Source = set?.source ?? { origin: 'default' };
    const at = problemAt(source, (setPath ?? paths[0]!).split('.'), breach.message, breach.hint);
    problems.add(() => ({ ...at, path: paths[0]! }));
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
