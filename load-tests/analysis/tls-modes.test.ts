import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeWindow } from '../testing/windows.ts';
import { blockOrder, tlsSection, tlsVerdict } from './tls-modes.ts';
import type { TlsBlock, TlsMode } from './tls-modes.ts';

const MODES: TlsMode[] = ['off', 'on', 'resumed'];
const COST_MS: Record<TlsMode, number> = { off: 0, on: 1, mtls: 1.5, resumed: 0.4 };

/** Blocks of 100 handshakes each in their order, on a machine that grows slower by `driftMs` a block. */
function makeBlocks(passes: number, driftMs = 0, modes = MODES): TlsBlock[] {
  return blockOrder(modes, passes).map((mode, index) => {
    const step = makeWindow({ tunnel: 1 + COST_MS[mode] + index * driftMs });
    const tls = mode === 'off' ? 0 : 100;
    const tunnel = { ...step.arms.tunnel, tlsHandshakes: tls, tlsResumed: mode === 'resumed' ? tls : 0 };
    return { mode, step: { ...step, arms: { ...step.arms, tunnel } } };
  });
}

const change = (wanted: TlsMode, changes: object): TlsBlock[] =>
  makeBlocks(6).map(({ mode, step }) => {
    const tunnel = { ...step.arms.tunnel, ...(mode === wanted && changes) };
    return { mode, step: { ...step, arms: { ...step.arms, tunnel } } };
  });
const sentenceOf = (blocks: TlsBlock[]): string => tlsVerdict(blocks, tlsSection(blocks)).sentence;
describe('blocks of TLS modes', () => {
  test('go there and back again', () => {
    assert.deepEqual(blockOrder(['off', 'on'], 2), ['off', 'on', 'on', 'off']);
    assert.deepEqual(blockOrder(['off', 'on', 'mtls'], 3).join(' '), 'off on mtls mtls on off off on mtls');
  });

  test('tell what each mode adds to the first', () => {
    const blocks = makeBlocks(6);
    const section = tlsSection(blocks);
    const p50 = section.map(({ mode, added }) => [mode, added[0]?.medianMs, added[0]?.ci95]);
    assert.deepEqual(p50, [
      ['off', undefined, undefined],
      ['on', 1, [1, 1]],
      ['resumed', 0.4, [0.4, 0.4]],
    ]);
    assert.deepEqual(
      section.map(({ handshakes, resumed }) => [handshakes, resumed]),
      [
        [0, 0],
        [600, 0],
        [600, 600],
      ],
    );
    const { fault, sentence } = tlsVerdict(blocks, section);
    assert.equal(fault, 'none');
    assert.match(sentence, /against off, .*: on \+1\.00 ms \(95 %: \+1\.00 to \+1\.00\); resumed \+0\.400 ms/);
  });

  test('take a steady drift out', () => {
    const [, on, resumed] = tlsSection(makeBlocks(6, 0.05));
    assert.ok(Math.abs((on?.added[0]?.medianMs ?? 0) - 1) < 0.001);
    assert.ok(Math.abs((resumed?.added[0]?.medianMs ?? 0) - 0.4) < 0.001);
  });

  test('have no verdict from fewer than six of each, nor from none', () => {
    for (const blocks of [makeBlocks(4), []]) {
      assert.match(tlsVerdict(blocks, tlsSection(blocks)).sentence, /^No verdict: too few whole blocks/);
    }
  });

  test('have no verdict where a mode fails or is not what it is called by', () => {
    assert.match(sentenceOf(change('on', { ok: 0, failed: 600 })), /100\.0 % of the requests failed with mode on/);
    assert.match(sentenceOf(change('resumed', { tlsResumed: 3 })), /resumed 18 of 600 sessions with mode resumed/);
    assert.match(sentenceOf(change('on', { tlsResumed: 3 })), /18 sessions were resumed with mode on/);
  });
});
