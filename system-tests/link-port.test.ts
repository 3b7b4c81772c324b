/** What a stranger may send to the link port, and what a peer that was let in may not. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { frame, hello, KIND, ROLE } from './harness/frames.ts';
import { HandLink, linksFor, startLinkServer } from './harness/link-server.ts';
import type { LinkServer, Secret } from './harness/link-server.ts';
import { eventually } from './harness/deadline.ts';
import { scrape, total } from './harness/metrics.ts';
import { dial, valuesOf } from './harness/wire.ts';

const UPGRADE_LINES = [
  'Host: server.example',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: sallyport',
];
const NOTHING = Buffer.alloc(0);
const PING = frame(KIND.PING, 0, Buffer.alloc(4));

describe('the link port', () => {
  let server: LinkServer;
  let client: Secret;
  let entry: Secret;
  before(async () => {
    server = await startLinkServer();
    client = server.issue('owner', 'client', ['demo', 'team-*']);
    entry = server.issue('edge', 'entry', []);
  });
  after(async () => {
    await eventually(async () => {
      const metrics = await scrape(server.running.adminUrl);
      const held = ['sallyport_links', 'sallyport_streams', 'sallyport_slots', 'sallyport_buffered_bytes'];
      return held.every((name) => total(metrics, name) === 0) ? true : undefined;
    }, 'all links to be forgotten');
    await server.running.stop();
  });

  /** All that the server answers these bytes with, up to its end of the connection. */
  async function answerTo(bytes: string | Buffer): Promise<string> {
    const wire = await dial(server.running.url.replace('ws:', 'http:'));
    wire.send(bytes);
    const { bytes: answer } = await wire.readAll();
    wire.close();
    return answer.toString('latin1');
  }

  const refusals = async () =>
    total(await scrape(server.running.adminUrl), 'sallyport_refused_total', 'SP_LINK_UNAUTHORIZED');

  it('refuses every wrong credential with the same bytes, whatever is wrong with it, and counts them', async () => {
    const visitor = server.issue('guest', 'visitor', ['demo']);
    const wrong = [
      null,
      `Bearer nobody.${client.secret}`,
      `Bearer ${client.id}.${entry.secret}`,
      `Bearer ${client.id}`,
      `Basic ${btoa(`${client.id}:${client.secret}`)}`,
      `Bearer ${visitor.id}.${visitor.secret}`,
      `Bearer ${'x'.repeat(4_000)}.y`,
      'Bearer',
    ];
    const answers = new Set<string>();
    for (const each of wrong) answers.add(await answerTo(upgrade(each)));
    assert.equal(answers.size, 1);
    assert.match([...answers][0]!, /^HTTP\/1\.1 401 Unauthorized\r\n/);
    assert.match([...answers][0]!, /\r\nWWW-Authenticate: Bearer\r\n/);
    assert.equal(await refusals(), wrong.length);
  });

  it('tells a plain GET that it speaks WebSocket', async () => {
    const wire = await dial(server.running.url.replace('ws:', 'http:'));
    wire.send('GET /link HTTP/1.1\r\nHost: server.example\r\n\r\n');
    const { first, fields } = await wire.readHead();
    assert.match(first, /^HTTP\/1\.1 426 /);
    assert.deepEqual(valuesOf(fields, 'upgrade'), ['websocket']);
    await wire.readAll();
    wire.close();
  });

  it('knows no other path, not even with a good credential', async () => {
    const { id, secret } = client;
    assert.match(await answerTo(upgrade(`Bearer ${id}.${secret}`, '/other')), /^HTTP\/1\.1 404 /);
  });

  for (const [what, bytes] of [
    ['random bytes', randomBytes(20_000)],
    ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex')],
    ['a head that never fits', `GET /link HTTP/1.1\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['a request line only, with a NUL', 'GET /\0 HTTP/1.1\r\n\r\n'],
  ] as const) {
    it(`ends a connection that sends ${what}`, async () => {
      assert.doesNotMatch(await answerTo(bytes), /^HTTP\/1\.1 [123]/);
    });
  }

  const asClient = hello({ role: ROLE.client, session: 'demo' });
  const faults: readonly (readonly [what: string, close: number, ...messages: (Buffer | string)[]])[] = [
    ['a text message', 4002, asClient, 'hello?'],
    ['text before HELLO', 4002, 'hello?'],
    ['a frame before HELLO', 4002, PING, asClient],
    ['a second HELLO', 4002, asClient, asClient],
    ['a HELLO of a role that no dialler has', 4002, hello({ role: ROLE.server })],
    ['no version in common', 4003, hello({ role: ROLE.client, session: 'demo', minVersion: 90, maxVersion: 99 })],
    ['another first window', 4003, hello({ role: ROLE.client, session: 'demo', windowBytes: 65_536 })],
    ['a session that the credential does not cover', 4007, hello({ role: ROLE.client, session: 'other' })],
    ['a session that is no name', 4007, hello({ role: ROLE.client, session: '../../etc' })],
    ['an empty message', 4002, asClient, NOTHING],
    ['a frame cut short', 4002, asClient, PING.subarray(0, 10)],
    ['a length beyond the message', 4002, asClient, frame(KIND.DATA, 1, NOTHING, 0xff_ff_ff)],
    ['a DATA frame of 16,385 bytes', 4002, asClient, frame(KIND.DATA, 1, Buffer.alloc(16_385))],
    ['a kind that does not exist', 4002, asClient, frame(0x7e, 0, NOTHING)],
    ['a stream that was never opened', 4002, asClient, frame(KIND.DATA, 7, Buffer.alloc(1))],
    ['OPEN, which clients may not send', 4002, asClient, frame(KIND.OPEN, 1, Buffer.alloc(40))],
    ['more slots given back than were ever taken', 4006, asClient, frame(KIND.SLOTS, 0, slots(10, 3))],
    // WebSocket's own code for it (RFC 6455 §7.4.1): the message is never taken in.
    ['a message of 161 KiB', 1009, asClient, Buffer.alloc(161 * 1024)],
  ];
  for (const [what, close, ...messages] of faults) {
    it(`closes a link with ${close} for ${what}`, async () => {
      const link = await HandLink.dial(server, client);
      const { code, reason } = await link.closeAfter(...messages);
      assert.equal(code, close, reason);
    });
  }

  it('refuses a good credential of the other kind, says what it is for, and counts it', async () => {
    const before = await refusals();
    for (const [secret, message, reason] of [
      [client, hello({ role: ROLE.entry }), 'credential for client'],
      [entry, asClient, 'credential for entry'],
    ] as const) {
      const link = await HandLink.dial(server, secret);
      assert.deepEqual(await link.closeAfter(message), { code: 4007, reason });
    }
    assert.equal(await refusals(), before + 2);
  });

  it('closes a link with 4002 for nothing at all, after the hello time', async (t) => {
    const hasty = await startLinkServer({ 'link.helloTimeoutMs': 1_000 });
    t.after(() => hasty.running.stop());
    const link = await HandLink.dial(hasty, hasty.issue('owner', 'client', ['demo']));
    const { code, reason } = await link.closeAfter();
    assert.equal(code, 4002, reason);
  });

  const untilLinks = (count: number, what: string) =>
    eventually(async () => ((await linksFor(server, 'demo')).length === count ? true : undefined), what);

  it('refuses a session that another principal holds, and leaves the holder alone', async () => {
    const rival = server.issue('rival', 'client', ['demo']);
    await untilLinks(0, 'those before to be gone');
    const holder = await HandLink.dial(server, client);
    holder.ws.send(asClient);
    await untilLinks(1, 'the holder to be let in');
    const intruder = await HandLink.dial(server, rival);
    assert.equal((await intruder.closeAfter(asClient)).code, 4007);
    assert.equal((await linksFor(server, 'demo')).length, 1);
    holder.ws.close();
    await holder.closed;
  });

  it('still lets a good client and a good entry in after all that', async () => {
    const good = await HandLink.dial(server, client);
    const edge = await HandLink.dial(server, entry);
    good.ws.send(asClient);
    edge.ws.send(hello({ role: ROLE.entry }));
    await untilLinks(1, 'the client to be let in');
    for (const { ws, closed } of [good, edge]) {
      ws.close();
      await closed;
    }
  });
});

function slots(leases: number, returned: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt32BE(leases, 0);
  payload.writeUInt32BE(returned, 4);
  return payload;
}

function upgrade(authorization: string | null, path = '/link'): string {
  const lines = authorization === null ? UPGRADE_LINES : [...UPGRADE_LINES, `Authorization: ${authorization}`];
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}
