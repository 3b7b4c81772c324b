import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode, streamCodeName } from '@sallyport/protocol';
import { failureCode } from './failures.ts';

function failure(code: string | undefined, name = 'Error'): Error & { code?: string } {
  return Object.assign(new Error('x'), { name }, code === undefined ? {} : { code });
}

function said(code: string | undefined, isConnected: boolean, name?: string): string {
  return streamCodeName(failureCode(failure(code, name), isConnected));
}

describe('what a library says of a backend', () => {
  it('is a timeout, be it of the connection or of the head', () => {
    for (const code of ['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT']) assert.equal(said(code, false), 'backend-timeout');
    for (const code of ['UND_ERR_HEADERS_TIMEOUT', 'ETIMEDOUT']) assert.equal(said(code, true), 'backend-timeout');
  });

  it('is a refusal where there was no connection, whatever the reason', () => {
    const codes = ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'ENOTFOUND', 'EHOSTUNREACH', 'CERT_HAS_EXPIRED', undefined];
    for (const code of codes) assert.equal(said(code, false), 'backend-refused', String(code));
  });

  it('is a head that HTTP does not allow where it could not be read', () => {
    for (const code of ['HPE_INVALID_CONSTANT', 'UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']) {
      assert.equal(said(code, true), 'bad-head', code);
    }
    assert.equal(said(undefined, true, 'HTTPParserError'), 'bad-head');
  });

  it('is a head that HTTP does not allow where it would not send the request at all', () => {
    for (const code of ['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']) assert.equal(said(code, false), 'bad-head');
  });

  it('is a cut connection otherwise', () => {
    for (const code of ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'SP_CONNECTION_RESET', undefined]) {
      assert.equal(said(code, true), 'backend-reset', String(code));
    }
  });

  it('is always one of the codes that blame the backend', () => {
    const { BACKEND_REFUSED, BACKEND_RESET, BACKEND_TIMEOUT, BAD_HEAD } = StreamCode;
    const codes: number[] = [BACKEND_REFUSED, BACKEND_RESET, BACKEND_TIMEOUT, BAD_HEAD];
    for (const isConnected of [true, false]) assert.ok(codes.includes(failureCode(failure('EWHATEVER'), isConnected)));
  });
});
