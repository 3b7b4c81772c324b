import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isToken, lowerName } from './field-kinds.ts';
import { endToEnd, fieldsAreValid, isEventStream, isTarget, trailerFields } from './fields.ts';
import { fields, target, token, TOKEN_CHARACTERS } from './testing/arbitraries.ts';
import { check } from './testing/check.ts';

const allBytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
const withValue = (value: string): boolean => fieldsAreValid(['name', value], 0);

describe('fields', () => {
  it('take as a token what RFC 9110 calls one, character by character', () => {
    const allowed = new Set(TOKEN_CHARACTERS);
    for (const each of allBytes) assert.equal(isToken(`a${each}b`), allowed.has(each), JSON.stringify(each));
    assert.ok(!isToken(''));
  });

  it('refuse a name that looks like a known one with a line end behind it', () => {
    assert.ok(isToken('accept'));
    assert.ok(!isToken('accept\n'));
    assert.ok(!isToken('accept\r'));
  });

  it('tell server-sent events by their media type, whatever its parameters', () => {
    for (const type of ['text/event-stream', 'Text/Event-Stream;charset=utf-8', ' text/event-stream ;a=b']) {
      assert.ok(isEventStream(type), type);
    }
    for (const type of ['text/event-stream-of-ours', 'x-text/event-stream', 'text/html; a=text/event-stream', '']) {
      assert.ok(!isEventStream(type), type);
    }
  });

  it('refuse space and tab around a value, and take an empty one', () => {
    for (const value of [' a', 'a ', '\ta', 'a\t', ' ', '\t']) assert.ok(!withValue(value), JSON.stringify(value));
    assert.ok(withValue(''));
    assert.ok(withValue('a \t b'));
  });

  it('refuse a CR or LF at the very end of a target', () => {
    for (const end of ['\n', '\r', '\r\n', '\0']) assert.ok(!isTarget(`/${end}`));
  });

  it('refuse a name without a value', () => {
    assert.ok(!fieldsAreValid(['a'], 0));
    assert.ok(!fieldsAreValid(['skipped', 'a', 'b', 'c'], 1));
    assert.ok(fieldsAreValid(['skipped', 'a', 'b'], 1));
    assert.ok(fieldsAreValid([], 0));
  });

  it('take as a target visible ASCII, but no fragment and no backslash', () => {
    for (const each of allBytes) {
      const code = each.charCodeAt(0);
      const isAllowed = code > 0x20 && code < 0x7f && each !== '#' && each !== '\\';
      assert.equal(isTarget(`/${each}`), isAllowed, JSON.stringify(each));
    }
    assert.ok(!isTarget(''));
  });

  it('take whatever HTTP allows', (t) => {
    const property = fc.property(token, target, fields, (method, path, pairs) => {
      assert.ok(isToken(method) && isTarget(path) && fieldsAreValid(pairs, 0));
    });
    check(t, property);
  });

  it('never take for valid a name that was not, however often it comes', () => {
    for (let i = 0; i < 3; i += 1) assert.ok(!isToken('bad name'));
    for (let i = 0; i < 2_000; i += 1) assert.ok(isToken(`x-filler-${i}`));
    assert.ok(!isToken('bad name'));
  });
});

/** What is left of `from`. */
function left(from: readonly string[], keepUpgrade = false): readonly string[] {
  return endToEnd(from, keepUpgrade);
}

describe('fields of one connection', () => {
  it('end here, in any spelling, and so do those that Connection names', () => {
    const own = [
      'Keep-Alive',
      'x',
      'PROXY-connection',
      'x',
      'Transfer-Encoding',
      'chunked',
      'Upgrade',
      'h2c',
      'te',
      'gzip',
    ];
    const named = [
      'Connection',
      'close, X-One ,x-two',
      'x-one',
      '1',
      'X-Two',
      '2',
      'connection',
      'x-three',
      'x-three',
      '3',
    ];
    assert.deepEqual(left(['a', '1', ...own, ...named, 'B', '2', 'b', '3']), ['a', '1', 'B', '2', 'b', '3']);
  });

  it('cannot take away fields that are about the message or its path', () => {
    const about = ['Host', 'h', 'Authorization', 'x', 'Content-Length', '3', 'Cookie', 'c', 'X-Forwarded-For', '::1'];
    const kept = [
      ...about,
      'Set-Cookie',
      'a',
      'Via',
      '1.1 a',
      'Forwarded',
      'for=a',
      'Client-Cert',
      ':a:',
      'Expect',
      'x',
    ];
    const names = kept.filter((_, i) => i % 2 === 0).join(', ');
    assert.deepEqual(left(['Connection', `${names.toLowerCase()}, X-Request-Id`, ...kept]), kept);
  });

  it('keep Upgrade only where one is asked for, and TE only for trailers', () => {
    const from = ['Connection', 'Upgrade, TE', 'TE', 'gzip, Trailers;q=1', 'Upgrade', 'websocket'];
    assert.deepEqual(left(from), ['TE', 'trailers']);
    assert.deepEqual(left(from, true), ['Upgrade', 'websocket', 'TE', 'trailers']);
    for (const te of ['gzip', 'trailers2', 'x trailers']) assert.deepEqual(left(['te', te]), [], te);
  });

  it('leave a head without them as it is', () => {
    const from = ['Host', 'h', 'Content-Length', '3'];
    assert.equal(left(from), from);
  });

  it('know names whatever their case, the thousandth as well as the first', () => {
    for (let i = 0; i < 2_000; i += 1) assert.equal(lowerName(`X-Name-${i}`), `x-name-${i}`);
  });
});

describe('the fields of a trailer section', () => {
  it('are those that need not be known before the content', () => {
    const kept = ['grpc-status', '0', 'Server-Timing', 'db', 'Digest', 'x', 'ETag', '"a"', 'X-Checksum', '1'];
    const framing = [
      'Content-Length',
      '3',
      'TRANSFER-encoding',
      'chunked',
      'Trailer',
      'x',
      'Connection',
      'x',
      'TE',
      'x',
    ];
    const routing = ['host', 'b', 'Max-Forwards', '1', 'Expect', 'x', 'Range', 'bytes=0-1', 'If-Match', '"a"'];
    const who = [
      'Authorization',
      'x',
      'Set-Cookie',
      'a=b',
      'cookie',
      'a=b',
      'WWW-Authenticate',
      'x',
      'Proxy-Authorization',
    ];
    const ours = ['x', 'Via', '1.1 a', 'X-Forwarded-For', '::1', 'X-Request-Id', 'a', 'Client-Cert', ':a:'];
    const traces = ['Traceparent', 'a', 'tracestate', 'b=1'];
    const spelt = ['Content_Length', '3', 'X_Forwarded_Host', 'a', 'X-Forwarded-Anything', 'b'];
    const all = [...framing, ...kept.slice(0, 4), ...routing, ...who, ...ours, ...traces, ...kept.slice(4), ...spelt];
    assert.deepEqual(trailerFields(all), kept);
    assert.equal(trailerFields(kept), kept);
  });
});
