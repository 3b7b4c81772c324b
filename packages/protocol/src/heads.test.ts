import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addOpenRtt,
  fillHead,
  headBytes,
  isInformational,
  openBytes,
  readBackendUs,
  readHead,
  readOpen,
  readOpenSession,
  readStatus,
  readTrailers,
  writeHead,
  writeOpen,
} from './heads.ts';
import { tableBytes, writeTable } from './strings.ts';
import { anyHead, anyOpen, fields } from './testing/arbitraries.ts';
import { openHead, responseHead } from './testing/bench.ts';
import { check } from './testing/check.ts';
import { rawTable } from './testing/frames.ts';
import { MAX_HEAD_BYTES, MAX_HEAD_LINES, MAX_HEAD_PAYLOAD_BYTES } from './wire.ts';

function open(changes: Parameters<typeof openHead>[0]): Buffer {
  const head = openHead(changes);
  const bytes = Buffer.alloc(openBytes(head));
  writeOpen(bytes, 0, head);
  return bytes;
}

function head(changes: Parameters<typeof responseHead>[0]): Buffer {
  const value = responseHead(changes);
  const bytes = Buffer.alloc(headBytes(value));
  writeHead(bytes, 0, value);
  return bytes;
}

const readWhole = <T>(read: (source: Buffer, start: number, end: number) => T, bytes: Buffer): T =>
  read(bytes, 0, bytes.length);

/** One field of `bytes` of text. */
const fill = (bytes: number): string[] => ['n', 'v'.repeat(bytes - 1)];

describe('heads', () => {
  it('carry an OPEN there and back, at any offset', (t) => {
    const property = fc.property(anyOpen, fc.nat(30), (value, at) => {
      const bytes = Buffer.alloc(at + openBytes(value) + 3, 0xee);
      const end = at + openBytes(value);
      writeOpen(bytes, at, value);
      assert.deepEqual(readOpen(bytes, at, end), value);
      assert.equal(readOpenSession(bytes, at, end), value.session);
    });
    check(t, property);
  });

  it('carry a HEAD there and back, at any offset', (t) => {
    const property = fc.property(anyHead, fc.nat(30), (value, at) => {
      const bytes = Buffer.alloc(at + headBytes(value) + 3, 0xee);
      writeHead(bytes, at, value);
      assert.deepEqual(readHead(bytes, at, at + headBytes(value)), value);
      assert.equal(readStatus(bytes, at), value.status);
      assert.equal(readBackendUs(bytes, at), value.backendUs);
    });
    check(t, property);
  });

  it('carry trailers there and back, and none as an empty payload', (t) => {
    const property = fc.property(fields, (strings) => {
      const bytes = Buffer.alloc(tableBytes(strings));
      writeTable(bytes, 0, strings);
      assert.deepEqual(readWhole(readTrailers, bytes), strings);
    });
    check(t, property);
    assert.deepEqual(readWhole(readTrailers, Buffer.alloc(0)), []);
  });

  it('fill times in place, rounded and saturated, and leave the rest as it was', () => {
    const bytes = head({ status: 204, rttUs: 0xffff_fff0, clientUs: 5, strings: ['No Content', 'a', 'b'] });
    fillHead(bytes, 0, 100, 12.6, -3);
    const expected = responseHead({ status: 204, rttUs: 0xffff_ffff, serverUs: 13, clientUs: 5 });
    assert.deepEqual(readWhole(readHead, bytes), { ...expected, strings: ['No Content', 'a', 'b'] });
    const request = open({ rttUs: 0xffff_ffff });
    addOpenRtt(request, 0, 5_000);
    assert.deepEqual(readWhole(readOpen, request), openHead({ rttUs: 0xffff_ffff }));
  });

  it('take 1xx but 101 as informational', () => {
    assert.deepEqual([100, 101, 102, 103, 199, 200].map(isInformational), [true, false, true, true, true, false]);
  });

  it('are torn, not bad, when a table does not fill its frame or a length points outside', () => {
    const bytes = open({ strings: ['GET', '/', 'a', 'b'] });
    for (let length = 9; length < bytes.length; length += 1) {
      assert.equal(readOpen(bytes, 0, length), null, `OPEN of ${length}`);
    }
    const answer = head({ strings: ['OK', 'a', 'b'] });
    for (let length = 32; length < answer.length; length += 1) assert.equal(readHead(answer, 0, length), null);
    assert.equal(readWhole(readTrailers, Buffer.from([0])), null);
    const unknownFlags = open({});
    unknownFlags[0] = 2;
    assert.equal(readWhole(readOpen, unknownFlags), null);
    assert.equal(readWhole(readOpen, open({ strings: ['GET'] })), null);
  });

  it('are bad when HTTP does not allow what is in them', () => {
    const badOpens = [
      ['', '/'],
      ['G T', '/'],
      ['GET', ''],
      ['GET', '/#'],
      ['GET', '/ '],
      ['GET', '/', 'a'],
    ];
    badOpens.push(['GET', '/', 'a b', 'c'], ['GET', '/', 'a', 'b\r\nc: d'], ['GET', '/', '', 'v']);
    for (const strings of badOpens) assert.equal(readWhole(readOpen, open({ strings })), 'bad-head', strings.join(' '));
    for (const status of [0, 99, 1_000, 65_535]) assert.equal(readWhole(readHead, head({ status })), 'bad-head');
    const badHeads = [['OK\n'], ['OK', 'a'], ['OK', 'a', '\0']];
    for (const strings of badHeads) assert.equal(readWhole(readHead, head({ strings })), 'bad-head');
    assert.equal(readWhole(readTrailers, rawTable('a', 'b\n')), 'bad-head');
    assert.equal(readWhole(readTrailers, rawTable('a')), 'bad-head');
  });

  it('hold no control character in any text of theirs, CR, LF and NUL among them, but HTAB', () => {
    for (let code = 0; code < 256; code += 1) {
      const character = String.fromCharCode(code);
      const isControl = (code < 0x20 && code !== 0x09) || code === 0x7f;
      const value = `a${character}b`;
      assert.equal(readWhole(readOpen, open({ strings: ['GET', '/', 'n', value] })) === 'bad-head', isControl);
      assert.equal(readWhole(readHead, head({ strings: ['OK', 'n', value] })) === 'bad-head', isControl);
      assert.equal(readWhole(readHead, head({ strings: [value] })) === 'bad-head', isControl);
      assert.equal(readWhole(readTrailers, rawTable('n', value)) === 'bad-head', isControl);
    }
  });

  it('are bad wherever in them one bad byte is', (t) => {
    const bad = fc.constantFrom('\r', '\n', '\0', '\r\n');
    const property = fc.property(anyOpen, bad, fc.nat(), fc.nat(), (value, badText, which, where) => {
      const strings = [...value.strings];
      const at = which % strings.length;
      const cut = where % (strings[at]!.length + 1);
      strings[at] = strings[at]!.slice(0, cut) + badText + strings[at]!.slice(cut);
      assert.equal(readWhole(readOpen, open({ ...value, strings })), 'bad-head');
    });
    check(t, property);
  });

  it('take 1,000 lines and 64 KiB of text, no more, and such a head fits its frame', () => {
    const lines = Array.from({ length: MAX_HEAD_LINES }, () => ['n', 'v']).flat();
    assert.notEqual(readWhole(readOpen, open({ strings: ['GET', '/', ...lines] })), null);
    assert.equal(readWhole(readOpen, open({ strings: ['GET', '/', ...lines, 'n', 'v'] })), null);
    assert.notEqual(readWhole(readHead, head({ strings: ['OK', ...lines] })), null);
    assert.equal(readWhole(readHead, head({ strings: ['OK', ...lines, 'n', 'v'] })), null);
    assert.equal(readWhole(readTrailers, rawTable(...lines, 'n', 'v')), null);
    const largest = open({
      session: 's'.repeat(255),
      strings: ['GET', '/', ...fill(40_000), ...fill(MAX_HEAD_BYTES - 40_004)],
    });
    assert.notEqual(readWhole(readOpen, largest), null);
    assert.ok(largest.length <= MAX_HEAD_PAYLOAD_BYTES);
    assert.equal(
      readWhole(readOpen, open({ strings: ['GET', '/', ...fill(40_000), ...fill(MAX_HEAD_BYTES - 40_003)] })),
      null,
    );
  });
});
