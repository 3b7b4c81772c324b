import { CONFIG_SCHEMA } from './schema.ts';

/** The parts of a JSON Schema node that this package reads. TypeBox types carry them as plain properties. */
export interface SchemaNode {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[] | undefined;
  readonly propertyNames?: SchemaNode;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  /** See `live` in parts.ts. */
  readonly live?: boolean;
}

/** A setting: the smallest thing that a file, a variable or a flag can set. A list or a record is one leaf. */
export interface Leaf {
  /** `server.queue.timeoutMs` */
  readonly path: string;
  readonly keys: readonly string[];
  /** `SALLYPORT_SERVER_QUEUE_TIMEOUT_MS` */
  readonly variable: string;
  readonly schema: SchemaNode;
  /** A reload changes it; otherwise a restart does. */
  readonly isLive: boolean;
}

export const VARIABLE_PREFIX = 'SALLYPORT_';
export const ROOT: SchemaNode = CONFIG_SCHEMA;

/** Upper snake case of a path: `server.queue.timeoutMs` → `SALLYPORT_SERVER_QUEUE_TIMEOUT_MS`. */
export function variableName(keys: readonly string[]): string {
  const words = keys.map((key) => key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase());
  return VARIABLE_PREFIX + words.join('_');
}

function collect(schema: SchemaNode, keys: readonly string[], into: Leaf[]): Leaf[] {
  if (schema.properties === undefined) {
    into.push({ path: keys.join('.'), keys, variable: variableName(keys), schema, isLive: schema.live === true });
    return into;
  }
  for (const [key, child] of Object.entries(schema.properties)) collect(child, [...keys, key], into);
  return into;
}

/** Every setting in the schema's order. */
export const LEAVES: readonly Leaf[] = collect(ROOT, [], []);
export const LEAF_BY_PATH: ReadonlyMap<string, Leaf> = new Map(LEAVES.map((leaf) => [leaf.path, leaf]));
export const LEAF_BY_VARIABLE: ReadonlyMap<string, Leaf> = new Map(LEAVES.map((leaf) => [leaf.variable, leaf]));

/** What a node takes, in words that follow "is not" or "takes". */
export function expectation(schema: SchemaNode): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.title !== undefined) return schema.title;
  if (schema.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'number') return `a number from ${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'array') return 'a list';
  if (schema.type === 'object') return 'a mapping';
  return 'text';
}
