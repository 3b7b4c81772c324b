import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CloseCode, closeCodeName, StreamCode, streamCodeName } from './codes.ts';
import { Kind } from './wire.ts';

const document = readFileSync(new URL('../../../PROTOCOL.md', import.meta.url), 'utf8');

describe('codes', () => {
  it('are those of PROTOCOL.md, number and name', () => {
    const rows = [...document.matchAll(/^\| (\d+) \| ([a-z-]+) \|/gm)].map(([, code, name]) => `${code} ${name}`);
    assert.deepEqual(
      Object.values(StreamCode).map((code) => `${code} ${streamCodeName(code)}`),
      rows,
    );
    const closes = new Set(
      [...document.matchAll(/\b(40\d\d) `([a-z-]+)`/g)].map(([, code, name]) => `${code} ${name}`),
    );
    assert.deepEqual(new Set(Object.values(CloseCode).map((code) => `${code} ${closeCodeName(code)}`)), closes);
  });

  it('have kinds that are those of PROTOCOL.md', () => {
    const rows = [...document.matchAll(/^\| (0x[0-9a-f]{2}) \| ([A-Z]+) \|/gm)];
    assert.deepEqual(Object.fromEntries(rows.map(([, kind, name]) => [name, Number(kind)])), { ...Kind });
  });

  it('name a code from a later version by its number', () => {
    assert.equal(streamCodeName(99), 'unknown-99');
    assert.equal(closeCodeName(1006), 'websocket-1006');
  });
});
