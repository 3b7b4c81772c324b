import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { response, stream } from '../../../../packages/http1/src/testing/messages.ts';
import { readResponses } from '../../../../packages/http1/src/testing/record.ts';
import { Answer, get, OPTIONS } from '../testing/answer.ts';
import { listenRaw } from '../testing/raw-backend.ts';
import { Http1Backend } from './http1-backend.ts';

const CEILING_MS = 60_000;
const RUNS = 300;

/** The first answer in `text`, as the codec reads it, in an Answer's words; what follows it is nobody's answer. */
function expected(text: string): { told: string[]; body: string; trailers: unknown } {
  const told: string[] = [];
  let body = '';
  let status = 0;
  for (const [kind, what, , , fields] of readResponses(text) as [string, unknown, unknown, unknown, unknown][]) {
    if (kind === 'head') {
      status = what as number;
      told.push(String(status));
      assert.ok(Array.isArray(fields));
    } else if (kind === 'body') {
      told.push('data');
      body = what as string;
    } else if (kind === 'end') return { told: [...told, 'end'], body, trailers: what };
    else told.push(what === 'cut' ? 'failed backend-reset' : 'failed bad-head');
  }
  // Informational heads alone are no answer.
  if (status < 200 && !told.at(-1)?.startsWith('failed')) told.push('failed backend-reset');
  return { told, body, trailers: [] };
}

describe('streams of answers, right and wrong', { timeout: CEILING_MS }, () => {
  it('come as just the answer that the codec reads first in them, however they are torn', async (t) => {
    const raw = await listenRaw(t);
    const backend = new Http1Backend({ ...OPTIONS, url: raw.url });
    t.after(() => backend.close());
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
    const check = fc.asyncProperty(stream(response), cuts, async (text, places) => {
      const answer = new Answer(backend, get());
      const wire = await raw.accept();
      await wire.hearHead();
      let from = 0;
      const ends = places.map((place) => Math.floor(place * text.length)).toSorted((a, b) => a - b);
      for (const to of [...ends, text.length]) {
        if (!wire.socket.destroyed) wire.say(text.slice(from, to));
        from = to;
        await new Promise((resolve) => setImmediate(resolve));
      }
      wire.finish();
      await answer.over;
      // Every answer on a connection of its own: what it left behind ends with it.
      await wire.hearAll();
      assert.deepEqual({ told: answer.told, body: answer.body, trailers: answer.trailers }, expected(text));
    });
    await fc.assert(check, { numRuns: RUNS });
  });
});
