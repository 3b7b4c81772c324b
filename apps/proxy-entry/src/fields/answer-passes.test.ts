import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldKind, kindOf } from '@sallyport/protocol';
import fc from 'fast-check';
import { fields } from '../../../../packages/protocol/src/testing/arbitraries.ts';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { lines } from '../testing/requests.ts';
import { ANSWER_PASSES } from './answer-passes.ts';
import { HeadPasses } from './head-passes.ts';
import { valuesOf } from './values.ts';

const VIA = '1.1 sallyport-local';
const passes = new HeadPasses({ pseudonym: 'sallyport-local', trustedProxies: [] });
const OURS = [`Via: ${VIA}`, 'X-Request-Id: id-1'];
const anyFields = fields.filter((sent) => valuesOf(sent, 'via').length === 0);

function answered(sent: readonly string[], status = 200, timing: string | null = null): string[] {
  return passes.answer(sent, status, 'id-1', timing);
}

describe('the passes over an answer', () => {
  it('have names, each another', () => {
    const names = ANSWER_PASSES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });

  it('leave it as it is, with Via and the request id added', () => {
    const sent = ['Date', 'now', 'SET-Cookie', 'a=1', 'set-cookie', 'b=2, c', 'ETag', 'W/"x"', 'X-Latin', '\xfc'];
    assert.deepEqual(lines(answered(sent)), [...lines(sent), ...OURS]);
  });

  it('let every field pass that is neither of one connection nor ours, in order, byte for byte', (t) => {
    const ended = FieldKind.HOP | FieldKind.REQUEST_ID;
    check(
      t,
      fc.property(anyFields, (sent) => {
        const expected = lines(sent).filter((_, i) => (kindOf(sent[2 * i]!) & ended) === 0);
        assert.deepEqual(lines(answered(sent)), [...expected, ...OURS]);
        const informed = lines(sent).filter(
          (_, i) => (kindOf(sent[2 * i]!) & (FieldKind.HOP | FieldKind.CONTENT_LENGTH)) === 0,
        );
        assert.deepEqual(lines(passes.informational(sent)), informed);
      }),
    );
  });

  it('keep the backend’s Via in front of ours, as one field', () => {
    const fields = answered(['Via', '1.1 cache', 'Age', '3', 'via', '1.0 other']);
    assert.deepEqual(lines(fields, 'via'), [`Via: 1.1 cache, 1.0 other, ${VIA}`]);
  });

  it('put our request id in the place of the backend’s', () => {
    assert.deepEqual(lines(answered(['x-Request-ID', 'theirs']), 'x-request-id'), ['X-Request-Id: id-1']);
  });

  it('keep the backend’s Server-Timing beside ours', () => {
    const fields = answered(['server-timing', 'db;dur=12.5'], 200, 'entry;dur=0.100');
    assert.deepEqual(lines(fields, 'server-timing'), ['server-timing: db;dur=12.5', 'Server-Timing: entry;dur=0.100']);
    assert.deepEqual(lines(answered(['Server-Timing', 'db']), 'server-timing'), ['Server-Timing: db']);
  });

  it('end what is of one connection, but the Upgrade of a 101', () => {
    const sent = ['Connection', 'Upgrade, X-Private', 'X-Private', '1', 'Keep-Alive', 'x', 'Upgrade', 'websocket'];
    assert.deepEqual(lines(answered(sent)), OURS);
    assert.deepEqual(lines(answered(sent, 101), 'upgrade'), ['Upgrade: websocket']);
  });

  it('cannot lose a cookie or a length because Connection names it', () => {
    const sent = ['Connection', 'set-cookie, content-length, via', 'Set-Cookie', 'a=1', 'Content-Length', '3'];
    assert.deepEqual(lines(answered(sent)), ['Set-Cookie: a=1', 'Content-Length: 3', ...OURS]);
  });

  it('drop a Content-Length where no content can follow (RFC 9110 §8.6), and nowhere else', () => {
    const sent = ['content-LENGTH', '3', 'X', '1'];
    for (const status of [101, 204]) assert.deepEqual(lines(answered(sent, status)), ['X: 1', ...OURS]);
    for (const status of [200, 205, 206, 304, 404, 500]) {
      assert.deepEqual(lines(answered(sent, status)), [...lines(sent), ...OURS]);
    }
    assert.deepEqual(lines(passes.informational(sent)), ['X: 1']);
  });

  it('say nothing of ours in a 1xx', () => {
    const sent = ['Link', '</a>', 'Connection', 'x-a', 'X-A', '1', 'Via', '1.1 cache', 'X-Request-Id', 'theirs'];
    assert.deepEqual(lines(passes.informational(sent)), ['Link: </a>', 'Via: 1.1 cache', 'X-Request-Id: theirs']);
  });
});
