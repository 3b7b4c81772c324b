import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROLES } from '@sallyport/credentials';
import type { CredentialInfo } from '@sallyport/credentials';
import { CommandError } from '../exit.ts';
import { durationMs } from './duration.ts';
import { credentialTable, issuedText, stateOf } from './text.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const alice: CredentialInfo = {
  id: 'a1',
  principal: 'alice',
  role: 'client',
  sessions: ['demo', 'team-*'],
  createdAt: '2026-01-02T03:04:05.678Z',
};
const root: CredentialInfo = { ...alice, id: 'root-of-all', principal: 'root', role: 'admin', sessions: [] };

describe('credentialTable', () => {
  it('is one aligned line a credential, with what is revoked or running out marked', () => {
    const revoked = { ...alice, revokedAt: '2026-05-31T23:59:00.000Z' };
    const replaced = { ...alice, revokedAt: '2026-06-02T00:00:00.000Z' };
    const lines = credentialTable([alice, revoked, replaced, root], NOW_MS).split('\n');
    assert.deepEqual(lines, [
      'ID           NAME   FOR     SESSIONS     MADE               STATE',
      'a1           alice  client  demo,team-*  2026-01-02 03:04Z  active',
      'a1           alice  client  demo,team-*  2026-01-02 03:04Z  REVOKED 2026-05-31 23:59Z',
      'a1           alice  client  demo,team-*  2026-01-02 03:04Z  until 2026-06-02 00:00Z',
      'root-of-all  root   admin   -            2026-01-02 03:04Z  active',
    ]);
  });

  it('is its headings alone for an empty store', () => {
    assert.deepEqual(credentialTable([], NOW_MS).split('\n').length, 1);
  });

  it('calls a credential revoked from the moment that it is', () => {
    assert.equal(stateOf({ ...alice, revokedAt: new Date(NOW_MS).toISOString() }, NOW_MS), 'revoked');
    assert.equal(stateOf({ ...alice, revokedAt: new Date(NOW_MS + 1).toISOString() }, NOW_MS), 'replaced');
  });
});

describe('issuedText', () => {
  for (const role of ROLES) {
    it(`shows a ${role}'s secret, the line for its file and a command to use it with`, () => {
      const text = issuedText({ id: 'a1', secret: 's3cret', principal: 'alice', role, sessions: ['team-*'] });
      assert.match(text, /^id {6}a1\nsecret {2}s3cret$/m);
      assert.match(text, /^ {2}a1:s3cret$/m);
      assert.match(text, /^ {2}(sallyport|curl) .*$/m);
      assert.doesNotMatch(text.split('\n').at(-1)!, /s3cret|\*/);
    });
  }
});

describe('durationMs', () => {
  it('reads numbers with a unit', () => {
    const read = ['0', '250ms', '90s', '30m', '24h', '7d'].map(durationMs);
    assert.deepEqual(read, [0, 250, 90_000, 1_800_000, 86_400_000, 604_800_000]);
  });

  it('refuses everything else with an example', () => {
    for (const text of ['', '7', '-1h', '1.5h', '1 h', '1w', '9999999999s', 'h']) {
      assert.throws(
        () => durationMs(text),
        (error) => error instanceof CommandError && /7d/.test(error.message),
        text,
      );
    }
  });
});
