import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode } from '@sallyport/protocol';
import { BackendRecord } from './backend-record.ts';

const REFUSED = new Error('connect ECONNREFUSED');

describe('BackendRecord', () => {
  it('counts answers, those of 5xx, and the time that they took', () => {
    const record = new BackendRecord();
    for (const status of [200, 404, 499, 500, 503, 599]) record.took(status, 250);
    assert.deepEqual([record.answers, record.serverErrors, record.seconds], [6, 3, 1.5]);
  });

  it('is down after three failures to connect in a row, and up again from an answer on', () => {
    const record = new BackendRecord();
    for (let i = 0; i < 2; i += 1) record.failed(StreamCode.BACKEND_REFUSED, false, REFUSED);
    assert.deepEqual([record.isUp, record.lastFailure], [true, 'connect ECONNREFUSED']);
    record.failed(StreamCode.BACKEND_TIMEOUT, false, REFUSED);
    assert.equal(record.isUp, false);
    assert.ok(Date.now() >= record.lastFailureAt!.getTime());
    record.answered();
    assert.deepEqual([record.isUp, record.lastFailure, record.lastFailureAt], [true, null, null]);
  });

  it('takes a failure behind the connection for none of the connection', () => {
    const record = new BackendRecord();
    for (let i = 0; i < 9; i += 1) record.failed(StreamCode.BACKEND_TIMEOUT, true, REFUSED);
    for (let i = 0; i < 9; i += 1) record.failed(StreamCode.BACKEND_RESET, false, REFUSED);
    assert.equal(record.isUp, true);
  });
});
