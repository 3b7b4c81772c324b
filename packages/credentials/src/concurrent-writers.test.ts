import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { FileCredentials } from './file-credentials.ts';
import { acquireLock } from './lock.ts';
import { ensurePepper, writeStore } from './store-file.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-writers-'));
after(() => rmSync(root, { recursive: true }));

const WRITER = `
  import { FileCredentials } from ${JSON.stringify(new URL('file-credentials.ts', import.meta.url).href)};
  const [, name, path, count] = process.argv;
  const opened = await FileCredentials.open({ path, create: true });
  if (!opened.ok) throw new Error(opened.error.message);
  for (let index = 0; index < Number(count); index++) {
    const added = await opened.value.add({ principal: name + '-' + index, role: 'client', sessions: ['demo'] });
    if (!added.ok) throw new Error(added.error.message);
    console.log(JSON.stringify([added.value.id, added.value.secret]));
  }`;

function startWriter(name: string, path: string, count: number) {
  const args = ['--input-type=module', '--eval', WRITER, name, path, String(count)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 });
}

function made(lines: readonly string[]): [id: string, secret: string][] {
  return lines.map((line) => JSON.parse(line) as [string, string]);
}

async function writer(name: string, path: string, count: number): Promise<[id: string, secret: string][]> {
  const child = startWriter(name, path, count);
  const exit = once(child, 'exit');
  const lines = await Array.fromAsync(createInterface(child.stdout));
  assert.deepEqual(await exit, [0, null]);
  return made(lines);
}

describe('several writers', () => {
  it('lose none of their credentials, from the very first on, in several processes', async () => {
    const path = join(mkdtempSync(join(root, 'processes-')), 'store.json');
    const all = (await Promise.all(['a', 'b', 'c', 'd'].map((name) => writer(name, path, 8)))).flat();
    const opened = await FileCredentials.open({ path });
    assert.ok(opened.ok);
    assert.equal(opened.value.list().length, 32);
    for (const [id, secret] of all) assert.ok(opened.value.verify(id, secret).ok);
    assert.deepEqual(readdirSync(join(path, '..')).sort(), ['store.json', 'store.pepper']);
  });

  it('lose none of their credentials in one process', async () => {
    const opened = await FileCredentials.open({ path: join(root, 'one.json'), create: true });
    assert.ok(opened.ok);
    const store = opened.value;
    const added = await Promise.all(
      Array.from({ length: 20 }, () => store.add({ principal: 'a', role: 'entry', sessions: [] })),
    );
    assert.ok(added.every((result) => result.ok));
    assert.equal(store.list().length, 20);
  });

  it('leave a sound store with all that was told, when one is killed in the midst of its work', async () => {
    const path = join(mkdtempSync(join(root, 'killed-')), 'store.json');
    const child = startWriter('a', path, 1000);
    const exit = once(child, 'exit');
    const told: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      told.push(line);
      if (told.length === 5) child.kill('SIGKILL');
    }
    await exit;
    const opened = await FileCredentials.open({ path });
    assert.ok(opened.ok);
    for (const [id, secret] of made(told)) assert.ok(opened.value.verify(id, secret).ok);
  });

  it('do not overwrite the store after their lock was taken over', async () => {
    const path = join(mkdtempSync(join(root, 'lost-')), 'store.json');
    writeFileSync(path, 'what the other one wrote');
    assert.deepEqual(await writeStore(path, [], () => Promise.resolve(false)), { ok: true, value: false });
    assert.equal(readFileSync(path, 'utf8'), 'what the other one wrote');
    assert.deepEqual(readdirSync(join(path, '..')), ['store.json']);
  });

  it('agree on one pepper', async () => {
    const path = join(root, 'raced.pepper');
    const peppers = await Promise.all(Array.from({ length: 10 }, () => ensurePepper(path)));
    const keys = new Set(peppers.map((pepper) => (pepper.ok ? pepper.value.export().toString('hex') : 'failed')));
    assert.equal(keys.size, 1);
  });
});

describe('acquireLock', () => {
  it('gives the lock to one at a time', async () => {
    let inside = 0;
    const enter = async () => {
      const lock = await acquireLock(join(root, 'a.lock'));
      assert.ok(lock.ok);
      assert.equal(++inside, 1);
      await lock.value.held();
      inside--;
      await lock.value.release();
    };
    await Promise.all(Array.from({ length: 8 }, enter));
  });

  it('tells an owner that lost it, and does not take it from the new one', async () => {
    const path = join(root, 'b.lock');
    const first = await acquireLock(path);
    rmSync(path);
    const second = await acquireLock(path);
    assert.ok(first.ok && second.ok);
    assert.ok(!(await first.value.held()));
    await first.value.release();
    assert.ok(await second.value.held());
    await second.value.release();
  });
});
