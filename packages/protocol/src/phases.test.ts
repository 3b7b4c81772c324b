import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Phase, phaseAfter, phaseAfterHead } from './phases.ts';
import { Kind } from './wire.ts';

const { WAITING, BODY, ENDED } = Phase;

describe('phases', () => {
  it('let DATA and END follow only in a body', () => {
    assert.deepEqual(
      [WAITING, BODY, ENDED].map((phase) => phaseAfter(phase, Kind.DATA)),
      [null, BODY, null],
    );
    assert.deepEqual(
      [WAITING, BODY, ENDED].map((phase) => phaseAfter(phase, Kind.END)),
      [null, ENDED, null],
    );
  });

  it('let no other kind follow anywhere', () => {
    for (const kind of Object.values(Kind)) {
      if (kind === Kind.DATA || kind === Kind.END) continue;
      assert.deepEqual(
        [WAITING, BODY, ENDED].map((phase) => phaseAfter(phase, kind)),
        [null, null, null],
      );
    }
  });

  it('let a head come only while one is waited for', () => {
    for (const status of [100, 103, 101, 200, 404]) {
      for (const last of [false, true]) {
        assert.equal(phaseAfterHead(BODY, status, last), null);
        assert.equal(phaseAfterHead(ENDED, status, last), null);
      }
    }
  });

  it('wait on after an informational head, which is never the last word', () => {
    for (const status of [100, 102, 103, 199]) {
      assert.equal(phaseAfterHead(WAITING, status, false), WAITING);
      assert.equal(phaseAfterHead(WAITING, status, true), null);
    }
  });

  it('take 101 and everything from 200 on as the final head', () => {
    for (const status of [101, 200, 304, 503, 999]) {
      assert.equal(phaseAfterHead(WAITING, status, false), BODY);
      assert.equal(phaseAfterHead(WAITING, status, true), ENDED);
    }
  });
});
