import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatStore, parseStore } from './store-text.ts';
import type { CredentialRecord } from './types.ts';

const hash = Buffer.alloc(32, 7).toString('base64url');
const record = (id: string): CredentialRecord => ({
  id,
  principal: 'alice',
  role: 'client',
  sessions: ['demo'],
  hash,
  createdAt: '2026-01-02T03:04:05.000Z',
});

function lineOfFault(text: string): number | undefined {
  const result = parseStore(text, 'store.json');
  assert.ok(!result.ok);
  assert.equal(result.error.code, 'SP_CREDENTIALS_BROKEN');
  assert.equal(result.error.file, 'store.json');
  assert.ok(result.error.message.startsWith(`store.json:${result.error.line}: `));
  assert.ok(result.error.hint.length > 0);
  assert.ok(!JSON.stringify(result.error).includes('alice'), 'the text of the file is not repeated');
  return result.error.line;
}

describe('store text', () => {
  it('reads back what it wrote, one credential a line', () => {
    for (const records of [
      [],
      [record('a')],
      [record('a'), { ...record('b'), revokedAt: '2026-01-02T03:04:05.000Z' }],
    ]) {
      const text = formatStore(records);
      assert.deepEqual(parseStore(text, 'x'), { ok: true, value: records });
      assert.equal(text.split('\n').length, records.length === 0 ? 5 : 6 + records.length);
    }
  });

  it('names the line of a syntax error', () => {
    const text = formatStore([record('a'), record('b'), record('c')]);
    const lines = text.split('\n');
    assert.equal(lineOfFault(lines.with(4, lines[4]!.replace('"alice"', 'alice')).join('\n')), 5);
    assert.equal(lineOfFault(lines.slice(0, 5).join('\n')), 5);
    for (const fault of [
      '}',
      '{"id":}',
      '{"id":"a}',
      "{'id':1}",
      'null null',
      '{"id":"\t"},',
      '{"id":01},',
      '{,},',
      ',',
    ]) {
      for (const index of [3, 4]) assert.equal(lineOfFault(lines.with(index, fault).join('\n')), index + 1, fault);
    }
    assert.equal(lineOfFault(''), 1);
  });

  it('names the line of a credential that cannot be', () => {
    const faults: Record<string, unknown>[] = [
      { id: 'a.b' },
      { principal: 5 },
      { role: 'root' },
      { sessions: 'demo' },
      { sessions: ['a b'] },
      { hash: 'short' },
      { createdAt: 'yesterday' },
      { revokedAt: 'soon' },
      { revokedAt: null },
      { id: 'a' },
      { note: '{[","]}' },
    ];
    for (const fault of faults) {
      const records = [
        record('a'),
        { ...record('tricky'), principal: 'x@y' },
        { ...record('c'), ...fault } as CredentialRecord,
        record('d'),
      ];
      assert.equal(lineOfFault(formatStore(records)), 6, JSON.stringify(fault));
    }
    assert.equal(lineOfFault(formatStore([record('a'), [1, { x: [2] }] as never])), 5);
  });

  it('refuses what is no store of this version', () => {
    for (const text of [
      'null',
      '[]',
      '{}',
      '5',
      '{"schema":"sallyport.credentials/2","credentials":[]}',
      '{"schema":"sallyport.credentials/1"}',
    ]) {
      assert.equal(lineOfFault(text), 1, text);
    }
  });
});
