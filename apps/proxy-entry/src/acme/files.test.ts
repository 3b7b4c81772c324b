import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { accountKey } from './account-key.ts';
import { Attempts } from './attempts.ts';
import { HttpChallenges } from './http-challenges.ts';
import { tryLock } from './lock.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-acme-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('the lock of an order', () => {
  it('is had by one of many that ask at once, and by the next once it is given back', async (t) => {
    const path = join(folderOf(t), 'lock');
    const all = await Promise.all(Array.from({ length: 8 }, () => tryLock(path, Date.now())));
    const [lock, ...others] = all.filter((each) => each !== null);
    assert.equal(others.length, 0);
    assert.ok(await lock!.isHeld());
    await lock!.release();
    const next = await tryLock(path, Date.now());
    assert.ok(next !== null);
    await next.release();
  });

  it('is taken over from who died a minute ago, and who only slept sees that it lost it', async (t) => {
    const folder = folderOf(t);
    const path = join(folder, 'lock');
    // Who sleeps does not say that it lives.
    t.mock.timers.enable({ apis: ['setInterval'] });
    const sleeper = await tryLock(path, Date.now());
    const longAgo = new Date(Date.now() - 61_000);
    utimesSync(path, longAgo, longAgo);
    const next = await tryLock(path, Date.now());
    assert.ok(next !== null);
    assert.equal(await sleeper!.isHeld(), false);
    await sleeper!.release();
    assert.ok(await next.isHeld());
    await next.release();
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('the answers to HTTP-01', () => {
  it('are those of tokens that were given, at every entry that shares the folder, and no other file of it', async (t) => {
    const folder = folderOf(t);
    const [one, other] = [new HttpChallenges(folder), new HttpChallenges(folder)];
    await one.add('Token-1_a', 'Token-1_a.thumbprint');
    assert.equal(other.answer('Token-1_a'), 'Token-1_a.thumbprint');
    writeFileSync(join(folder, 'secret.key'), 'secret');
    for (const token of [
      '',
      '.',
      '..',
      'unknown',
      'secret.key',
      '../secret.key',
      'Token-1_a/',
      'Token-1_a?',
      'a'.repeat(200),
    ]) {
      assert.equal(other.answer(token), null, token);
    }
    await assert.rejects(one.add('../escape', ''), /a token that is none/);
    await other.remove('Token-1_a');
    assert.equal(one.answer('Token-1_a'), null);
    await one.add('left-behind', 'left-behind.thumbprint');
    await other.clear();
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('the key of the account', () => {
  it('is made once by all that ask at once, for its owner alone', async (t) => {
    const path = join(folderOf(t), 'account.key');
    const keys = await Promise.all([accountKey(path), accountKey(path), accountKey(path)]);
    assert.equal(new Set(keys).size, 1);
    assert.equal(readFileSync(path, 'utf8'), keys[0]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });
});

describe('failures', () => {
  it('are remembered until a success, and a file that is not whole is none', async (t) => {
    const folder = folderOf(t);
    const failed = { failures: 3, retryAtMs: 1_800_000_000_000 };
    await new Attempts(folder).failed('*.a.test', failed);
    assert.deepEqual(await new Attempts(folder).read('*.a.test'), failed);
    writeFileSync(join(folder, 'acme-b.test.failed.json'), '{"failures":');
    assert.equal((await new Attempts(folder).read('b.test')).failures, 0);
    const nowhere = new Attempts(join(folder, 'nowhere'));
    await assert.rejects(nowhere.failed('c.test', failed), { code: 'ENOENT' });
    assert.deepEqual(await nowhere.read('c.test'), failed);
    await new Attempts(folder).succeeded('*.a.test');
    assert.equal((await new Attempts(folder).read('*.a.test')).failures, 0);
  });
});
