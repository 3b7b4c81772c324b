import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  lstatSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { CredentialsError, Result } from './errors.ts';
import { FileCredentials, type FileCredentialsOptions } from './file-credentials.ts';
import type { CredentialRequest } from './types.ts';

const DAY_MS = 86_400_000;
const root = mkdtempSync(join(tmpdir(), 'sallyport-credentials-'));
after(() => rmSync(root, { recursive: true }));
const alice: CredentialRequest = { principal: 'alice', role: 'client', sessions: ['demo', 'team-*'] };

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.error));
  return result.value;
}

function errorOf(result: Result<unknown>): CredentialsError {
  assert.ok(!result.ok, 'expected an error');
  return result.error;
}

function freshPath(): string {
  return join(mkdtempSync(join(root, 'store-')), 'sallyport-credentials.json');
}

async function freshStore(options: Partial<FileCredentialsOptions> = {}): Promise<FileCredentials> {
  return value(await FileCredentials.open({ path: freshPath(), create: true, ...options }));
}

describe('FileCredentials: files', () => {
  it('keeps store and pepper for their owner alone, and neither holds a secret', async () => {
    const path = freshPath();
    const pepperPath = path.replace(/json$/, 'pepper');
    const { secret } = value(await (await freshStore({ path })).add(alice));
    for (const file of [path, pepperPath]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    assert.equal(statSync(pepperPath).size, 32);
    assert.ok(!readFileSync(path, 'latin1').includes(secret));
    assert.deepEqual(readdirSync(join(path, '..')).sort(), [
      'sallyport-credentials.json',
      'sallyport-credentials.pepper',
    ]);
  });

  it('tightens the mode of a store that was open to others', async () => {
    const path = freshPath();
    const store = await freshStore({ path });
    await store.add(alice);
    chmodSync(path, 0o644);
    await store.add(alice);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('knows its credentials again after a restart', async () => {
    const path = freshPath();
    const { id, secret } = value(await (await freshStore({ path })).add(alice));
    const again = value(await FileCredentials.open({ path }));
    assert.ok(again.verify(id, secret).ok);
    assert.deepEqual(Object.keys(again.list()[0]!), ['id', 'principal', 'role', 'sessions', 'createdAt']);
  });

  it('does not begin a store unasked, and says how to make one', async () => {
    const path = freshPath();
    const error = errorOf(await FileCredentials.open({ path }));
    assert.equal(error.code, 'SP_CREDENTIALS_NOT_FOUND');
    assert.match(error.hint, /sallyport creds add/);
    assert.deepEqual(readdirSync(join(path, '..')), []);
  });

  it('does not make a new pepper for an old store', async () => {
    const path = freshPath();
    const store = await freshStore({ path });
    await store.add(alice);
    rmSync(path.replace(/json$/, 'pepper'));
    assert.equal(errorOf(await FileCredentials.open({ path, create: true })).code, 'SP_CREDENTIALS_PEPPER');
    assert.equal(errorOf(await store.add(alice)).code, 'SP_CREDENTIALS_PEPPER');
    writeFileSync(path.replace(/json$/, 'pepper'), 'short');
    assert.equal(errorOf(await FileCredentials.open({ path })).code, 'SP_CREDENTIALS_PEPPER');
  });

  it('names file and line of a broken store, and does not overwrite it', async () => {
    const path = freshPath();
    const store = await freshStore({ path });
    await store.add(alice);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"client"', 'client'));
    const before = readFileSync(path, 'utf8');
    for (const error of [
      errorOf(await FileCredentials.open({ path, create: true })),
      errorOf(await store.add(alice)),
    ]) {
      assert.equal(error.code, 'SP_CREDENTIALS_BROKEN');
      assert.equal(error.file, path);
      assert.equal(error.line, 4);
    }
    assert.equal(readFileSync(path, 'utf8'), before);
  });

  it('replaces a store behind a symbolic link where it is', async () => {
    const path = freshPath();
    await (await freshStore({ path })).add(alice);
    const linked = join(mkdtempSync(join(root, 'link-')), 'store.json');
    symlinkSync(path, linked);
    await value(await FileCredentials.open({ path: linked, pepperPath: path.replace(/json$/, 'pepper') })).add(alice);
    assert.ok(lstatSync(linked).isSymbolicLink());
    assert.equal(value(await FileCredentials.open({ path })).list().length, 2);
  });

  it('answers with an error where the folder is missing or is no folder', async () => {
    for (const path of [join(root, 'gone', 'store.json'), '/dev/null/store.json']) {
      assert.equal(errorOf(await FileCredentials.open({ path, create: true })).code, 'SP_CREDENTIALS_IO', path);
    }
    assert.equal(errorOf(await FileCredentials.open({ path: root })).code, 'SP_CREDENTIALS_IO');
  });
});

describe('FileCredentials: changes by others', () => {
  it('does not wait for a pipe in the place of its store or pepper: what was read last stays in force', async () => {
    for (const ending of ['json', 'pepper']) {
      const path = freshPath();
      const store = await freshStore({ path });
      const { id, secret } = value(await store.add(alice));
      const pipe = `${path}.pipe`;
      execFileSync('mkfifo', [pipe]);
      renameSync(pipe, path.replace(/json$/, ending));
      const error = errorOf(store.look());
      assert.match(`${error.message} ${error.code}`, /no regular file.*_IO|not a file of 32 bytes.*_PEPPER/);
      assert.ok(store.verify(id, secret).ok);
      assert.ok(!(await FileCredentials.open({ path })).ok);
    }
  });

  it('takes over what another process wrote: a new credential in a tenth of a second, a revocation in one', async () => {
    let nowMs = 1_000_000;
    const path = freshPath();
    const writer = await freshStore({ path, now: () => nowMs });
    await writer.add(alice);
    const reader = value(await FileCredentials.open({ path, now: () => nowMs }));
    const { id, secret } = value(await writer.add(alice));
    nowMs += 99;
    assert.ok(!reader.verify(id, secret).ok);
    nowMs += 1;
    assert.ok(reader.verify(id, secret).ok);
    await writer.revoke(id);
    nowMs += 999;
    assert.ok(reader.isActive(id) && reader.verify(id, secret).ok);
    nowMs += 1;
    assert.ok(!reader.isActive(id) && !reader.verify(id, secret).ok);
  });

  it('looks at once when it is asked to, and keeps what it knows where the file is broken', async () => {
    const path = freshPath();
    const options = { path, create: true, now: () => 0 };
    const [store, other] = [value(await FileCredentials.open(options)), value(await FileCredentials.open(options))];
    const { id, secret } = value(await store.add(alice));
    value(other.look());
    assert.ok(other.verify(id, secret).ok);
    await store.revoke(id);
    assert.ok(other.verify(id, secret).ok, 'it was not asked');
    value(other.look());
    assert.ok(!other.isActive(id));
    writeFileSync(path, '{');
    assert.equal(other.list().length, 1);
    assert.match(errorOf(other.look()).message, /JSON/);
    assert.equal(other.list().length, 1);
  });

  it('keeps what it knows while the file is broken or gone, and says so once', async () => {
    let nowMs = 0;
    const errors: CredentialsError[] = [];
    const path = freshPath();
    const store = await freshStore({ path, now: () => nowMs, onReloadError: (error) => errors.push(error) });
    const { id, secret } = value(await store.add(alice));
    const sound = readFileSync(path);
    const later = () => {
      nowMs += 1000;
      return store.verify(id, secret).ok;
    };
    writeFileSync(path, '{');
    assert.ok(later() && later());
    rmSync(path);
    assert.ok(later() && later());
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['SP_CREDENTIALS_BROKEN', 'SP_CREDENTIALS_NOT_FOUND'],
    );
    writeFileSync(path, sound);
    assert.ok(later());
    assert.equal(errors.length, 2);
  });

  it('goes on checking after the clock was set back', async () => {
    let nowMs = 10 * DAY_MS;
    const path = freshPath();
    const store = await freshStore({ path, now: () => nowMs });
    const { id } = value(await store.add(alice));
    await value(await FileCredentials.open({ path })).revoke(id);
    nowMs = 1;
    store.isActive(id);
    assert.ok(store.list()[0]?.revokedAt !== undefined);
  });

  it('takes over a lock that was left behind', async () => {
    const path = freshPath();
    const store = await freshStore({ path });
    writeFileSync(`${path}.lock`, 'a writer that died');
    const long = Date.now() / 1000 - 60;
    utimesSync(`${path}.lock`, long, long);
    value(await store.add(alice));
    assert.deepEqual(readdirSync(join(path, '..')).sort(), [
      'sallyport-credentials.json',
      'sallyport-credentials.pepper',
    ]);
  });
});

describe('FileCredentials: rotate', () => {
  it('gives a new secret and lets the old one run out after the overlap', async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    const store = await freshStore({ now: () => nowMs });
    const old = value(await store.add(alice));
    const fresh = value(await store.rotate('alice', DAY_MS));
    assert.equal(fresh.replaces, old.id);
    assert.equal(fresh.replacedUntil, '2026-01-02T00:00:00.000Z');
    assert.deepEqual([fresh.principal, fresh.role, fresh.sessions], ['alice', 'client', alice.sessions]);
    nowMs += DAY_MS - 1;
    assert.ok(store.verify(old.id, old.secret).ok && store.verify(fresh.id, fresh.secret).ok);
    nowMs += 1;
    assert.ok(!store.verify(old.id, old.secret).ok && store.verify(fresh.id, fresh.secret).ok);
  });

  it('ends the old secret at once without an overlap', async () => {
    const store = await freshStore();
    const old = value(await store.add(alice));
    const fresh = value(await store.rotate(old.id));
    assert.ok(!store.isActive(old.id) && store.isActive(fresh.id));
  });

  it('can rotate a principal by name again and again', async () => {
    const store = await freshStore();
    await store.add(alice);
    value(await store.rotate('alice', DAY_MS));
    value(await store.rotate('alice', DAY_MS));
    assert.equal(store.list().filter(({ revokedAt }) => revokedAt === undefined).length, 1);
  });

  it('asks which one is meant, and refuses revoked ones and endless overlaps', async () => {
    const store = await freshStore();
    const [one, two] = [value(await store.add(alice)), value(await store.add(alice))];
    const error = errorOf(await store.rotate('alice'));
    assert.equal(error.code, 'SP_CREDENTIALS_AMBIGUOUS');
    assert.ok(error.hint.includes(one.id) && error.hint.includes(two.id));
    await store.revoke(one.id);
    assert.equal(errorOf(await store.rotate(one.id)).code, 'SP_CREDENTIALS_UNKNOWN');
    for (const overlap of [-1, 91 * DAY_MS, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.equal(errorOf(await store.rotate(two.id, overlap)).code, 'SP_CREDENTIALS_ARGUMENT');
    }
  });
});

describe('FileCredentials: import', () => {
  const visitors = { role: 'visitor', sessions: ['demo'] } as const;
  const lines = '\u{feff}# made elsewhere\r\nkey-1:0123456789abcdef\r\n\r\n  key-2:with:colons:and-more  \n';

  it('takes lines id:secret, and the same ones again without harm', async () => {
    const store = await freshStore();
    assert.deepEqual(value(await store.import(lines, visitors)), { added: 2, unchanged: 0 });
    assert.deepEqual(value(await store.import(lines, visitors)), { added: 0, unchanged: 2 });
    const verdict = store.verify('key-2', 'with:colons:and-more');
    assert.deepEqual(verdict, { ok: true, principal: 'key-2', role: 'visitor', sessions: ['demo'] });
  });

  it('gives all of them to one principal if told so', async () => {
    const store = await freshStore();
    value(await store.import(lines, { ...visitors, principal: 'team' }));
    assert.deepEqual(value(await store.revoke('team')), ['key-1', 'key-2']);
  });

  it('takes none when one is broken, and reports every broken line without its text', async () => {
    const store = await freshStore();
    value(await store.import(lines, visitors));
    const secret = 'hunter2-hunter2-hunter2';
    const bad = [
      `good:${secret}`,
      secret,
      `:${secret}`,
      `de.mo:${secret}`,
      'short:hunter2',
      `space:${secret} ${secret}`,
      `long:${secret.repeat(20)}`,
      `umlaut:${secret}ü`,
      'hashed:$apr1$hunter2x$hunter2hunter2',
      `good:${secret}2`,
      `key-1:${secret}`,
    ];
    const error = errorOf(await store.import(bad.join('\n'), visitors));
    assert.equal(error.code, 'SP_CREDENTIALS_IMPORT');
    assert.deepEqual(
      error.problems?.map(({ line }) => line),
      [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
    assert.ok(!JSON.stringify(error).includes('hunter2'));
    assert.match(error.problems?.[7]?.message ?? '', /htpasswd/);
    assert.equal(store.list().length, 2);
  });

  it('refuses the same id for another use instead of keeping the old one silently', async () => {
    const store = await freshStore();
    value(await store.import(lines, visitors));
    assert.equal(
      errorOf(await store.import(lines, { ...visitors, sessions: ['other'] })).code,
      'SP_CREDENTIALS_IMPORT',
    );
  });
});
