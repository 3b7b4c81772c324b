import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { streamCodeName } from '@sallyport/protocol';
import { failureCode } from './failures.ts';

function said(code: string | undefined, isConnected: boolean): string {
  const error = Object.assign(new Error('x'), code === undefined ? {} : { code });
  return streamCodeName(failureCode(error, isConnected));
}

describe('what a socket says of a backend', () => {
  it('is a timeout, with a connection and without', () => {
    for (const isConnected of [false, true]) assert.equal(said('ETIMEDOUT', isConnected), 'backend-timeout');
  });

  it('is a refusal where there was no connection, whatever the reason', () => {
    const codes = ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'ENOTFOUND', 'EHOSTUNREACH', 'CERT_HAS_EXPIRED', undefined];
    for (const code of codes) assert.equal(said(code, false), 'backend-refused', String(code));
  });

  it('is a cut connection otherwise', () => {
    for (const code of ['ECONNRESET', 'EPIPE', undefined])
      assert.equal(said(code, true), 'backend-reset', String(code));
  });
});
