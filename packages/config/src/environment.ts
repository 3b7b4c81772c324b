import { type Leaf, type SchemaNode, LEAF_BY_VARIABLE, VARIABLE_PREFIX } from './leaves.ts';
import { nearest } from './nearest.ts';
import { type Problems, problemAt } from './problem.ts';

/** A credential `id:secret` for entry and client. */
export const CREDENTIAL_VARIABLE = 'SALLYPORT_CREDENTIAL';

/** Variables with our prefix that are no settings. */
export const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  CREDENTIAL_VARIABLE,
  'SALLYPORT_K6',
  'SALLYPORT_CREDENTIALS_FILE',
  'SALLYPORT_LOAD_CREDENTIALS',
  'SALLYPORT_TARGET',
  'SALLYPORT_CHROMIUM',
  'SALLYPORT_LONG',
  'SALLYPORT_NO_SKIP',
  'SALLYPORT_TEST_LOGS',
]);

export type Environment = Readonly<Record<string, string | undefined>>;

export interface VariableSetting {
  readonly leaf: Leaf;
  readonly text: string;
}

/** The settings among the variables. An empty variable is an unset one: compose files leave many of those. */
export function readEnvironment(env: Environment, problems: Problems): VariableSetting[] {
  const settings: VariableSetting[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(VARIABLE_PREFIX) || text === undefined || text === '' || OTHER_VARIABLES.has(name)) continue;
    const leaf = LEAF_BY_VARIABLE.get(name);
    if (leaf !== undefined) {
      settings.push({ leaf, text });
      continue;
    }
    problems.add(() => {
      const close = nearest(name, [...LEAF_BY_VARIABLE.keys(), ...OTHER_VARIABLES]);
      const hint = close === undefined ? 'unset it, or see the list of settings' : `did you mean ${close}?`;
      return problemAt({ origin: 'environment', variable: name }, [], 'is not a setting', hint);
    });
  }
  return settings;
}

/**
 * Text of a variable or flag in the type its schema asks for: lists by comma or as JSON, mappings and lists of mappings as JSON.
 * Text that does not fit stays text, and is then refused as such.
 */
export function fromText(schema: SchemaNode, text: string): unknown {
  if (schema.type === 'integer') return /^-?\d{1,16}$/.test(text.trim()) ? Number(text) : text;
  if (schema.type === 'number') return /^-?\d{1,16}(?:\.\d{1,16})?$/.test(text.trim()) ? Number(text) : text;
  if (schema.type === 'boolean') return text === 'true' || (text === 'false' ? false : text);
  if (schema.type === 'array' && schema.items?.properties === undefined && !text.trimStart().startsWith('[')) {
    return text.split(',').map((item) => item.trim());
  }
  if (schema.type !== 'array' && schema.type !== 'object') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
