import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Link } from '@sallyport/protocol';
import type { Span } from '@sallyport/telemetry';
import { Problems } from '../problems.ts';
import type { VisitorExchange } from '../visitor/transport.ts';
import { visitorRequest } from '../testing/requests.ts';
import type { Traced } from './traced-request.ts';
import { outlastsTrace } from './trace.ts';
import type { Trace } from './trace.ts';
import { Tracer } from './tracer.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const LINK = { peer: { instance: 'server-1' } } as Link;
const HEAD = {
  status: 200,
  rttUs: 0,
  strings: ['OK'],
  serverUs: 400,
  queueUs: 100,
  clientUs: 200,
  slotUs: 10,
  uploadUs: 0,
  backendUs: 100,
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function newTracer(sampleRatio: number, room = Number.POSITIVE_INFINITY) {
  const spans: Span[] = [];
  const asked: number[] = [];
  const tracer = new Tracer(sampleRatio, {
    hasRoom: (wanted) => asked.push(wanted) > 0 && wanted <= room,
    add: (made) => void spans.push(...made),
    close: () => Promise.resolve(),
  });
  return { tracer, spans, asked };
}

function isSampled(ratio: number, said: string | null, isTrusted: boolean): boolean {
  return newTracer(ratio).tracer.begin(said, isTrusted).traceParent.endsWith('-01');
}

function traced(trace: Trace, changes: Partial<Omit<Traced, 'visitor' | 'routed'>> = {}): Traced {
  const request = visitorRequest({ target: '/session/demo/x?token=hunter2&a=b', arrivedMs: performance.now() - 50 });
  const strings = ['GET', '/x?token=hunter2&a=b'];
  const routed = { session: 'demo', host: 'a.example:8080', requestId: 'id-1', remote: '192.0.2.7', strings };
  return {
    visitor: { request } as VisitorExchange,
    routed: { ...routed, trace, traceId: trace.traceId },
    status: 200,
    bytesIn: 0,
    bytesOut: 12,
    problem: null,
    ...changes,
  };
}

/** Name or hop to the name or hop of its parent. */
function family(spans: readonly Span[]): Record<string, string | null> {
  const hopOf = (id: string | null) => spans.find((span) => span.spanId === id)?.attributes['sallyport.hop'];
  return Object.fromEntries(
    spans.map(({ attributes, parentSpanId }) => [
      attributes['sallyport.hop'],
      String(hopOf(parentSpanId) ?? parentSpanId),
    ]),
  );
}

describe('a trace', () => {
  it('goes on from the traceparent of whoever asks, and begins anew where there is none', () => {
    const { tracer } = newTracer(0);
    const told = tracer.begin(`00-${TRACE}-${SPAN}-01`, false);
    assert.equal(told.traceId, TRACE);
    assert.equal(told.parent?.spanId, SPAN);
    assert.match(told.traceParent, new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-00$`));
    for (const said of [null, '', `00-${TRACE}-${SPAN}`, `ff-${TRACE}-${SPAN}-01`]) {
      const own = tracer.begin(said, true);
      assert.equal(own.parent, null, String(said));
      assert.notEqual(own.traceId, TRACE, String(said));
      assert.match(own.traceParent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    }
  });

  it('is sampled as those say whom we trust; for all others by chance alone', () => {
    const [yes, no] = [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-00`];
    assert.equal(isSampled(0, yes, true), true);
    assert.equal(isSampled(1, no, true), false);
    assert.equal(isSampled(0, yes, false), false, 'a stranger cannot make us pay');
    assert.equal(isSampled(1, no, false), true);
    assert.equal(isSampled(1, null, true), true);
    assert.equal(isSampled(0, null, true), false);
  });

  it('has ids of its own, each another', () => {
    const { tracer } = newTracer(1);
    const seen = new Set(Array.from({ length: 5_000 }, () => tracer.begin(null, false).traceParent));
    assert.equal(seen.size, 5_000);
  });
});

describe('the spans of a request', () => {
  it('are eight, from the visitor to the backend, which knows the last as its parent', () => {
    const { tracer, spans, asked } = newTracer(1);
    const trace = tracer.begin(`00-${TRACE}-${SPAN}-00`, false);
    const sent = ['GET', '/x', 'traceparent', trace.traceParent];
    assert.equal(trace.opened(LINK, performance.now(), sent), sent);
    trace.answered(HEAD, performance.now());
    tracer.finished(traced(trace), true);
    assert.deepEqual(asked, [8]);
    assert.deepEqual(family(spans), {
      entry: SPAN,
      uplink: 'entry',
      server: 'uplink',
      queue: 'server',
      link: 'server',
      client: 'link',
      slot: 'client',
      backend: 'client',
    });
    assert.equal(
      sent[3]!.split('-')[2],
      spans.find(({ attributes }) => attributes['sallyport.hop'] === 'backend')?.spanId,
    );
    assert.deepEqual(new Set(spans.map((span) => span.traceId)), new Set([TRACE]));
    const [root] = spans;
    assert.deepEqual(root!.attributes, {
      'sallyport.hop': 'entry',
      'http.request.method': 'GET',
      'url.path': '/session/demo/x',
      'url.query': 'token=[redacted]&a=b',
      'server.address': 'a.example',
      'server.port': 8080,
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
      'client.address': '192.0.2.7',
      'sallyport.request_id': 'id-1',
      'sallyport.session': 'demo',
      'http.response.status_code': 200,
      'http.response.body.size': 12,
    });
    assert(Math.abs(root!.endMs - Date.now()) < 1_000_000, 'milliseconds since 1970');
  });

  it('of one that was sent twice have both tries, the backend of each another parent', () => {
    const { tracer, spans } = newTracer(1);
    const trace = tracer.begin(null, false);
    const sent = ['GET', '/x', 'traceparent', trace.traceParent];
    const first = trace.opened(LINK, performance.now(), sent).at(-1)!.split('-')[2];
    trace.failed('SP_LINK_LOST');
    const second = trace.opened(LINK, performance.now(), sent).at(-1)!.split('-')[2];
    trace.answered({ ...HEAD, status: 404 }, performance.now());
    tracer.finished(traced(trace, { status: 404 }), true);
    assert.notEqual(first, second);
    assert.equal(spans.length, 9);
    const [root, failed] = spans;
    assert.deepEqual([root!.error, failed!.error], [null, 'SP_LINK_LOST']);
    assert.equal(failed!.spanId, first);
    assert.equal(failed!.attributes['error.type'], 'SP_LINK_LOST');
    const again = spans.find(({ attributes }) => attributes['http.request.resend_count'] === 1);
    assert.equal(again?.parentSpanId, root!.spanId);
    const backend = spans.at(-1)!;
    assert.equal(backend.spanId, second);
    assert.equal(backend.error, 'status 404', 'to who asks 404 is an error, to who answers it is none');
  });

  it('of an answer of our own say the code and the hop at fault; below 500 it is no error of ours', () => {
    const { tracer, spans } = newTracer(1);
    const trace = tracer.begin(null, false);
    trace.opened(LINK, performance.now(), []);
    trace.failed('SP_QUEUE_FULL');
    tracer.finished(traced(trace, { status: 503, problem: Problems.queueFull }), true);
    assert.deepEqual(family(spans), { entry: 'null', uplink: 'entry' });
    assert.deepEqual(
      spans.map((span) => span.error),
      [Problems.queueFull.title, 'SP_QUEUE_FULL'],
    );
    const { 'sallyport.code': code, 'sallyport.fault_hop': hop, 'error.type': type } = spans[0]!.attributes;
    assert.deepEqual([code, hop, type], ['SP_QUEUE_FULL', 'queue', 'SP_QUEUE_FULL']);
    const missing = tracer.begin(null, false);
    tracer.finished(traced(missing, { status: 404, problem: Problems.noRoute }), true);
    assert.equal(spans.at(-1)!.error, null);
    assert.equal(spans.at(-1)!.attributes['sallyport.code'], 'SP_NO_ROUTE');
  });

  it('of an answer that we cut are an error, of a visitor that left none', () => {
    const { tracer, spans } = newTracer(1);
    for (const problem of [Problems.backendReset, null]) {
      const trace = tracer.begin(null, false);
      trace.opened(LINK, performance.now(), []);
      trace.answered(HEAD, performance.now());
      tracer.finished(traced(trace, { problem }), false);
    }
    const roots = spans.filter(({ attributes }) => attributes['sallyport.hop'] === 'entry');
    assert.deepEqual(
      roots.map(({ error, attributes }) => [error, attributes['error.type']]),
      [
        [Problems.backendReset.title, 'SP_BACKEND_RESET'],
        [null, 'visitor_left'],
      ],
    );
    const left = tracer.begin(null, false);
    left.opened(LINK, performance.now(), []);
    tracer.finished(traced(left, { status: 0 }), false);
    const [root, uplink] = spans.slice(-2);
    assert.equal(root!.attributes['http.response.status_code'], undefined);
    assert.equal(uplink!.endMs, root!.endMs, 'the try ended with the request');
  });

  it('are made once, of what is sampled, and only where they have room', () => {
    const { tracer, spans, asked } = newTracer(0);
    tracer.finished(traced(tracer.begin(null, false)), true);
    assert.deepEqual(asked, []);
    const full = newTracer(1, 0);
    full.tracer.finished(traced(full.tracer.begin(null, false)), true);
    assert.deepEqual([full.asked, full.spans], [[1], []]);
    const one = newTracer(1);
    const request = traced(one.tracer.begin(null, false));
    one.tracer.finished(request, true);
    one.tracer.finished(request, true);
    assert.equal(one.spans.length, 1);
    assert.equal(spans.length, 0);
  });

  it('name no method that a stranger made up', () => {
    const { tracer, spans } = newTracer(1);
    const request = traced(tracer.begin(null, false));
    const visitor = { request: { ...request.visitor.request, method: 'BREW' } } as VisitorExchange;
    tracer.finished({ ...request, visitor }, true);
    assert.equal(spans[0]!.name, 'HTTP');
    assert.equal(spans[0]!.attributes['http.request.method'], '_OTHER');
    assert.equal(spans[0]!.attributes['http.request.method_original'], 'BREW');
  });

  it('show no user, password or fragment of a target, nor a user in Host', () => {
    const { tracer, spans } = newTracer(1);
    const targets: [string, Record<string, string>][] = [
      ['http://me:hunter2@a.example/x?y=1', { 'url.path': '/x', 'url.query': 'y=1' }],
      ['http:/me:hunter2@a.example/x?y=1', { 'url.path': '[redacted]@a.example/x', 'url.query': 'y=1' }],
      ['/x&token=hunter2y?y=1', { 'url.path': '/x&token=[redacted]' }],
      ['/x#token=hunter2', { 'url.path': '/x#[redacted]' }],
    ];
    for (const [target, shown] of targets) {
      const request = traced(tracer.begin(null, false));
      const visitor = { request: { ...request.visitor.request, target } } as VisitorExchange;
      const routed = { ...request.routed, host: 'me:hunter2@a.example', strings: [] };
      tracer.finished({ ...request, visitor, routed }, true);
      const { attributes } = spans.at(-1)!;
      assert(!JSON.stringify(attributes).includes('hunter2'), JSON.stringify(attributes));
      assert.equal(attributes['server.address'], '[redacted]@a.example');
      for (const [name, value] of Object.entries(shown)) assert.equal(attributes[name], value, target);
    }
  });

  it('keep no head in memory while they wait', () => {
    const { tracer, spans } = newTracer(1);
    const HEADS = 200;
    const HEAD_BYTES = 65_536;
    const before = heapBytes();
    for (let i = 0; i < HEADS; i += 1) {
      // As they are in an entry: pieces of one long text.
      const said = `00-${TRACE}-${SPAN}-00`;
      const head = Buffer.from(
        `${said}/session/a-long-session/x?token=hunter2 198.51.100.123 ${'p'.repeat(HEAD_BYTES)}`,
      );
      const text = head.toString('latin1');
      const at = (piece: string) => text.slice(text.indexOf(piece), text.indexOf(piece) + piece.length);
      const trace = tracer.begin(at(said), false);
      trace.opened(LINK, performance.now(), []);
      trace.answered(HEAD, performance.now());
      const request = traced(trace);
      const visitor = {
        request: { ...request.visitor.request, target: at('/session/a-long-session/x?token=hunter2') },
      };
      const pieces = { session: at('a-long-session'), remote: at('198.51.100.123'), host: at('a-long-session') };
      const strings = ['GET', at('/x?token=hunter2')];
      const routed = { ...request.routed, ...pieces, requestId: at('a-long-session'), strings };
      tracer.finished({ ...request, routed, visitor: visitor as VisitorExchange }, true);
    }
    const keptBytes = heapBytes() - before;
    assert.equal(spans.length, 8 * HEADS);
    assert(keptBytes < (HEADS * HEAD_BYTES) / 2, `${keptBytes} bytes`);
  });

  it('hold no more of a long target than is told', () => {
    const { tracer, spans } = newTracer(1);
    const request = traced(tracer.begin(null, false));
    const target = `/${'x'.repeat(8_000)}?${'y'.repeat(8_000)}`;
    tracer.finished(
      { ...request, visitor: { request: { ...request.visitor.request, target } } as VisitorExchange },
      true,
    );
    assert.equal(String(spans[0]!.attributes['url.path']).length, 1_024);
    assert.equal(String(spans[0]!.attributes['url.query']).length, 1_024);
  });
});

describe('an answer that goes on for as long as its ends like', () => {
  it('is one that switches, or an event stream', () => {
    assert(outlastsTrace(101, []));
    assert(outlastsTrace(200, ['content-type', 'text/event-stream;charset=utf-8']));
    assert(!outlastsTrace(200, ['Content-Type', 'text/html']));
    assert(!outlastsTrace(200, []));
  });
});
