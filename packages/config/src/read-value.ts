import { resolve } from 'node:path';
import { Errors } from 'typebox/schema';
import { type SchemaNode, LEAVES, expectation } from './leaves.ts';
import { nearest } from './nearest.ts';
import { FILE_PATH_TITLE } from './parts.ts';
import { type Keys, type Problem, type Problems, type Source, formatPath, problemAt } from './problem.ts';
import { describe } from './redact.ts';

/** What one layer is read with; problems are gathered, reading goes on. */
export interface Reading {
  readonly source: Source;
  /** Folder that relative file paths count from. */
  readonly baseFolder: string;
  readonly problems: Problems;
}

/** What an unknown key must be to be shown: all names of settings are, and hardly a secret is. */
const WORD = /^[A-Za-z]{1,32}$/;

type Mapping = Readonly<Record<string, unknown>>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Checks a value against its schema and returns it with file paths made absolute and, inside list items, defaults filled in.
 * Every problem in it is added to `reading.problems`; the result counts only if none was.
 */
export function readValue(schema: SchemaNode, value: unknown, keys: Keys, reading: Reading): unknown {
  const found = reading.problems.count;
  let result = value;
  if (schema.type === 'array' && Array.isArray(value)) {
    result = value.map((item, index) => readValue(schema.items ?? {}, item, [...keys, index], reading));
  } else if (schema.properties !== undefined && isMapping(value)) {
    return readProperties(schema, value, keys, reading, true);
  } else if (schema.patternProperties !== undefined && isMapping(value)) {
    result = readRecord(schema, value, keys, reading);
  }
  // Parts speak for themselves first; the whole is judged (sizes, duplicates) once they are sound.
  if (reading.problems.count > found) return result;
  const failed = Errors(wholeOf(schema), result)[1][0];
  if (failed !== undefined) reading.problems.add(() => refusal(schema, failed.keyword, value, keys, reading.source));
  else if (schema.title === FILE_PATH_TITLE) return resolve(reading.baseFolder, value as string);
  return result;
}

/**
 * Reads the named settings of a mapping; unknown names are problems.
 * `fill`: missing ones take their default (list items); otherwise they stay away, for another layer to set.
 */
export function readProperties(
  schema: SchemaNode,
  value: Mapping,
  keys: Keys,
  reading: Reading,
  fill: boolean,
): Mapping {
  const properties = schema.properties ?? {};
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(properties, name))
      reading.problems.add(() => unknownKey(name, properties, keys, reading.source));
  }
  for (const [name, child] of Object.entries(properties)) {
    const childKeys = [...keys, name];
    const given = Object.hasOwn(value, name);
    if (!fill && child.properties !== undefined) {
      const section = given ? value[name] : {};
      // `entry:` with everything below it commented out is nothing set, not a mistake.
      if (isMapping(section ?? {}))
        result[name] = readProperties(child, (section ?? {}) as Mapping, childKeys, reading, false);
      else reading.problems.add(() => refusal(child, 'type', section, childKeys, reading.source));
    } else if (given) {
      result[name] = readValue(child, value[name], childKeys, reading);
    } else if (fill && child.default !== undefined) {
      result[name] = child.default;
    } else if (fill && schema.required?.includes(name) === true) {
      reading.problems.add(() =>
        problemAt(reading.source, childKeys, 'is missing', `add ${name}: ${exampleOf(child)}`),
      );
    }
  }
  return result;
}

function readRecord(schema: SchemaNode, value: Mapping, keys: Keys, reading: Reading): Mapping {
  const [item = {}] = Object.values(schema.patternProperties ?? {});
  const names = schema.propertyNames;
  const entries = Object.entries(value).map(([name, inner]) => {
    if (names === undefined || isSound(names, name)) return [name, readValue(item, inner, [...keys, name], reading)];
    reading.problems.add(() => refusedKey(names, name, keys, reading.source));
    return [name, inner] as const;
  });
  return Object.fromEntries(entries) as Mapping;
}

/** What is left to judge of a list or a record whose entries are sound. */
function wholeOf(schema: SchemaNode): SchemaNode {
  if (schema.type !== 'array' && schema.patternProperties === undefined) return schema;
  const { items: _items, patternProperties: _patterns, propertyNames: _names, ...whole } = schema;
  return whole;
}

function isSound(schema: SchemaNode, value: unknown): boolean {
  return Errors(schema, value)[1].length === 0;
}

function exampleOf(schema: SchemaNode): string {
  const example = schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  if (typeof example === 'string') return example;
  return example === undefined ? `<${expectation(schema)}>` : JSON.stringify(example);
}

function refusal(schema: SchemaNode, keyword: string, value: unknown, keys: Keys, source: Source): Problem {
  if (keyword === 'uniqueItems') return problemAt(source, keys, 'names one thing twice', 'keep one of them');
  if (keyword === 'minItems') return problemAt(source, keys, 'is an empty list', `for example ${exampleOf(schema)}`);
  if (keyword.startsWith('max') && (schema.type === 'array' || schema.type === 'object')) {
    return problemAt(source, keys, 'has too many entries', 'keep fewer');
  }
  const isNumeric = schema.type === 'integer' || schema.type === 'number';
  return problemAt(source, keys, `${describe(value, isNumeric)} is not ${expectation(schema)}`, hintFor(schema, value));
}

/** The key itself is not shown, as no refused text is; its line tells where it stands. */
function refusedKey(schema: SchemaNode, name: string, keys: Keys, source: Source): Problem {
  const message = `has a key that is not ${expectation(schema)}`;
  const problem = problemAt(source, [...keys, name], message, `for example ${exampleOf(schema)}`);
  return { ...problem, path: formatPath(keys) };
}

function hintFor(schema: SchemaNode, value: unknown): string {
  if (schema.properties !== undefined) return `it holds ${Object.keys(schema.properties).join(', ')}`;
  // YAML reads 123 and true as a number and a truth value.
  if (schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return 'put it in quotes';
  const close = typeof value === 'string' ? nearest(value, schema.enum ?? []) : undefined;
  return close === undefined ? `for example ${exampleOf(schema)}` : `did you mean ${close}?`;
}

function unknownKey(name: string, siblings: Readonly<Record<string, SchemaNode>>, keys: Keys, source: Source): Problem {
  const known = Object.keys(siblings);
  const close = nearest(name, known);
  const elsewhere = LEAVES.find((leaf) => leaf.keys.at(-1) === name)?.path;
  let hint = `known here: ${known.join(', ')}`;
  if (close !== undefined) hint = `did you mean ${formatPath([...keys, close])}?`;
  else if (elsewhere !== undefined) hint = `did you mean ${elsewhere}?`;
  const problem = problemAt(source, [...keys, name], 'is not a setting', hint);
  return WORD.test(name) ? problem : { ...problem, path: formatPath(keys), message: 'has a key that is not a setting' };
}
