import {
  type Document,
  LineCounter,
  type Node,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml';
import type { Pair, YAMLMap } from 'yaml';
import { type Keys, type Problem, Problems, type Source, problemAt } from './problem.ts';
import { readRegularFileSync } from './regular-file.ts';

export type YamlFile =
  | { readonly ok: true; readonly data: unknown; readonly source: Source }
  | { readonly ok: false; readonly missing: boolean; readonly problems: readonly Problem[] };

/** Reads a YAML 1.2 file of at most 1 MiB. Messages never quote the file's text: somebody may have put a secret there. */
export function readYamlFile(file: string): YamlFile {
  const source: Source = { origin: 'file', file };
  const read = readRegularFileSync(file);
  if (read.ok) return parseYaml(read.text, file);
  const missing = read.code === 'ENOENT';
  const hint = missing ? 'check the path given to --config' : 'give the path of a readable YAML file under 1 MiB';
  return { ok: false, missing, problems: [problemAt(source, [], `cannot be read (${read.code})`, hint)] };
}

export function parseYaml(text: string, file: string): YamlFile {
  const lineCounter = new LineCounter();
  // Only a complaint's code is used below: messages may quote the file.
  // Its own search for keys that stand twice compares each with each.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, strict: true, uniqueKeys: false });
  const problems = new Problems();
  const complain = (code: string, at: number) =>
    problems.add(() => {
      const { line } = lineCounter.linePos(at);
      return problemAt({ origin: 'file', file, lineOf: () => line }, [], `is not sound YAML (${code})`, hintFor(code));
    });
  for (const { code, pos } of [...document.errors, ...document.warnings]) complain(code, pos[0]);
  if (problems.count === 0) eachRepeatedKey(document, (at) => complain('DUPLICATE_KEY', at));
  if (problems.count > 0) return { ok: false, missing: false, problems: problems.listed };
  const lineOf = lineFinder(document, lineCounter);
  const source: Source = { origin: 'file', file, lineOf };
  try {
    return { ok: true, data: document.toJS() ?? {}, source };
  } catch {
    // Only aliases fail here: one without its anchor, or so many that the result would be huge.
    const problem = problemAt(
      { origin: 'file', file },
      [],
      'has aliases (*name) that cannot be resolved',
      'write the values out',
    );
    return { ok: false, missing: false, problems: [problem] };
  }
}

function hintFor(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key is already set above; keep one';
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  if (code === 'MULTIPLE_DOCS') return 'keep one document: remove the --- line';
  return 'check indentation, colons and quotes on this line';
}

/** `found` is given where in the text a key stands that its mapping already has. */
function eachRepeatedKey(document: Document.Parsed, found: (at: number) => void): void {
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<string>();
      for (const { key } of items) {
        const name = nameOf(key);
        if (seen.has(name) && isNode(key)) found(key.range?.[0] ?? 0);
        seen.add(name);
      }
    },
  });
}

/** As `toJS` makes a property's name of it. */
function nameOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

/** Finds the line of the deepest of the keys given that the file has. */
function lineFinder(document: Document.Parsed, lineCounter: LineCounter): (keys: Keys) => number | undefined {
  const pairs = new Map<YAMLMap, Map<string, Pair>>();
  const pairOf = (map: YAMLMap, name: string): Pair | undefined => {
    let named = pairs.get(map);
    if (named === undefined) {
      named = new Map(map.items.map((item) => [nameOf(item.key), item]));
      pairs.set(map, named);
    }
    return named.get(name);
  };
  return (keys) => {
    let node: unknown = document.contents;
    let found: Node | undefined;
    for (const key of keys) {
      if (isAlias(node)) node = node.resolve(document);
      let inner: unknown;
      if (isMap(node)) {
        const pair = pairOf(node, String(key));
        if (pair !== undefined && isNode(pair.key)) found = pair.key;
        inner = pair?.value;
      } else if (isSeq(node) && typeof key === 'number') {
        inner = node.items[key];
        if (isNode(inner)) found = inner;
      }
      if (inner === undefined) break;
      node = inner;
    }
    return found?.range ? lineCounter.linePos(found.range[0]).line : undefined;
  };
}
