import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryCredentials } from './memory-credentials.ts';
import type { CredentialRequest, Issued } from './types.ts';

const alice: CredentialRequest = { principal: 'alice', role: 'client', sessions: ['demo', 'team-*'] };

function issued(store: MemoryCredentials, request = alice): Issued {
  const result = store.add(request);
  assert.ok(result.ok);
  return result.value;
}

describe('verify', () => {
  it('knows who shows a secret, what for, and for which sessions', () => {
    const store = new MemoryCredentials();
    const { id, secret } = issued(store);
    assert.deepEqual(store.verify(id, secret), {
      ok: true,
      principal: 'alice',
      role: 'client',
      sessions: ['demo', 'team-*'],
    });
  });

  it('refuses an unknown id, a wrong secret, another id’s secret and a revoked one in the very same way', () => {
    const store = new MemoryCredentials();
    const [one, two] = [issued(store), issued(store, { ...alice, principal: 'bob' })];
    store.revoke(two.id);
    const refusals = [
      store.verify('nobody', one.secret),
      store.verify(one.id, `${one.secret}x`),
      store.verify(one.id, two.secret),
      store.verify(two.id, two.secret),
      store.verify(one.id, ''),
      store.verify(one.id, one.secret.repeat(100)),
      store.verify('__proto__', 'x'),
    ];
    for (const refusal of refusals) assert.equal(refusal, refusals[0]);
    assert.deepEqual(refusals[0], { ok: false });
  });

  it('gives an answer that nobody can widen', () => {
    const store = new MemoryCredentials();
    const { id, secret } = issued(store);
    const verdict = store.verify(id, secret);
    assert.ok(verdict.ok);
    assert.throws(() => (verdict.sessions as string[]).push('*'), TypeError);
  });

  it('makes secrets of 256 bits and ids, none of them twice', () => {
    const store = new MemoryCredentials();
    const made = Array.from({ length: 100 }, () => issued(store));
    assert.equal(new Set(made.flatMap(({ id, secret }) => [id, secret])).size, 200);
    for (const { secret } of made) assert.equal(Buffer.from(secret, 'base64url').length, 32);
  });
});

describe('add', () => {
  it('refuses names, roles and sessions that cannot be', () => {
    const store = new MemoryCredentials();
    const wrong: CredentialRequest[] = [
      { ...alice, principal: '' },
      { ...alice, principal: 'a b' },
      { ...alice, role: 'root' as never },
      { ...alice, sessions: ['a b'] },
      { ...alice, sessions: [] },
      { ...alice, sessions: Array.from({ length: 65 }, () => 'a') },
      { ...alice, role: 'entry' },
      { ...alice, role: 'admin', sessions: ['*', 'demo'] },
    ];
    for (const request of wrong) {
      const result = store.add(request);
      assert.equal(!result.ok && result.error.code, 'SP_CREDENTIALS_ARGUMENT', JSON.stringify(request));
    }
    for (const sessions of [[], ['*']]) {
      for (const role of ['entry', 'admin'] as const) assert.ok(store.add({ principal: 'edge', role, sessions }).ok);
    }
  });
});

describe('revoke', () => {
  it('ends one by its id and all of a principal by name', () => {
    const store = new MemoryCredentials();
    const [one, two, other] = [issued(store), issued(store), issued(store, { ...alice, principal: 'bob' })];
    assert.deepEqual(store.revoke(one.id), { ok: true, value: [one.id] });
    assert.ok(!store.isActive(one.id) && store.isActive(two.id));
    assert.deepEqual(store.revoke('alice'), { ok: true, value: [two.id] });
    assert.ok(!store.verify(two.id, two.secret).ok && store.verify(other.id, other.secret).ok);
  });

  it('says when nobody is meant', () => {
    const result = new MemoryCredentials().revoke('nobody');
    assert.equal(!result.ok && result.error.code, 'SP_CREDENTIALS_UNKNOWN');
  });
});

describe('namesSession', () => {
  it('knows sessions that an active client credential names exactly', () => {
    const store = new MemoryCredentials();
    issued(store);
    const again = issued(store);
    issued(store, { principal: 'v', role: 'visitor', sessions: ['seen'] });
    assert.deepEqual(
      ['demo', 'team-*', 'team-a', 'seen'].map((id) => store.namesSession(id)),
      [true, false, false, false],
    );
    store.revoke(again.id);
    assert.ok(store.namesSession('demo'), 'the other credential still names it');
    store.revoke('alice');
    assert.ok(!store.namesSession('demo'));
  });
});
