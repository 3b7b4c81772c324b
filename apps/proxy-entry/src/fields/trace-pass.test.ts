import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arrival, lines } from '../testing/requests.ts';
import { RandomIds } from '../tracing/random-ids.ts';
import { Trace } from '../tracing/trace.ts';
import type { TraceParent } from '../tracing/trace-parent.ts';
import { HeadPasses } from './head-passes.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const SENT = ['Traceparent', `00-${TRACE}-${SPAN}-01`, 'tracestate', 'a=1', 'X', '1', 'Tracestate', 'b=2'];
const passes = new HeadPasses({ pseudonym: 'sallyport-local', trustedProxies: [] });

function forwarded(sent: readonly string[], trace: Trace | null): string[] {
  const fields: string[] = [];
  assert(passes.request(fields, sent, arrival({ trace })));
  return lines(fields).filter((line) => /^trace/i.test(line));
}

function traceOf(parent: TraceParent | null): Trace {
  return new Trace(parent?.traceId ?? TRACE, parent, true, new RandomIds());
}

describe('the fields of W3C Trace Context', () => {
  it('pass on as they are where there are no traces, well-formed or not', () => {
    const odd = ['traceparent', 'nonsense', 'traceparent', 'more'];
    assert.deepEqual(
      forwarded([...SENT, ...odd], null),
      lines([...SENT, ...odd]).filter((line) => !line.startsWith('X')),
    );
  });

  it('tell the backend our span as its parent; what others say of the trace stays, in order', () => {
    const trace = traceOf({ traceId: TRACE, spanId: SPAN, isSampled: true });
    assert.deepEqual(forwarded(SENT, trace), [
      'tracestate: a=1',
      'Tracestate: b=2',
      `traceparent: ${trace.traceParent}`,
    ]);
  });

  it('begin anew where the visitor’s is none: then nothing of it passes on', () => {
    const trace = traceOf(null);
    assert.deepEqual(forwarded(['traceparent', 'x', ...SENT], trace), [`traceparent: ${trace.traceParent}`]);
  });

  it('come last, and cannot be nominated away', () => {
    const trace = traceOf(null);
    const fields: string[] = ['GET', '/'];
    assert(passes.request(fields, ['Connection', 'traceparent, x-request-id'], arrival({ trace })));
    assert.deepEqual(fields.slice(-2), ['traceparent', trace.traceParent]);
  });
});
