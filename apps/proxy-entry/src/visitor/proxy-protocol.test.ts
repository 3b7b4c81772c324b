import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { lookForProxyHeader, readProxyHeader } from './proxy-protocol.ts';
import type { ProxyHeader } from './proxy-protocol.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const MALFORMED: ProxyHeader = { kind: 'malformed' };

function binary(command: number, family: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt8(command, 0);
  head.writeUInt8(family, 1);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([SIGNATURE, head, payload]);
}

function read(text: string): ProxyHeader {
  return readProxyHeader(Buffer.from(text, 'latin1'));
}

const ports = Buffer.from([0x1f, 0x90, 0x01, 0xbb]);
const V4 = Buffer.concat([Buffer.from([192, 0, 2, 1, 198, 51, 100, 2]), ports]);
const V6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db8000000000000000000000002', 'hex'),
  ports,
]);

describe('the header of the PROXY protocol', () => {
  it('in version 1 says for whom, in IPv4 and IPv6', () => {
    const line = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
    assert.deepEqual(read(`${line}GET /`), { kind: 'read', bytes: line.length, source: '192.0.2.1' });
    const six = 'PROXY TCP6 2001:DB8:0:0:0:0:0:1 2001:db8::2 1 2\r\n';
    assert.deepEqual(read(six), { kind: 'read', bytes: six.length, source: '2001:db8::1' });
    const mapped = 'PROXY TCP6 ::ffff:192.0.2.9 ::1 1 2\r\n';
    assert.deepEqual(read(mapped), { kind: 'read', bytes: mapped.length, source: '192.0.2.9' });
  });

  it('in version 1 may say that it does not know', () => {
    for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff:f::1 something 1 2\r\n']) {
      assert.deepEqual(read(line), { kind: 'read', bytes: line.length, source: null });
    }
  });

  it('in version 2 says for whom, with extensions behind it', () => {
    const extensions = Buffer.from([0x04, 0, 2, 1, 2]);
    const four = binary(0x21, 0x11, Buffer.concat([V4, extensions]));
    const bytes = four.length;
    assert.deepEqual(readProxyHeader(Buffer.concat([four, Buffer.from('GET')])), {
      kind: 'read',
      bytes,
      source: '192.0.2.1',
    });
    assert.deepEqual(readProxyHeader(binary(0x21, 0x21, V6)), { kind: 'read', bytes: 52, source: '2001:db8::1' });
  });

  it('in version 2 may speak for the balancer itself, for a Unix socket or for nobody', () => {
    for (const header of [
      binary(0x20, 0x11, V4),
      binary(0x20, 0x00, Buffer.alloc(0)),
      binary(0x21, 0x00, Buffer.alloc(3)),
      binary(0x21, 0x31, Buffer.alloc(216)),
    ]) {
      assert.deepEqual(readProxyHeader(header), { kind: 'read', bytes: header.length, source: null });
    }
  });

  it('is malformed where anything is wrong with it', () => {
    for (const line of [
      'GET / HTTP/1.1\r\n',
      'PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n',
      'PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n',
      'PROXY TCP4 ::1 ::1 1 2\r\n',
      'PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n',
      'PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n',
      'PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n',
      'PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n',
      'proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n',
      'PROXY UNKNOWNS\r\n',
      `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
    ]) {
      assert.deepEqual(read(line), MALFORMED, line);
    }
    for (const header of [
      binary(0x11, 0x11, V4),
      binary(0x22, 0x11, V4),
      binary(0x21, 0x12, V4),
      binary(0x21, 0x11, V4.subarray(1)),
      binary(0x21, 0x21, V4),
      binary(0x21, 0x11, Buffer.alloc(4_097)),
    ]) {
      assert.deepEqual(readProxyHeader(header), MALFORMED, header.toString('hex'));
    }
  });

  it('is never waited for beyond its length', () => {
    assert.equal(read(`PROXY UNKNOWN ${'x'.repeat(90)}`), null);
    assert.deepEqual(read(`PROXY UNKNOWN ${'x'.repeat(93)}`), MALFORMED);
  });

  it('is read the same however it is torn, and leaves what is behind it', (t) => {
    const anyHeader = fc.oneof(
      fc
        .tuple(fc.ipV4(), fc.ipV4(), fc.nat(65_535), fc.nat(65_535))
        .map(([from, to, one, other]) => Buffer.from(`PROXY TCP4 ${from} ${to} ${one} ${other}\r\n`)),
      fc
        .tuple(fc.constantFrom(0x20, 0x21), fc.constantFrom(0x00, 0x11, 0x21, 0x31), fc.uint8Array({ maxLength: 300 }))
        .map(([command, family, payload]) => binary(command, family, Buffer.from(payload))),
      fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([SIGNATURE, Buffer.from(bytes)])),
    );
    check(
      t,
      fc.property(anyHeader, fc.uint8Array({ maxLength: 20 }), (header, behind) => {
        const whole = Buffer.concat([header, Buffer.from(behind)]);
        const result = readProxyHeader(whole);
        for (let length = 0; length <= whole.length; length += 1) {
          const sofar = readProxyHeader(whole.subarray(0, length));
          // Decided once, and then for good; until then it waits.
          if (sofar !== null) assert.deepEqual(sofar, result);
          if (result?.kind === 'read') assert.equal(sofar === null, length < result.bytes);
        }
        if (result?.kind === 'read' && result.source !== null) assert.notEqual(isIP(result.source), 0);
        const looked = lookForProxyHeader(whole);
        if (looked !== null) assert.ok(looked.bytes <= whole.length);
      }),
    );
  });
});
