import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRefusal, readHttp2Head } from './http2-request.ts';
import type { Http2Head } from './http2-request.ts';

const MANY_BYTES = 10_000;
const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'a.example', ':path', '/x?y'];

function read(raw: readonly string[], maxBytes = MANY_BYTES): Http2Head {
  const head = readHttp2Head(raw, maxBytes);
  assert.ok(!isRefusal(head), JSON.stringify(head));
  return head;
}

function refused(raw: readonly string[], maxBytes = MANY_BYTES): string {
  const head = readHttp2Head(raw, maxBytes);
  assert.ok(isRefusal(head), JSON.stringify(head));
  return `${head.status} ${head.code}`;
}

function changed(name: string, value: string): string[] {
  return GET.map((each, i) => (GET[i - 1] === name ? value : each));
}

describe('the head of an HTTP/2 request', () => {
  it('is a method, a target, and fields in their order behind a host from :authority', () => {
    const head = read([...GET, 'x-b', '1', 'x-a', '\xfc', 'x-b', '2']);
    assert.deepEqual([head.method, head.target, head.webSocketKey], ['GET', '/x?y', '']);
    assert.deepEqual(head.fields, ['host', 'a.example', 'x-b', '1', 'x-a', '\xfc', 'x-b', '2']);
  });

  it('keeps a host that says the same as :authority once, and one that differs beside it', () => {
    assert.deepEqual(read([...GET, 'host', 'A.example']).fields, ['host', 'a.example']);
    assert.deepEqual(read([...GET, 'host', 'b.example']).fields, ['host', 'a.example', 'host', 'b.example']);
  });

  it('has its host as it came where there is no :authority', () => {
    assert.deepEqual(read([':method', 'GET', ':scheme', 'http', ':path', '/', 'host', 'b']).fields, ['host', 'b']);
  });

  it('is refused with a field of one connection, a value with spaces around it, an unknown pseudo-field, another scheme or an absolute path', () => {
    for (const name of ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']) {
      assert.equal(refused([...GET, name, 'x']), '400 connection-field');
    }
    for (const value of [' a', 'a ', '\ta', 'a\t', ' ']) assert.equal(refused([...GET, 'x', value]), '400 bad-value');
    assert.equal(refused([':status', '200', ...GET]), '400 pseudo-field');
    assert.equal(refused(changed(':scheme', 'ftp')), '400 bad-scheme');
    assert.equal(refused(changed(':path', 'http://b/')), '400 bad-path');
    assert.equal(refused(changed(':path', '')), '400 bad-path');
  });

  it('may ask for * and be a plain CONNECT, which admission decides', () => {
    assert.equal(read(changed(':path', '*')).target, '*');
    const head = read([':method', 'CONNECT', ':authority', 'a:80']);
    assert.deepEqual([head.method, head.target, head.fields], ['CONNECT', '', ['host', 'a:80']]);
  });

  it('is counted as HTTP/1.1 counts it, and is too large by one byte over its limit', () => {
    const raw = [...GET, 'x', '12345'];
    const { bytes } = read(raw);
    assert.equal(bytes, raw.join('').length + (raw.length / 2) * 4);
    read(raw, bytes);
    assert.equal(refused(raw, bytes - 1), '431 head-too-large');
  });
});

describe('an extended CONNECT', () => {
  const CONNECT = [':protocol', 'websocket', ...changed(':method', 'CONNECT')];

  it('is a GET that asks for a WebSocket with a key of our own, whatever key it brought', () => {
    const head = read([...CONNECT, 'sec-websocket-key', 'theirs', 'sec-websocket-protocol', 'chat']);
    assert.equal(Buffer.from(head.webSocketKey, 'base64').length, 16);
    assert.deepEqual([head.method, head.target], ['GET', '/x?y']);
    assert.deepEqual(head.fields, [
      'host',
      'a.example',
      'sec-websocket-protocol',
      'chat',
      'connection',
      'Upgrade',
      'upgrade',
      'websocket',
      'sec-websocket-key',
      head.webSocketKey,
      'sec-websocket-version',
      '13',
    ]);
    assert.notEqual(read(CONNECT).webSocketKey, head.webSocketKey);
  });

  it('keeps the version that it asks for', () => {
    const { fields } = read([...CONNECT, 'sec-websocket-version', '8']);
    assert.deepEqual(
      fields.filter((_, i) => fields[i - 1] === 'sec-websocket-version'),
      ['8'],
    );
  });

  it('is refused for another protocol, and :protocol without CONNECT', () => {
    assert.equal(refused(CONNECT.map((each) => (each === 'websocket' ? 'connect-udp' : each))), '501 unknown-protocol');
    assert.equal(refused([':protocol', 'websocket', ...GET]), '400 pseudo-field');
  });
});
