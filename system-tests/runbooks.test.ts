/** Alerts, codes, pages, settings, metrics and commands, held together. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { LEAVES } from '@sallyport/config';
import { parse } from 'yaml';
import { pageName } from '../apps/cli/src/doctor/finding.ts';
import { LIMIT_SETTINGS } from '../apps/cli/src/doctor/limit-settings.ts';
import { createProgram } from '../apps/cli/src/program.ts';
import { problemContent, Problems } from '../apps/proxy-entry/src/problems.ts';
import type { Problem } from '../apps/proxy-entry/src/problems.ts';
import { ROOT } from './harness/command.ts';
import { useStack } from './harness/stack.ts';

const FOLDER = join(ROOT, 'docs/runbooks');
const INDEX = 'README.md';
const HEADINGS = ['What is seen', 'Where', 'Look', 'Repair', 'Why it happens'];
/** For somebody who was just woken. */
const MOST_LINES = 36;
const MOST_COMMANDS = 3;

interface Page {
  readonly file: string;
  readonly text: string;
  /** `SP_NO_CLIENT`, `SallyportNoClient`. */
  readonly name: string;
  readonly title: string;
  /** Under Look. */
  readonly commands: readonly string[];
}

function readPage(file: string): Page {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const [, name = '', title = ''] = /^# (\w+): (.+)\n/.exec(text) ?? [];
  const look = text.slice(text.indexOf('**Look.**'), text.indexOf('**Repair.**'));
  // A command may go over the end of a line.
  const items = look.split(/^\d\. /m).slice(1);
  const commands = items.map((item) => /^`([^`]+)`/.exec(item.replaceAll(/\s*\n\s*/g, ' '))?.[1] ?? '');
  return { file, text, name, title, commands };
}

const pages = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.md') && file !== INDEX)
  .map(readPage);
const index = readFileSync(join(FOLDER, INDEX), 'utf8');

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|node_modules|testing\/|bench\//.test(file))
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
}

const sources = ['apps', 'packages', 'load-tests'].flatMap(sourcesBelow);

function allIn(texts: readonly string[], pattern: RegExp): Set<string> {
  return new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([whole, inner]) => inner ?? whole)));
}

interface Rule {
  readonly alert?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function alertRules(): Rule[] {
  const folder = join(ROOT, 'deploy/prometheus');
  const files = readdirSync(folder).filter((file) => file.endsWith('.rules.yml'));
  const groups = files.flatMap(
    (file) =>
      (parse(readFileSync(join(folder, file), 'utf8'), { merge: true }) as { groups: { rules: Rule[] }[] }).groups,
  );
  return groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
}

describe('runbooks', () => {
  it('are there for each code and each alert, and for nothing else', () => {
    const codes = allIn(sources, /\bSP_[A-Z0-9_]+\b/g);
    const alerts = new Set(alertRules().map(({ alert = '' }) => alert));
    assert.ok(codes.size > 50 && alerts.size > 10);
    const names = [...codes, ...alerts].toSorted();
    assert.deepEqual(pages.map(({ name }) => name).toSorted(), names);
    for (const { name, file } of pages) assert.equal(file, `${pageName(name)}.md`);
  });

  it('are what the alerts link to', () => {
    for (const { alert = '', annotations = {} } of alertRules()) {
      const { runbook_url: url = '' } = annotations;
      assert.ok(url.endsWith(`docs/runbooks/${pageName(alert)}.md`), `${alert}: ${url}`);
    }
  });

  it('are short, and of one shape', () => {
    for (const { file, text, commands } of pages) {
      const found = [...text.matchAll(/^\*\*([^*]+)\.\*\*/gm)].map(([, heading]) => heading);
      assert.deepEqual(found, HEADINGS, file);
      assert.ok(text.includes('](README.md#where-the-commands-are-run)'), `${file} does not say where it is run`);
      assert.ok(text.split('\n').length <= MOST_LINES, `${file} is long`);
      assert.ok(commands.length >= 1 && commands.length <= MOST_COMMANDS, `${file}: ${commands.length} commands`);
      assert.ok(!commands.includes(''), `${file}: something under Look does not begin with a command`);
    }
  });

  it('of answers to visitors have the title of the answer', () => {
    const table = readFileSync(join(ROOT, 'docs/problems.md'), 'utf8');
    const rows = [...table.matchAll(/^\| \d+ \| `(SP_\w+)` \| ([^|]+) \|/gm)];
    assert.ok(rows.length > 20);
    for (const [, code, title] of rows) assert.equal(pages.find(({ name }) => name === code)?.title, title?.trim());
  });

  it('are named by the type of each problem', () => {
    for (const problem of Object.values<Problem>(Problems)) {
      const { type, code } = JSON.parse(problemContent(problem, 'id').body.toString()) as {
        type: string;
        code: string;
      };
      assert.equal(type, `urn:sallyport:problem:${pageName(code).replace(/^sp-/, '')}`);
    }
  });

  it('are all in the index, by their titles, and every link leads to one', () => {
    for (const { name, file, title } of pages) {
      assert.ok(index.includes(`\n- [${name}](${file}): ${title}\n`), `${name} is not in the index`);
    }
    const files = new Set(pages.map(({ file }) => file));
    for (const text of [index, ...pages.map((page) => page.text)]) {
      for (const [link, name = '', file = ''] of text.matchAll(/\[(\w+)\]\(([^)]+)\)/g)) {
        assert.ok(files.has(file) && file === `${pageName(name)}.md`, link);
      }
    }
  });

  it('name settings that there are', () => {
    const paths = LEAVES.map(({ path }) => path);
    const parts = new Set(paths.filter((path) => path.includes('.')).map((path) => path.split('.')[0]));
    const isSetting = (text: string) => /^[a-z]+(\.[a-zA-Z0-9]+(\[\])?)+$/.test(text) && parts.has(text.split('.')[0]);
    for (const { file, text } of pages) {
      for (const named of inlineCode(text).filter(isSetting)) {
        // Of `client.sessions[].backend` the leaf is the list; its items are checked by name.
        const [list = '', item] = named.split('[].');
        const isThere = paths.some((path) => path === list || path.startsWith(`${list}.`));
        assert.ok(isThere && (item === undefined || itemNames(list).includes(item)), `${file}: ${named}`);
      }
    }
  });

  it('name metrics that there are', () => {
    const known = [...allIn(sources, /\bsallyport_[a-z0-9_]+\b/g)];
    for (const { file, text } of pages) {
      // In a pattern for grep the name may be cut short.
      for (const named of allIn([text], /\bsallyport_[a-z0-9_]*[a-z0-9]/g)) {
        assert.ok(
          known.some((name) => name.startsWith(metricOf(named))),
          `${file}: ${named}`,
        );
      }
    }
  });

  it('look in logs for what is written there', () => {
    // `link ${kind}` in the source.
    const made = new Set(['link lost']);
    const looked = pages
      .flatMap(({ commands }) => commands)
      .filter((command) => command.startsWith('docker-compose logs'));
    const words = allIn(looked, /grep '([^']+)'/g);
    assert.ok(words.size > 10);
    for (const word of words) {
      const isField = /^"(code|session|status)":/.test(word);
      assert.ok(isField || made.has(word) || sources.some((text) => text.includes(word)), word);
    }
  });

  it('use commands and flags of ours that there are', async () => {
    let checked = 0;
    for (const { file, text } of [...pages, { file: INDEX, text: index }]) {
      for (const words of ourCommands(text)) {
        checked += 1;
        await assert.doesNotReject(parsed(words), `${file}: sallyport ${words.join(' ')}`);
      }
    }
    assert.ok(checked > 50);
    await assert.rejects(parsed(['doctor', '--frob']));
  });

  it('tell of every limit that a part may count', () => {
    const page = pages.find(({ name }) => name === 'SallyportLimitHit')!;
    for (const limit of Object.keys(LIMIT_SETTINGS)) assert.ok(page.text.includes(`\`${limit}\``), limit);
  });
});

describe('the commands of runbooks', { timeout: 120_000 }, () => {
  const using = useStack(() => ({ isSplit: true }));
  const PARTS = { 12002: 'server', 12003: 'entry', 12004: 'client' } as const;

  it('ask admin ports for what they have', async () => {
    const { admin } = using.stack;
    const urls = { server: admin.server, entry: admin.entry, client: admin.client[0]! };
    const metrics: Record<string, string> = {};
    const paths: Record<string, string[]> = {};
    for (const [part, url] of Object.entries(urls)) {
      metrics[part] = await textOf(`${url}/metrics`);
      const api = JSON.parse(await textOf(`${url}/api/openapi.json`)) as { paths: object };
      paths[part] = Object.keys(api.paths);
    }
    const everywhere = Object.values(metrics).join('');
    let asked = 0;
    for (const { file, commands } of pages) {
      for (const command of commands) {
        const [, port, path = ''] = /\b127\.0\.0\.1:(1200[234])(\/[\w./-]*)/.exec(command) ?? [];
        if (port === undefined) continue;
        asked += 1;
        const part = PARTS[Number(port) as keyof typeof PARTS];
        assert.ok(paths[part]!.includes(path), `${file}: the ${part} has no ${path}`);
        const [name] = /\b(sallyport|process|nodejs)_[a-z_]*[a-z]/.exec(command) ?? [];
        // What no part shows needs TLS, ACME or a collector.
        if (name === undefined || !everywhere.includes(name)) continue;
        assert.ok(metrics[part]!.includes(name), `${file}: the ${part} has no ${name}`);
      }
    }
    assert.ok(asked > 30);
  });
});

/** What a histogram's lines are named after. */
function metricOf(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, '');
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url, { headers: { Connection: 'close' } })).text();
}

/** What stands in backticks, over the ends of lines too. */
function inlineCode(text: string): string[] {
  const plain = text.replaceAll(/^```[^]*?^```/gm, '');
  return [...plain.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll(/\s*\n\s*/g, ' '));
}

/** By hand, in a container that runs, and in one of its own, whose entry point is the command. */
const OURS =
  /^(?:(?:docker-compose exec (?:-T )?\S+ )?(?:npx )?sallyport|docker-compose run (?:-\S+ )*tunnel-server) ([^|]+)/;

/** Commands `sallyport …` in backticks and in blocks, as words. */
function ourCommands(text: string): string[][] {
  const blocks = [...text.matchAll(/^```\n([^]*?)^```/gm)].flatMap(([, block = '']) =>
    block.replaceAll(/\\\n\s*/g, '').split('\n'),
  );
  return [...inlineCode(text), ...blocks].flatMap((code) => {
    const [, line] = OURS.exec(code) ?? [];
    return line === undefined
      ? []
      : [[...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)];
  });
}

/** Rejects where the command line would be refused; nothing is run. */
async function parsed(words: readonly string[]): Promise<void> {
  const program = createProgram(() => Promise.resolve());
  silence(program);
  const asks = words.at(-1) === '--help' || words.at(-1) === '--version';
  if (asks) return commandNamed(program, words.slice(0, -1));
  // A group of commands without one of them shows its help: it is only spoken of.
  await program.parseAsync(words, { from: 'user' }).catch((error: unknown) => {
    if ((error as { code?: string }).code !== 'commander.help') throw error;
  });
}

/** Help is not for whoever reads the tests. */
function silence(command: Pick<ReturnType<typeof createProgram>, 'commands' | 'configureOutput'>): void {
  command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
  for (const inner of command.commands) silence(inner);
}

function commandNamed(program: ReturnType<typeof createProgram>, words: readonly string[]): void {
  let command: Pick<typeof program, 'commands'> = program;
  for (const word of words) {
    const inner = command.commands.find((each) => each.name() === word);
    assert.ok(inner, `no command ${word}`);
    command = inner;
  }
}

function itemNames(list: string): string[] {
  const { schema } = LEAVES.find(({ path }) => path === list)!;
  return Object.keys(schema.items?.properties ?? {});
}
