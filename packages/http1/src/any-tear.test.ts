import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { request, response, stream } from './testing/messages.ts';
import { readRequests, readResponses } from './testing/record.ts';

const RUNS = 1_000;
const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
const SMALL = { startLineBytes: 60, headBytes: 200, headLines: 6, chunkExtensionBytes: 20 };

function cutsOf(text: string, at: readonly number[]): number[] {
  return at.map((place) => Math.floor(place * text.length));
}

function everywhere(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => i);
}

for (const [what, read, message] of [
  ['requests', readRequests, request],
  ['answers', readResponses, response],
] as const) {
  describe(`${what}, right and wrong`, () => {
    for (const [size, limits] of [
      ['wide', {}],
      ['narrow', SMALL],
    ] as const) {
      it(`are read alike however they are torn, within ${size} limits`, () => {
        const counts = { whole: 0, refused: 0 };
        const check = fc.property(stream(message), places, (text, at) => {
          const whole = read(text, [], limits);
          assert.deepEqual(read(text, cutsOf(text, at), limits), whole);
          assert.deepEqual(read(text, everywhere(text), limits), whole);
          const [kind] = whole.at(-1) as [string];
          counts[kind === 'fault' ? 'refused' : 'whole'] += 1;
        });
        fc.assert(check, { numRuns: RUNS });
        // Of random messages within narrow limits some 80 of 1,000 are whole: far from what can be by chance.
        assert.ok(counts.whole > RUNS / 50 && counts.refused > RUNS / 50, JSON.stringify(counts));
      });
    }
  });
}
