import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adminVerifier } from './admin.ts';
import { MemoryCredentials } from './memory-credentials.ts';
import { ROLES, type Role } from './types.ts';

function storeWith(role: Role): { store: MemoryCredentials; id: string; secret: string } {
  const store = new MemoryCredentials();
  const issued = store.add({ principal: 'somebody', role, sessions: ['*'] });
  assert.ok(issued.ok);
  const { id, secret } = issued.value;
  return { store, id, secret };
}

describe('adminVerifier', () => {
  for (const role of ROLES) {
    it(`${role === 'admin' ? 'lets in' : 'refuses'} the credential of a ${role}`, () => {
      const { store, id, secret } = storeWith(role);
      assert.equal(adminVerifier(store)(`Bearer ${id}.${secret}`), role === 'admin');
    });
  }

  it('refuses a wrong secret, an unknown id, another scheme and none at all', () => {
    const { store, id, secret } = storeWith('admin');
    const verify = adminVerifier(store);
    const basic = Buffer.from(`${id}:${secret}`).toString('base64');
    const wrong = [
      undefined,
      '',
      `Bearer ${id}.${secret}x`,
      `Bearer x${id}.${secret}`,
      `Basic ${basic}`,
      `${id}.${secret}`,
    ];
    for (const header of wrong) assert.equal(verify(header), false, String(header));
  });

  it('refuses a credential from the moment that it is revoked', () => {
    const { store, id, secret } = storeWith('admin');
    const verify = adminVerifier(store);
    assert.equal(verify(`Bearer ${id}.${secret}`), true);
    store.revoke(id);
    assert.equal(verify(`Bearer ${id}.${secret}`), false);
  });
});
