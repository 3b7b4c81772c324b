import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTraceParent, parseTraceParent, traceIdOf } from './trace-parent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('traceparent (W3C Trace Context §3.2)', () => {
  it('names a trace, a span, and whether it is sampled', () => {
    assert.deepEqual(parseTraceParent(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, isSampled: true });
    assert.deepEqual(parseTraceParent(`00-${TRACE}-${SPAN}-00`), { traceId: TRACE, spanId: SPAN, isSampled: false });
    assert.equal(parseTraceParent(`00-${TRACE}-${SPAN}-fe`)?.isSampled, false, 'other flags are not ours to read');
    assert.equal(parseTraceParent(`00-${TRACE}-${SPAN}-ff`)?.isSampled, true);
  });

  it('of a later version is read as far as it is known', () => {
    assert.equal(parseTraceParent(`cc-${TRACE}-${SPAN}-01`)?.traceId, TRACE);
    assert.equal(parseTraceParent(`cc-${TRACE}-${SPAN}-01-what-the-future-brings`)?.traceId, TRACE);
  });

  it('is none in any other form', () => {
    const bad = [
      '',
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01-more`,
      `00-${TRACE}-${SPAN}-01-`,
      `cc-${TRACE}-${SPAN}-01more`,
      `00-${TRACE}-${SPAN}-1`,
      `00-${TRACE}-${SPAN}`,
      `0-${TRACE}-${SPAN}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${TRACE}-${SPAN.toUpperCase()}-01`,
      `00-${TRACE.slice(1)}-${SPAN}-01`,
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE}-${SPAN}-0g`,
      `00_${TRACE}_${SPAN}_01`,
      `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
      `cc-${TRACE}-${SPAN}-01-tail, 00-${TRACE}-${SPAN}-01`,
      `cc-${TRACE}-${SPAN}-01-, cc-${TRACE}-${SPAN}-01`,
    ];
    for (const value of bad) assert.equal(parseTraceParent(value), null, JSON.stringify(value));
  });

  it('is written as it is read', () => {
    for (const isSampled of [true, false]) {
      const read = parseTraceParent(formatTraceParent(TRACE, SPAN, isSampled));
      assert.deepEqual(read, { traceId: TRACE, spanId: SPAN, isSampled });
    }
  });

  it('gives logs the id of the trace, or nothing', () => {
    assert.equal(traceIdOf(`00-${TRACE}-${SPAN}-00`), TRACE);
    assert.equal(traceIdOf('nonsense'), '');
    assert.equal(traceIdOf(null), '');
  });
});
