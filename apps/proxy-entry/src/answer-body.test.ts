import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode } from '@sallyport/protocol';
import { AnswerBody } from './answer-body.ts';

function begun(status: number, fields: readonly string[], last = false, method = 'GET'): AnswerBody {
  const body = new AnswerBody();
  assert.equal(body.begin(method, status, fields, last), null);
  return body;
}

const TEN = ['Content-Length', '10'];

describe('the body of an answer', () => {
  it('is as long as its head said', () => {
    const body = begun(200, TEN);
    assert.ok(body.take(4) && body.isShort);
    assert.ok(body.take(6) && !body.isShort);
    assert.ok(!body.take(1));
  });

  it('may be of any length where its head said none, or behind a 101', () => {
    for (const body of [begun(200, []), begun(101, TEN)]) {
      assert.ok(body.take(1_000_000));
      assert.ok(!body.isShort);
    }
  });

  it('may be missing where the length is that of a body which is not sent', () => {
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 304],
      ['GET', 204],
    ] as const) {
      assert.ok(!begun(status, TEN, true, method).isShort);
    }
  });

  it('is refused where it is missing and was promised, or its length is no number', () => {
    assert.equal(new AnswerBody().begin('GET', 200, TEN, true), StreamCode.PROTOCOL);
    assert.equal(new AnswerBody().begin('GET', 200, ['Content-Length', 'x'], false), StreamCode.BAD_HEAD);
    assert.equal(new AnswerBody().begin('GET', 200, [...TEN, 'content-length', '11'], false), StreamCode.BAD_HEAD);
  });
});
