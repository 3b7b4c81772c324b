/** What a visitor, or who looks at an entry, notices of each live setting of it. */
import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session, Settings } from 'node:http2';
import { join } from 'node:path';
import { within, eventually } from '../harness/deadline.ts';
import { dialHttp2 } from '../harness/h2.ts';
import { scrape, total } from '../harness/metrics.ts';
import { visit } from '../harness/visit.ts';
import { dial, valuesOf } from '../harness/wire.ts';
import type { Echo } from './echo-backend.ts';
import { logged, untilLogged } from './fleet.ts';
import type { Changes, Fleet } from './fleet.ts';

export interface Effect {
  readonly it: string;
  /** In force from now on; `seen` then rejects where nothing came of it. */
  readonly changes: Changes;
  /** What is so before. */
  readonly before?: (fleet: Fleet) => Promise<void>;
  readonly seen: (fleet: Fleet) => Promise<void>;
}

async function statusAt(fleet: Fleet, path: string, fields: Record<string, string> = {}): Promise<number> {
  return (await visit(`${fleet.entry.url}${path}`, { fields })).status;
}

async function echoOf(fleet: Fleet, fields: Record<string, string>): Promise<Echo> {
  const answer = await visit(fleet.url, { fields });
  assert.equal(answer.status, 200, answer.body.toString());
  return JSON.parse(answer.body.toString()) as Echo;
}

/** Bytes sent by hand; the answer's first line, or nothing where there was none. */
async function saysTo(fleet: Fleet, bytes: string): Promise<string> {
  const wire = await dial(fleet.entry.url);
  try {
    wire.send(bytes);
    const { bytes: all } = await wire.readAll();
    return all.toString('latin1').split('\r\n')[0] ?? '';
  } finally {
    wire.close();
  }
}

/** The first settings of the entry on a new connection of HTTP/2. */
async function http2Settings(fleet: Fleet): Promise<Settings> {
  const session: ClientHttp2Session = connectHttp2(fleet.entry.url);
  session.on('error', () => {});
  try {
    const come = new Promise<Settings>((resolve) => session.once('remoteSettings', resolve));
    return await within(come, 'the settings of the entry');
  } finally {
    session.destroy();
  }
}

/** Until it does so; a test that is held up between two bytes may be too late itself. */
async function untilSaid(fleet: Fleet, bytes: string, expected: RegExp): Promise<void> {
  const ask = async () => (expected.test(await saysTo(fleet, bytes)) ? true : undefined);
  await eventually(ask, `an answer like ${expected.source}`);
}

async function untilConnections(fleet: Fleet, count: number): Promise<void> {
  const look = async () => ((await metric(fleet, 'sallyport_visitor_connections')) === count ? true : undefined);
  await eventually(look, `${count} connections`);
}

async function metric(fleet: Fleet, name: string, ...labels: string[]): Promise<number> {
  return total(await scrape(fleet.entry.admin), name, ...labels);
}

async function untilLimitHit(fleet: Fleet, limit: string, before: number): Promise<void> {
  const look = async () =>
    (await metric(fleet, 'sallyport_limit_hits_total', `limit="${limit}"`)) > before ? true : undefined;
  await eventually(look, `the limit ${limit}`);
}

const HEAD = 'GET /session/demo/ HTTP/1.1\r\nHost: a.test\r\n';
const MEBIBYTE = 1_048_576;

export const ENTRY_EFFECTS: readonly Effect[] = [
  {
    it: 'a host leads to its session',
    changes: { 'entry.hosts': { 'app.test': 'demo' } },
    before: async (fleet) => assert.equal(await statusAt(fleet, '/', { Host: 'app.test' }), 404),
    seen: async (fleet) => assert.equal(await statusAt(fleet, '/', { Host: 'app.test' }), 200),
  },
  {
    it: 'the names of a domain lead to their sessions',
    changes: { 'entry.domain': 'apps.test' },
    before: async (fleet) => assert.equal(await statusAt(fleet, '/', { Host: 'demo.apps.test' }), 404),
    seen: async (fleet) => assert.equal(await statusAt(fleet, '/', { Host: 'demo.apps.test' }), 200),
  },
  {
    it: 'a proxy is trusted',
    changes: { 'entry.trustedProxies': ['127.0.0.0/8'] },
    seen: async (fleet) => {
      const { fields } = await echoOf(fleet, { 'X-Forwarded-For': '192.0.2.7' });
      assert.match(fields['x-forwarded-for'] ?? '', /^192\.0\.2\.7/);
    },
  },
  {
    it: 'a balancer is listened to',
    changes: { 'entry.proxyProtocolFrom': ['127.0.0.0/8'] },
    seen: async (fleet) => {
      const line = 'PROXY TCP4 192.0.2.9 192.0.2.1 5000 80\r\n';
      assert.match(await saysTo(fleet, `${line}${HEAD}Connection: close\r\n\r\n`), /^HTTP\/1\.1 200 /);
    },
  },
  {
    it: 'answers carry no Server-Timing',
    changes: { 'entry.serverTiming': false },
    seen: async (fleet) => assert.deepEqual(valuesOf((await visit(fleet.url)).fields, 'server-timing'), []),
  },
  {
    it: 'no more connections than so many are taken',
    changes: { 'entry.connections': 1 },
    before: (fleet) => untilConnections(fleet, 0),
    seen: async (fleet) => {
      const first = await dial(fleet.entry.url);
      try {
        await untilConnections(fleet, 1);
        assert.equal(await saysTo(fleet, `${HEAD}\r\n`), '');
      } finally {
        first.close();
      }
      await untilConnections(fleet, 0);
    },
  },
  {
    it: 'a head of more bytes is refused',
    changes: { 'entry.requestHeadBytes': 1024, 'entry.targetBytes': 1000 },
    seen: async (fleet) => assert.equal(await statusAt(fleet, '/session/demo/', { 'X-Long': 'x'.repeat(2000) }), 431),
  },
  {
    it: 'a head of more lines is refused',
    changes: { 'entry.requestHeadLines': 3 },
    seen: async (fleet) => assert.equal(await statusAt(fleet, '/session/demo/', { A: '1', B: '2', C: '3' }), 431),
  },
  {
    it: 'a longer target is refused',
    changes: { 'entry.targetBytes': 64 },
    seen: async (fleet) => assert.equal(await statusAt(fleet, `/session/demo/${'x'.repeat(64)}`), 414),
  },
  {
    it: 'a larger body is refused',
    changes: { 'entry.bodyBytes': 10 },
    seen: async (fleet) => {
      assert.equal((await visit(fleet.url, { method: 'POST', body: 'x'.repeat(11) })).status, 413);
    },
  },
  {
    it: 'a head must come within its time, and an idle connection is closed after another',
    changes: { 'entry.headTimeoutMs': 100, 'entry.keepAliveTimeoutMs': 100 },
    seen: async (fleet) => {
      await untilSaid(fleet, HEAD, /^HTTP\/1\.1 408 /);
      await untilSaid(fleet, `${HEAD}\r\n`, /^HTTP\/1\.1 200 /);
    },
  },
  {
    it: 'a body must come at a rate',
    changes: { 'entry.bodyMinBytesPerS': MEBIBYTE, 'entry.bodyGraceMs': 100 },
    seen: async (fleet) => {
      const head = 'POST /session/demo/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\n';
      assert.match(await saysTo(fleet, `${head}begun`), /^HTTP\/1\.1 408 /);
    },
  },
  {
    it: 'an answer that nobody takes is cut',
    changes: { 'entry.answerStallTimeoutMs': 100 },
    seen: async (fleet) => {
      const before = await metric(fleet, 'sallyport_limit_hits_total', 'limit="answer-stall"');
      const wire = await dial(fleet.entry.url);
      wire.socket.pause();
      wire.send('GET /session/demo/big HTTP/1.1\r\nHost: a.test\r\n\r\n');
      try {
        await untilLimitHit(fleet, 'answer-stall', before);
      } finally {
        wire.close();
      }
    },
  },
  {
    it: 'an upload that the backend does not read is given up',
    changes: { 'entry.uploadStallTimeoutMs': 100 },
    seen: async (fleet) => {
      const wire = await dial(fleet.entry.url);
      try {
        wire.send('POST /session/demo/unread HTTP/1.1\r\nHost: a.test\r\nContent-Length: 67108864\r\n\r\n');
        wire.send(Buffer.alloc(64 * MEBIBYTE));
        assert.match(await wire.readThrough('SP_UPLOAD_STALLED'), /^HTTP\/1\.1 5\d\d /);
      } finally {
        wire.close();
      }
    },
  },
  {
    it: 'nothing is tried a second time',
    changes: { 'entry.retryBudgetPercent': 0 },
    before: async (fleet) => assert.equal(await statusAt(fleet, '/session/demo/once?before'), 200),
    seen: async (fleet) => assert.equal(await statusAt(fleet, '/session/demo/once?after'), 502),
  },
  {
    it: 'HTTP/2 is spoken in clear text, with these windows and so many streams',
    changes: {
      'entry.http2.cleartext': true,
      'entry.http2.windowBytes': 32_768,
      'entry.http2.concurrentStreams': 7,
    },
    seen: async (fleet) => {
      const { initialWindowSize, maxConcurrentStreams } = await http2Settings(fleet);
      assert.deepEqual([initialWindowSize, maxConcurrentStreams], [32_768, 7]);
    },
  },
  {
    it: 'who pings more than its budget over HTTP/2 is sent away',
    changes: {
      'entry.http2.cleartext': true,
      'entry.http2.controlFrames': 1,
      'entry.http2.controlFramesPerS': 1,
      'entry.http2.resets': 1,
      'entry.http2.resetsPerS': 1,
      'entry.http2.overheadBytes': 16_384,
      'entry.http2.overheadBytesPerS': 1024,
    },
    seen: async (fleet) => {
      const peer = await dialHttp2(fleet.entry.url);
      for (let i = 0; i < 20; i += 1) peer.send(6, 0, 0, '12345678');
      await within(
        peer.take('GOAWAY', (each) => each.type === 7),
        'a GOAWAY',
      );
    },
  },
  {
    it: 'the objectives that alerts compare with are other ones',
    changes: { 'slo.availabilityPercent': 99.5, 'slo.latencyPercent': 95, 'slo.latencyMs': 200 },
    seen: async (fleet) => {
      const metrics = await scrape(fleet.entry.admin);
      assert.equal(total(metrics, 'sallyport_slo_objective_ratio', 'slo="availability"'), 0.995);
      assert.equal(total(metrics, 'sallyport_slo_objective_ratio', 'slo="latency"'), 0.95);
      assert.equal(total(metrics, 'sallyport_slo_latency_seconds'), 0.2);
    },
  },
  {
    it: 'requests are logged, at a level that shows them',
    changes: { 'log.level': 'info', 'log.accessLog': true },
    before: async (fleet) => assert.deepEqual(logged(fleet.entry, 'request'), []),
    seen: async (fleet) => {
      assert.equal(await statusAt(fleet, '/session/demo/logged'), 200);
      const [line] = await untilLogged(fleet.entry, 'request');
      assert.equal(line?.['target'], '/session/demo/logged');
    },
  },
];

/** The server sees another principal dial; the uplink before is gone once that one stands. */
export async function seesNewCredential(fleet: Fleet): Promise<void> {
  await fleet.credential('second', 'entry');
  await fleet.set('entry', { 'entry.credentialFile': join(fleet.folder, 'second.secret') });
  const look = async () => {
    const links = await fleet.api<{ kind: string; principal: string }[]>('server', 'links');
    const principals = links.filter(({ kind }) => kind === 'uplink').map(({ principal }) => principal);
    return principals.length === 1 && principals[0] === 'second' ? true : undefined;
  };
  await eventually(look, 'one uplink, of the second credential');
}
