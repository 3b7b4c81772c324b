import { type SchemaNode, ROOT, expectation, variableName } from './leaves.ts';

const KIB = 1024;
const SECTION_HEAD =
  '| Setting | Takes | Default | Environment | Changed by | What it does |\n|---|---|---|---|---|---|';
const NONE = '—';
const CHANGED_BY =
  '*Changed by*: a `reload` (SIGHUP, or `POST /api/reload`) is enough, or a `restart` is needed; see [operating.md](operating.md).';

/** JSON Schema (2020-12) of the file, for editors: what has a default need not be there. */
export function configSchema(): Readonly<Record<string, unknown>> {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...withoutFilledIn(ROOT) };
}

function withoutFilledIn(node: SchemaNode): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...(JSON.parse(JSON.stringify(node)) as object) };
  // Ours, and no word of JSON Schema: a strict reader would refuse it.
  delete copy['live'];
  if (node.items !== undefined) copy['items'] = withoutFilledIn(node.items);
  if (node.properties === undefined) return copy;
  const entries = Object.entries(node.properties);
  copy['properties'] = Object.fromEntries(entries.map(([key, child]) => [key, withoutFilledIn(child)]));
  const needed = entries.filter(([key, child]) => node.required?.includes(key) === true && isNeeded(child));
  delete copy['required'];
  if (needed.length > 0) copy['required'] = needed.map(([key]) => key);
  return copy;
}

function isNeeded(node: SchemaNode): boolean {
  if (node.properties === undefined) return node.default === undefined;
  return Object.entries(node.properties).some(
    ([key, child]) => node.required?.includes(key) === true && isNeeded(child),
  );
}

/** All settings as Markdown: one table a section, with type and limits, default, environment variable and meaning. */
export function configReference(): string {
  const rootRows: string[] = [];
  const sections: string[] = [];
  for (const [key, node] of Object.entries(ROOT.properties ?? {})) {
    if (node.properties === undefined) rootRows.push(...rows(node, [key], true));
    else
      sections.push(`## ${key}\n\n${node.description ?? ''}\n\n${SECTION_HEAD}\n${rows(node, [key], true).join('\n')}`);
  }
  return `${['# Settings', CHANGED_BY, `${SECTION_HEAD}\n${rootRows.join('\n')}`, ...sections].join('\n\n')}\n`;
}

/** `settable`: has a variable of its own; settings inside a list have not. `isInLive`: they change with that list. */
function rows(node: SchemaNode, keys: readonly string[], settable: boolean, isInLive = false): string[] {
  const isLive = isInLive || node.live === true;
  if (node.properties !== undefined) {
    return Object.entries(node.properties).flatMap(([key, child]) => rows(child, [...keys, key], settable, isInLive));
  }
  const path = keys.join('.');
  const cells = [
    `\`${path}\``,
    takes(node),
    shownDefault(node, path),
    settable ? `\`${variableName(keys)}\`` : NONE,
    isLive ? 'reload' : 'restart',
    node.description ?? '',
  ];
  const row = `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`;
  if (node.items?.properties === undefined) return [row];
  return [row, ...rows(node.items, [...keys.slice(0, -1), `${keys.at(-1)}[]`], false, isLive)];
}

function takes(node: SchemaNode): string {
  if (node.type === 'array') return `list of: ${node.items === undefined ? 'anything' : expectation(node.items)}`;
  const [value] = Object.values(node.patternProperties ?? {});
  if (value !== undefined) return `mapping of ${expectation(node.propertyNames ?? {})} to ${expectation(value)}`;
  return expectation(node);
}

function shownDefault(node: SchemaNode, path: string): string {
  if (node.default === undefined) return NONE;
  const text = typeof node.default === 'string' ? node.default : JSON.stringify(node.default);
  const bytes = path.endsWith('Bytes') && typeof node.default === 'number' ? node.default : 0;
  if (bytes >= KIB * KIB) return `\`${text}\` (${bytes / (KIB * KIB)} MiB)`;
  return bytes >= KIB ? `\`${text}\` (${bytes / KIB} KiB)` : `\`${text}\``;
}
