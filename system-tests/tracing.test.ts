/** Traces through the whole tunnel, at a collector that another library reads for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hang, Kind, OtlpReceiver, Status, take } from '../packages/telemetry/src/testing/otlp-receiver.ts';
import type { ReceivedSpan } from '../packages/telemetry/src/testing/otlp-receiver.ts';
import { Command } from './harness/command.ts';
import { eventually, within } from './harness/deadline.ts';
import { answerOn, dialHttp2 } from './harness/h2.ts';
import { scrape, total } from './harness/metrics.ts';
import type { Metrics } from './harness/metrics.ts';
import { quietPort } from './harness/port.ts';
import { assertProblem } from './harness/problem.ts';
import { noteSecret } from './harness/secrets.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import type { StackOptions } from './harness/stack.ts';
import { startTracedBackend } from './harness/traced-backend.ts';
import type { TracedBackend } from './harness/traced-backend.ts';
import { visit } from './harness/visit.ts';
import { dial, valuesOf } from './harness/wire.ts';
import { Fleet } from './reload/fleet.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const VISITOR_SPAN = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${VISITOR_SPAN}-01`;
const UNSAMPLED = `00-${TRACE}-${VISITOR_SPAN}-00`;
/** In front of the entry. */
const PROXY = '127.0.0.2';
const TOKEN = noteSecret('collector-token-1f8e6b');
/** For a process to start or not to, on a machine that others use. */
const START_MS = 60_000;
const LOGGED = ['log.level=info', 'log.accessLog=true'];
const NS_PER_MS = 1e6;
/** The answer tells whole microseconds. */
const TOLERANCE_MS = 0.01;

/** A stack whose traces come to a collector of ours; `settings` beside that. */
function useTracedStack(
  settings: readonly string[],
  options: Omit<StackOptions, 'set' | 'backend'> = {},
  portOfReceiver = () => Promise.resolve(0),
) {
  let receiver: OtlpReceiver;
  let backend: TracedBackend;
  // Ended in the order in which they were begun: a collector is there until the last span has come.
  const ends: (() => unknown)[] = [];
  before(async () => {
    receiver = await OtlpReceiver.start(await portOfReceiver());
    backend = await startTracedBackend({ after: (end) => void ends.push(end as () => unknown) });
  });
  const used = useStack(() => ({
    ...options,
    backend: backend.url,
    set: [`tracing.endpoint=${receiver.url}`, 'tracing.exportDelayMs=20', ...settings],
  }));
  after(async () => {
    for (const end of ends) await end();
    await receiver.close();
  });
  return {
    get stack() {
      return used.stack;
    },
    get receiver() {
      return receiver;
    },
    get backend() {
      return backend;
    },
    /** All spans of the request with this id, once the one of the whole request is there: they come together. */
    spansOf: (requestId: string) =>
      within(
        receiver.until(({ spans }) => {
          const root = spans.find(({ attributes }) => attributes['sallyport.request_id'] === requestId);
          return root && spans.filter(({ traceId }) => traceId === root.traceId);
        }),
        `the spans of ${requestId}`,
      ),
  };
}

/** By hop; of several tries the last. */
function byHop(spans: readonly ReceivedSpan[]): Record<string, ReceivedSpan> {
  return Object.fromEntries(spans.map((span) => [span.attributes['sallyport.hop'], span]));
}

function parentsOf(spans: readonly ReceivedSpan[]): Record<string, string> {
  const names = new Map(spans.map((span) => [span.spanId, String(span.attributes['sallyport.hop'])]));
  return Object.fromEntries(
    spans.map((span) => [names.get(span.spanId)!, names.get(span.parentSpanId) ?? span.parentSpanId]),
  );
}

const CHAIN = {
  uplink: 'entry',
  server: 'uplink',
  queue: 'server',
  link: 'server',
  client: 'link',
  slot: 'client',
  backend: 'client',
};

function assertNested(spans: readonly ReceivedSpan[]): void {
  for (const span of spans) {
    const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
    assert(span.startNs <= span.endNs, span.name);
    if (parent === undefined) continue;
    const where = `${span.attributes['sallyport.hop']} in ${parent.attributes['sallyport.hop']}`;
    assert(parent.startNs <= span.startNs && span.endNs <= parent.endNs, where);
  }
}

function millisecondsOf({ startNs, endNs }: ReceivedSpan): number {
  return Number(endNs - startNs) / NS_PER_MS;
}

/** Hop to milliseconds, as the answer told them. */
function timingOf(fields: readonly string[]): Record<string, number> {
  const line = valuesOf(fields, 'server-timing').at(-1)!;
  return Object.fromEntries([...line.matchAll(/([a-z]+);dur=([\d.]+)/g)].map(([, hop, ms]) => [hop!, Number(ms)]));
}

for (const { shape, isSplit } of SHAPES) {
  describe(`a trace through ${shape}`, () => {
    const traced = useTracedStack(
      ['tracing.sampleRatio=1', 'server.queue.limit=0', 'entry.http2.cleartext=true', ...LOGGED],
      { isSplit, concurrency: 2 },
    );
    const ask = (path: string, id: string, fields: Record<string, string> = {}) =>
      visit(`${traced.stack.url}${path}`, { fields: { 'X-Request-Id': id, ...fields } });

    it('is one from the visitor to the backend, with a span for each hop', async () => {
      const answer = await ask('plain?a=1', 'whole', { traceparent: UNSAMPLED, tracestate: 'a=1,b=2' });
      const spans = await traced.spansOf('whole');
      assert.equal(spans.length, 8);
      assert.deepEqual(parentsOf(spans), { entry: VISITOR_SPAN, ...CHAIN });
      assertNested(spans);
      const { entry, uplink, server, queue, link, client, slot, backend } = byHop(spans);
      assert.deepEqual(new Set(spans.map(({ traceId }) => traceId)), new Set([TRACE]));
      assert.deepEqual(
        [entry, uplink, server, queue, link, client, slot, backend].map((span) => [span!.service, span!.kind]),
        [
          ['sallyport-entry', Kind.SERVER],
          ['sallyport-entry', Kind.CLIENT],
          ['sallyport-server', Kind.SERVER],
          ['sallyport-server', 1],
          ['sallyport-server', Kind.CLIENT],
          ['sallyport-client', Kind.SERVER],
          ['sallyport-client', 1],
          ['sallyport-client', Kind.CLIENT],
        ],
      );
      assert(spans.every(({ status }) => status.code === Status.UNSET));
      // The backend knows its parent, and the trace as others have it.
      const { traceParents, traceStates } = traced.backend.told.at(-1)!;
      assert.deepEqual(traceParents, [`00-${TRACE}-${backend!.spanId}-01`]);
      assert.deepEqual(traceStates, ['a=1,b=2']);
      // The same times as the answer told.
      const told = timingOf(answer.fields);
      const measured = {
        uplink: millisecondsOf(uplink!) - millisecondsOf(server!),
        queue: millisecondsOf(queue!),
        link: millisecondsOf(link!) - millisecondsOf(client!),
        slot: millisecondsOf(slot!),
        client: millisecondsOf(client!) - millisecondsOf(slot!) - millisecondsOf(backend!),
        backend: millisecondsOf(backend!),
      };
      for (const [hop, ms] of Object.entries(measured)) {
        assert(
          Math.abs(ms - told[hop]!) <= TOLERANCE_MS,
          `${hop}: ${ms} ms in the trace, ${told[hop]} ms in the answer`,
        );
      }
      assert.equal(entry!.attributes['http.response.status_code'], 200);
      assert.equal(entry!.attributes['url.query'], 'a=1');
      assert.equal(backend!.attributes['url.path'], '/plain');
      assert.equal(entry!.resource['service.namespace'], 'local');
    });

    it('begins here where the visitor has none, or none that is well-formed; then nothing of its own goes on', async () => {
      for (const [id, fields] of [
        ['none', {}],
        ['odd', { traceparent: `00-${TRACE}-${VISITOR_SPAN}`, tracestate: 'a=1' }],
        ['zero', { traceparent: `00-${'0'.repeat(32)}-${VISITOR_SPAN}-01` }],
      ] as const) {
        await ask('plain', id, fields);
        const spans = await traced.spansOf(id);
        assert.equal(spans.length, 8, id);
        const { entry, backend } = byHop(spans);
        assert.equal(entry!.parentSpanId, '', id);
        assert.notEqual(entry!.traceId, TRACE);
        const { traceParents, traceStates } = traced.backend.told.at(-1)!;
        assert.deepEqual(traceParents, [`00-${entry!.traceId}-${backend!.spanId}-01`], id);
        assert.deepEqual(traceStates, [], id);
      }
    });

    it('of a body tells how long the backend waited for it', async (t) => {
      const sent = request(`${traced.stack.url}plain`, {
        method: 'POST',
        headers: { 'X-Request-Id': 'upload', 'Content-Length': '2' },
        agent: false,
      });
      t.after(() => sent.destroy());
      sent.on('error', () => {});
      sent.write('a');
      await eventually(
        () => Promise.resolve(traced.backend.told.find((each) => each.request === 'POST /plain')),
        'POST',
      );
      sent.end('b');
      sent.on('response', (answer) => answer.resume());
      const { backend, entry } = byHop(await traced.spansOf('upload'));
      assert(Number(backend!.attributes['sallyport.upload_us']) > 0);
      assert.equal(entry!.attributes['http.request.body.size'], 2);
    });

    it('shows an error of the backend at the backend and at the whole', async () => {
      await ask('fail', 'failed');
      const spans = await traced.spansOf('failed');
      const failed = spans.filter(({ status }) => status.code === Status.ERROR);
      assert.deepEqual(new Set(failed.map((span) => span.attributes['sallyport.hop'])), new Set(['entry', 'backend']));
      assert.equal(byHop(spans)['backend']!.attributes['error.type'], '500');
    });

    it('shows an answer that broke off', async (t) => {
      const visitor = await dial(traced.stack.entry);
      t.after(() => visitor.close());
      visitor.send('GET /session/demo/cut HTTP/1.1\r\nHost: a\r\nX-Request-Id: cut\r\n\r\n');
      await visitor.readThrough('begins');
      traced.backend.release();
      await within(visitor.ended, 'the visible cut');
      const spans = await traced.spansOf('cut');
      assert.equal(spans.length, 8);
      assertNested(spans);
      const { entry } = byHop(spans);
      assert.equal(entry!.status.code, Status.ERROR);
      assert.equal(entry!.attributes['error.type'], 'SP_BACKEND_RESET');
    });

    it('of a request that was refused says the code, the hop at fault and how far it came', async () => {
      const busy = [ask('wait', 'busy-1'), ask('wait', 'busy-2')];
      await eventually(
        () =>
          Promise.resolve(traced.backend.told.filter((each) => each.request === 'GET /wait').length === 2 || undefined),
        'two requests under way',
      );
      assertProblem(await ask('plain', 'full'), {
        status: 503,
        code: 'SP_QUEUE_FULL',
        hop: 'queue',
        error: 'connection_limit_reached',
      });
      traced.backend.release();
      traced.backend.release();
      await Promise.all(busy);
      const spans = await traced.spansOf('full');
      assert.deepEqual(parentsOf(spans), { entry: '', uplink: 'entry' });
      const { entry, uplink } = byHop(spans);
      assert.equal(entry!.attributes['sallyport.code'], 'SP_QUEUE_FULL');
      assert.equal(entry!.attributes['sallyport.fault_hop'], 'queue');
      assert.equal(entry!.status.code, Status.ERROR);
      assert.equal(uplink!.attributes['error.type'], 'SP_QUEUE_FULL');
      await visit(`${traced.stack.entry}/nowhere`, { fields: { 'X-Request-Id': 'nowhere' } });
      const [lost, ...more] = await traced.spansOf('nowhere');
      assert.equal(more.length, 0);
      assert.equal(lost!.attributes['sallyport.code'], 'SP_NO_ROUTE');
      assert.equal(lost!.status.code, Status.UNSET, 'the visitor’s error, not ours');
    });

    it('of a request that was sent twice has both tries', async () => {
      const answer = await ask('unlucky', 'twice');
      assert.equal(answer.body.toString(), 'at last');
      const spans = await traced.spansOf('twice');
      assert.equal(spans.length, 9);
      const [failed, again] = spans.filter(({ attributes }) => attributes['sallyport.hop'] === 'uplink');
      const told = traced.backend.told.filter((each) => each.request === 'GET /unlucky');
      const parents = new Set(told.map((each) => each.traceParents[0]!.split('-')[2]!));
      assert.deepEqual(parents, new Set([failed!.spanId, byHop(spans)['backend']!.spanId]));
      assert.equal(failed!.attributes['error.type'], 'SP_BACKEND_RESET');
      assert.equal(again!.attributes['http.request.resend_count'], 1);
      assert(failed!.endNs <= again!.startNs);
      assert.equal(byHop(spans)['entry']!.status.code, Status.UNSET);
    });

    it('of a visitor that left says so', async (t) => {
      const visitor = await dial(traced.stack.entry);
      t.after(() => visitor.close());
      visitor.send('GET /session/demo/wait HTTP/1.1\r\nHost: a\r\nX-Request-Id: left\r\n\r\n');
      await within(traced.backend.waited(), 'the request at the backend');
      visitor.reset();
      const spans = await traced.spansOf('left');
      traced.backend.release();
      assert.deepEqual(parentsOf(spans), { entry: '', uplink: 'entry' });
      assert.equal(byHop(spans)['entry']!.attributes['error.type'], 'visitor_left');
      assertNested(spans);
    });

    it('of an event stream comes while the stream goes on', async (t) => {
      const visitor = await dial(traced.stack.entry);
      t.after(() => visitor.close());
      visitor.send('GET /session/demo/events HTTP/1.1\r\nHost: a\r\nX-Request-Id: events\r\n\r\n');
      await visitor.readThrough('data: 1\n\n');
      const spans = await traced.spansOf('events');
      assert.equal(spans.length, 8);
    });

    it('of an event stream that breaks at once says what the visitor saw', async () => {
      const { status } = await ask('broken-events', 'broken');
      const { entry } = byHop(await traced.spansOf('broken'));
      assert.equal(entry!.attributes['http.response.status_code'], status);
      assert.equal(entry!.status.code, status === 200 ? Status.UNSET : Status.ERROR);
    });

    it('of a visitor by HTTP/2 is the same', async (t) => {
      const peer = await dialHttp2(traced.stack.entry);
      t.after(() => peer.socket.destroy());
      const told = SAMPLED.replace(TRACE, 'c'.repeat(32));
      const id = peer.request([':path', '/session/demo/plain', 'x-request-id', 'h2', 'traceparent', told]);
      assert.equal((await answerOn(peer, id)).body, 'well');
      const spans = await traced.spansOf('h2');
      assert.deepEqual(parentsOf(spans), { entry: VISITOR_SPAN, ...CHAIN });
      assert.equal(byHop(spans)['entry']!.attributes['network.protocol.version'], '2');
    });

    it('is named in the access log', async () => {
      await ask('plain', 'logged');
      const { entry } = byHop(await traced.spansOf('logged'));
      const { command } = traced.stack;
      const line = await eventually(
        () => Promise.resolve(command.lines.find((each) => each.includes('"requestId":"logged"'))),
        'the line',
      );
      assert.equal((JSON.parse(line) as { traceId: string }).traceId, entry!.traceId);
    });

    it('is counted: all spans were exported, none was dropped', async () => {
      const metrics = await eventually(async () => {
        const now = await scrape(traced.stack.admin.entry);
        return total(now, 'sallyport_trace_spans_exported_total') === traced.receiver.spans.length ? now : undefined;
      }, 'all spans to be counted');
      assert.equal(total(metrics, 'sallyport_trace_spans_dropped_total'), 0);
      assert.equal(total(metrics, 'sallyport_limit_used', 'limit="trace-queue"'), 0);
    });
  });
}

describe('which requests are traced', () => {
  describe('where none are sampled by chance', () => {
    const traced = useTracedStack(['tracing.sampleRatio=0', `entry.trustedProxies=${PROXY}/32`]);

    it('a stranger cannot make its requests be: it is told so in the flag, and the trace keeps its name', async () => {
      await visit(`${traced.stack.url}plain`, { fields: { traceparent: SAMPLED, tracestate: 'a=1' } });
      const { traceParents, traceStates } = traced.backend.told.at(-1)!;
      assert.match(traceParents[0]!, new RegExp(`^00-${TRACE}-(?!${VISITOR_SPAN})[0-9a-f]{16}-00$`));
      assert.deepEqual(traceStates, ['a=1']);
      assert.equal(traced.receiver.exports.length, 0);
    });

    it('a proxy that is trusted says which are', async () => {
      for (const [id, traceparent] of [
        ['no', UNSAMPLED],
        ['yes', SAMPLED],
      ] as const) {
        // A proxy that writes X-Forwarded-For lets pass what the visitor says in Forwarded.
        const way = { 'X-Forwarded-For': '192.0.2.5', Forwarded: 'for=192.0.2.6' };
        const headers = { 'X-Request-Id': id, traceparent, ...way };
        const sent = request(`${traced.stack.url}plain`, { headers, localAddress: PROXY, agent: false }).end();
        const [answer] = (await within(once(sent, 'response'), 'the answer')) as [IncomingMessage];
        answer.resume();
      }
      assert.equal((await traced.spansOf('yes')).length, 8);
      assert(!traced.receiver.spans.some(({ attributes }) => attributes['sallyport.request_id'] === 'no'));
    });
  });

  describe('where traces are off', () => {
    let backend: TracedBackend;
    const ends: (() => unknown)[] = [];
    before(async () => {
      backend = await startTracedBackend({ after: (end) => void ends.push(end as () => unknown) });
    });
    after(async () => {
      for (const end of ends) await end();
    });
    const used = useStack(() => ({ backend: backend.url, set: LOGGED }));

    it('what the visitor says passes on as it is, and there is nothing of ours', async () => {
      for (const traceparent of [SAMPLED, 'nonsense', `ff-${TRACE}-${VISITOR_SPAN}-01`]) {
        await visit(`${used.stack.url}plain`, { fields: { traceparent, tracestate: 'a=1' } });
        const { traceParents, traceStates } = backend.told.at(-1)!;
        assert.deepEqual([traceParents, traceStates], [[traceparent], ['a=1']]);
      }
      await visit(`${used.stack.url}plain`);
      assert.deepEqual(backend.told.at(-1)!.traceParents, []);
      const names = [...(await scrape(used.stack.admin.entry)).keys()];
      assert.deepEqual(
        names.filter((name) => name.startsWith('sallyport_trace_')),
        [],
      );
    });

    it('the access log names the trace that a visitor belongs to all the same', async () => {
      await visit(`${used.stack.url}plain`, { fields: { traceparent: UNSAMPLED, 'X-Request-Id': 'known' } });
      const line = await eventually(
        () => Promise.resolve(used.stack.command.lines.find((each) => each.includes('"requestId":"known"'))),
        'the line',
      );
      assert.equal((JSON.parse(line) as { traceId: string }).traceId, TRACE);
    });
  });
});

it('the share of requests that are traced is changed while the entry runs', async (t) => {
  const receiver = await OtlpReceiver.start();
  t.after(() => receiver.close());
  const backend = await startTracedBackend(t);
  const fleet = await Fleet.start({
    'client.sessions': [{ id: 'demo', backend: backend.url }],
    'tracing.endpoint': receiver.url,
    'tracing.sampleRatio': 0,
  });
  t.after(() => fleet.stop());
  const flag = async () => {
    await visit(`${fleet.url}plain`);
    return backend.told.at(-1)!.traceParents[0]!.slice(-2);
  };
  assert.equal(await flag(), '00');
  await fleet.set('entry', { 'tracing.sampleRatio': 1 });
  assert.equal(await flag(), '01');
});

function queuedOf(metrics: Metrics): number {
  return total(metrics, 'sallyport_limit_used', 'limit="trace-queue"');
}

describe('a collector that wants a token, and fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tracing-'));
  const headersFile = join(folder, 'headers');
  writeFileSync(headersFile, `Authorization: Bearer ${TOKEN}\n`);
  after(() => rmSync(folder, { recursive: true }));
  const QUEUE_SPANS = 64;
  const REQUESTS = 200;
  // It comes back at the port that it had.
  const traced = useTracedStack(
    [
      'tracing.sampleRatio=1',
      `tracing.queueSpans=${QUEUE_SPANS}`,
      'tracing.batchSpans=16',
      'tracing.exportTimeoutMs=60000',
      `tracing.headersFile=${headersFile}`,
      'log.level=trace',
    ],
    {},
    quietPort,
  );
  const askMany = async () => {
    for (let i = 0; i < REQUESTS; i += 1) {
      const { status, isWhole } = await visit(`${traced.stack.url}plain`);
      assert(status === 200 && isWhole);
    }
  };

  it('is sent it with each export', async () => {
    await visit(`${traced.stack.url}plain`, { fields: { 'X-Request-Id': 'told' } });
    await traced.spansOf('told');
    assert.equal(traced.receiver.exports[0]!.headers.authorization, `Bearer ${TOKEN}`);
  });

  it('by never answering keeps no request waiting: spans beyond the queue are dropped and counted', async () => {
    traced.receiver.answer = hang;
    await askMany();
    // The last visitor has its answer before its trace is over.
    const metrics = await eventually(async () => {
      const now = await scrape(traced.stack.admin.entry);
      const dropped = total(now, 'sallyport_trace_spans_dropped_total', 'reason="queue_full"');
      const all = queuedOf(now) + dropped + total(now, 'sallyport_trace_spans_exported_total');
      return all === 8 * (REQUESTS + 1) ? now : undefined;
    }, 'every span to wait, to be dropped, or to have been exported');
    const queued = queuedOf(metrics);
    assert(queued > 0 && queued <= QUEUE_SPANS, `${queued} spans wait`);
    assert.equal(traced.receiver.exports.length, 2, 'one export at a time');
    assert(total(metrics, 'sallyport_limit_hits_total', 'limit="trace-queue"') > 0);
  });

  it('by being gone does no more, and what waits comes when it is back', async () => {
    const { port } = traced.receiver;
    await traced.receiver.close();
    await askMany();
    await eventually(async () => {
      const metrics = await scrape(traced.stack.admin.entry);
      return total(metrics, 'sallyport_trace_export_failures_total', 'reason="unreachable"') > 0 || undefined;
    }, 'a failed export');
    const back = await OtlpReceiver.start(port);
    try {
      back.answer = take;
      const spans = await within(
        back.until((each) => (each.spans.length >= QUEUE_SPANS - 7 ? each.spans : undefined)),
        'the spans that waited',
        START_MS,
      );
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'each once');
    } finally {
      await back.close();
    }
  });

  it('finds its token in no log', () => {
    const { stderr } = traced.stack.command;
    assert.match(stderr, /"msg":"traces not exported"/);
    assert(!stderr.includes(TOKEN));
  });

  it('whose fields cannot be read keeps the entry from starting, in one line that does not repeat them', async () => {
    const bad = join(folder, 'bad');
    writeFileSync(bad, `${TOKEN}\n`);
    const settings = ['--set', 'tracing.endpoint=http://127.0.0.1:4318', '--set', `tracing.headersFile=${bad}`];
    const command = new Command(['up', '--json', '--entry-port', '0', ...settings]);
    const { code } = await within(command.ended, 'the end of it', START_MS);
    assert.equal(code, 2, command.stderr);
    assert.match(command.stderr, /bad:1 is not Name: value; write one Name: value a line/);
    assert(!command.stderr.includes(TOKEN));
  });
});
