import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { FileCredentials } from '@sallyport/credentials';
import { eventsOf, runCli, temporaryFolder } from '../testing/cli.ts';
import type { CliOptions, Ended } from '../testing/cli.ts';

interface Secret {
  readonly id: string;
  readonly secret: string;
}

async function creds(t: TestContext, args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  const ended = await runCli(t, ['creds', ...args], options);
  assert.equal(ended.code, 0, ended.stderr);
  return ended;
}

async function json<T>(t: TestContext, args: readonly string[], options: CliOptions = {}): Promise<T> {
  const { stdout } = await creds(t, [...args, '--json'], options);
  return eventsOf(stdout)[0] as T;
}

async function isGood(path: string, { id, secret }: Secret): Promise<boolean> {
  const opened = await FileCredentials.open({ path });
  return opened.ok && opened.value.verify(id, secret).ok;
}

describe('creds', { concurrency: 2, timeout: 300_000 }, () => {
  it('makes a store of mode 0600 and a credential that it then knows, and prints nothing but id and secret', async (t) => {
    const store = join(temporaryFolder(t), 'store.json');
    const made = await json<Secret>(t, [
      'add',
      'laptop',
      '--for',
      'client',
      '--sessions',
      'demo, team-*',
      '--store',
      store,
    ]);
    assert.deepEqual(Object.keys(made), ['id', 'secret']);
    assert.equal(statSync(store).mode & 0o777, 0o600);
    const opened = await FileCredentials.open({ path: store });
    assert.ok(opened.ok);
    const known = { principal: 'laptop', role: 'client', sessions: ['demo', 'team-*'] };
    assert.deepEqual(opened.value.verify(made.id, made.secret), { ok: true, ...known });
    assert.ok(!readFileSync(store, 'utf8').includes(made.secret));
  });

  it('shows people the line for a credential file and a command to use it with', async (t) => {
    const store = join(temporaryFolder(t), 'store.json');
    const { stdout } = await creds(t, ['add', 'laptop', '--for', 'client', '--sessions', 'demo', '--store', store]);
    const [, id, secret] = /^ {2}([0-9a-f]{16}):([\w-]{43})$/m.exec(stdout) ?? [];
    assert.ok(await isGood(store, { id: id!, secret: secret! }));
    assert.match(stdout, /sallyport client .* --session demo --credential-file \.\/laptop\.secret$/m);
  });

  it('rotates, revokes and lists, and never lists a hash', async (t) => {
    const store = ['--store', join(temporaryFolder(t), 'store.json')];
    const old = await json<Secret>(t, ['add', 'laptop', '--for', 'entry', ...store]);
    const fresh = await json<Secret & { replaces: string }>(t, ['rotate', 'laptop', '--overlap', '24h', ...store]);
    assert.equal(fresh.replaces, old.id);
    assert.deepEqual([await isGood(store[1]!, old), await isGood(store[1]!, fresh)], [true, true]);
    const states = async () => {
      const { stdout } = await creds(t, ['list', '--json', ...store]);
      assert.doesNotMatch(stdout, /hash/);
      return eventsOf(stdout).map((each) => [each['id'], each['state']]);
    };
    assert.deepEqual(await states(), [
      [old.id, 'replaced'],
      [fresh.id, 'active'],
    ]);
    const { revoked } = await json<{ revoked: string[] }>(t, ['revoke', 'laptop', ...store]);
    assert.deepEqual(revoked, [old.id, fresh.id]);
    assert.deepEqual([await isGood(store[1]!, old), await isGood(store[1]!, fresh)], [false, false]);
    assert.equal((await creds(t, ['list', ...store])).stdout.match(/REVOKED/g)?.length, 2);
    assert.match((await creds(t, ['revoke', old.id, ...store])).stdout, /already/);
  });

  it('imports lines from a file and from standard input', async (t) => {
    const folder = temporaryFolder(t);
    const flags = ['--for', 'visitor', '--sessions', 'demo', '--store', join(folder, 'store.json')];
    writeFileSync(join(folder, 'keys.txt'), '# made elsewhere\nkey-1:0123456789abcdef\n');
    assert.deepEqual(await json(t, ['import', join(folder, 'keys.txt'), ...flags]), { added: 1, unchanged: 0 });
    const input = 'key-1:0123456789abcdef\nkey-2:0123456789abcdef\n';
    assert.deepEqual(await json(t, ['import', '-', ...flags], { input }), { added: 1, unchanged: 1 });
    assert.ok(await isGood(join(folder, 'store.json'), { id: 'key-2', secret: '0123456789abcdef' }));
  });

  it('refuses what cannot be with 2 and one line, and imports nothing of a file with a broken line', async (t) => {
    const folder = temporaryFolder(t);
    const store = ['--store', join(folder, 'store.json')];
    const keys = join(folder, 'keys.txt');
    writeFileSync(keys, 'key-1:0123456789abcdef\nkey-2\nkey-3:short\nkey-4:0123456789abcdef\nkey-5\n');
    const refused: [RegExp, string[]][] = [
      [/a client needs sessions; .*--sessions/, ['add', 'x', '--for', 'client']],
      [/an entry works for all sessions, .*; leave --sessions/, ['add', 'x', '--for', 'entry', '--sessions', 'demo']],
      [/an admin works for all sessions, /, ['import', keys, '--for', 'admin', '--sessions', 'demo,*']],
      [/name is not 1 to 64/, ['add', 'two words', '--for', 'admin']],
      [/Allowed choices are client, entry, visitor, admin/, ['add', 'x', '--for', 'root']],
      [/store\.json is not there; .*creds add/, ['list']],
      [/store\.json is not there; .*creds add/, ['revoke', 'x']],
      [/1w is not a duration; .*24h/, ['rotate', 'x', '--overlap', '1w']],
      [/keys\.txt:2: it is not id:secret; also wrong: lines 3, 5; /, ['import', keys, '--for', 'entry']],
      [/nowhere\.txt cannot be used \(ENOENT\)/, ['import', '/nowhere.txt', '--for', 'entry']],
    ];
    for (const [line, args] of refused) {
      const { code, stdout, stderr } = await runCli(t, ['creds', ...args, ...store]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^sallyport: [^\n]+\n$/);
      assert.match(stderr, line);
    }
    assert.ok(!existsSync(join(folder, 'store.json')));
  });

  it('keeps the store where server looks for it: beside the configuration file, or as the environment says', async (t) => {
    const folder = temporaryFolder(t);
    const elsewhere = join(temporaryFolder(t), 'elsewhere.json');
    writeFileSync(join(folder, 'sallyport.yaml'), '');
    const add = ['add', 'edge', '--for', 'entry'];
    await creds(t, [...add, '--config', join(folder, 'sallyport.yaml')]);
    assert.ok(readdirSync(folder).includes('sallyport-credentials.json'));
    await creds(t, add, { cwd: folder, env: { SALLYPORT_CREDENTIALS_FILE: elsewhere } });
    assert.ok(existsSync(elsewhere));
    writeFileSync(join(folder, 'sallyport.yaml'), 'server: { credentialStore: ./own.json }\n');
    await creds(t, add, { cwd: folder, env: { SALLYPORT_CREDENTIALS_FILE: elsewhere } });
    assert.ok(readdirSync(folder).includes('own.json'));
  });
});
