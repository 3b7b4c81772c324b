import { resolve } from 'node:path';
import { Errors } from 'typebox/schema';
import { type SchemaNode, LEAVES, expectation } from './leaves.ts';
import { nearest } from './nearest.ts';
import { FILE_PATH_TITLE } from './parts.ts';
import { type Keys, type Problem, type Source, formatPath, problemAt } from './problem.ts';
import { quote } from './redact.ts';

/** What one layer is read with; problems are gathered, reading goes on. */
export interface Reading {
  readonly source: Source;
  /** Folder that relative file paths count from. */
  readonly baseFolder: string;
  readonly problems: Problem[];
}

type Mapping = Readonly<Record<string, unknown>>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Checks a value against its schema and returns it with file paths made absolute and, inside list items, defaults filled in.
 * Every problem in it is added to `reading.problems`; the result counts only if none was.
 */
export function readValue(schema: SchemaNode, value: unknown, keys: Keys, reading: Reading): unknown {
  const found = reading.problems.length;
  let result = value;
  if (schema.type === 'array' && Array.isArray(value)) {
    result = value.map((item, index) => readValue(schema.items ?? {}, item, [...keys, index], reading));
  } else if (schema.properties !== undefined && isMapping(value)) {
    return readProperties(schema, value, keys, reading, true);
  } else if (schema.patternProperties !== undefined && isMapping(value)) {
    result = readRecord(schema, value, keys, reading);
  }
  // Parts speak for themselves first; the whole is judged (sizes, duplicates) once they are sound.
  if (reading.problems.length > found) return result;
  const failed = Errors(schema, result)[1][0];
  if (failed !== undefined) reading.problems.push(refusal(schema, failed.keyword, value, keys, reading.source));
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
    if (!Object.hasOwn(properties, name)) reading.problems.push(unknownKey(name, properties, keys, reading.source));
  }
  for (const [name, child] of Object.entries(properties)) {
    const childKeys = [...keys, name];
    const given = Object.hasOwn(value, name);
    if (!fill && child.properties !== undefined) {
      const section = given ? value[name] : {};
      // `entry:` with everything below it commented out is nothing set, not a mistake.
      if (isMapping(section ?? {}))
        result[name] = readProperties(child, (section ?? {}) as Mapping, childKeys, reading, false);
      else reading.problems.push(refusal(child, 'type', section, childKeys, reading.source));
    } else if (given) {
      result[name] = readValue(child, value[name], childKeys, reading);
    } else if (fill && child.default !== undefined) {
      result[name] = child.default;
    } else if (fill && schema.required?.includes(name) === true) {
      reading.problems.push(problemAt(reading.source, childKeys, 'is missing', `add ${name}: ${exampleOf(child)}`));
    }
  }
  return result;
}

function readRecord(schema: SchemaNode, value: Mapping, keys: Keys, reading: Reading): Mapping {
  const [item = {}] = Object.values(schema.patternProperties ?? {});
  const entries = Object.entries(value).map(([name, inner]) => {
    if (schema.propertyNames !== undefined) readValue(schema.propertyNames, name, [...keys, name], reading);
    return [name, readValue(item, inner, [...keys, name], reading)] as const;
  });
  return Object.fromEntries(entries);
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
  return problemAt(source, keys, `${quote(value)} is not ${expectation(schema)}`, hintFor(schema, value));
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
  return problemAt(source, [...keys, name], 'is not a setting', hint);
}
