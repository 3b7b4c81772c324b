/** A client with a good credential for its own session, and bad intent: what it does must touch nobody else. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { Command } from './harness/command.ts';
import { eventually, within } from './harness/deadline.ts';
import { frame, hello, KIND, ROLE } from './harness/frames.ts';
import { HandLink, linksFor, startLinkServer } from './harness/link-server.ts';
import type { LinkServer, Secret } from './harness/link-server.ts';
import { scrape, total } from './harness/metrics.ts';
import { visit } from './harness/visit.ts';
import { dial } from './harness/wire.ts';
import { startBackend } from './links/secure-server.ts';

const HEADER_BYTES = 8;
const LAST = 0x80;
const KIND_END = 0x13;
const KIND_PONG = 0x03;
const EVIL = 'GET /session/evil/x HTTP/1.1\r\nHost: a\r\n\r\n';
const UPLOAD = 'POST /session/evil/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n';
const LEASES = 10;

/** The payload of a head without fields. */
function head(status: number): Buffer {
  const payload = Buffer.alloc(2 + 28 + 2 + 2 + 2);
  payload.writeUInt16BE(status, 0);
  payload.writeUInt16BE(1, 30);
  payload.writeUInt16BE(2, 32);
  payload.write('OK', 34, 'latin1');
  return payload;
}

function slots(leases: number, returned: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt32BE(leases, 0);
  payload.writeUInt32BE(returned, 4);
  return frame(KIND.SLOTS, 0, payload);
}

/** The next request that the server gives it. */
async function opened({ ws }: HandLink): Promise<number> {
  const come = new Promise<number>((resolve) => {
    const look = (message: Buffer): void => {
      for (let at = 0; at < message.length; at += HEADER_BYTES + message.readUIntBE(at, 3)) {
        if ((message[at + 3]! & ~LAST) !== KIND.OPEN) continue;
        ws.off('message', look);
        return resolve(message.readUInt32BE(at + 4));
      }
    };
    ws.on('message', look);
  });
  return within(come, 'an OPEN');
}

/** What it does with a request that it was given; it ends with the link closed, or the request refused or answered. */
const DEEDS: Readonly<Record<string, (link: HandLink, id: number) => void>> = {
  'sends more than it has credit for': ({ ws }, id) => {
    ws.send(frame(KIND.HEAD, id, head(200)));
    for (let i = 0; i < 20; i += 1) ws.send(frame(KIND.DATA, id, Buffer.alloc(16_384)));
  },
  'gives back slots that it was never given': ({ ws }) => ws.send(slots(LEASES, 1_000)),
  'sends a body before its head': ({ ws }, id) => ws.send(frame(KIND.DATA, id, Buffer.from('x'))),
  'ends twice': ({ ws }, id) => {
    ws.send(frame(KIND.HEAD, id, head(200)));
    for (let i = 0; i < 2; i += 1) ws.send(frame(KIND_END, id, Buffer.alloc(0)));
    ws.send(frame(KIND_PONG, 0, Buffer.alloc(8, 0xff)));
  },
  'answers a request that nobody made': ({ ws }) => ws.send(frame(KIND.HEAD | LAST, 4_000_000_000, head(200))),
  'sends informational heads without end': ({ ws }, id) => {
    for (let i = 0; i < 30; i += 1) ws.send(frame(KIND.HEAD, id, head(103)));
  },
  'sends a frame that is torn': ({ ws }, id) => ws.send(frame(KIND.HEAD, id, head(200), 60_000)),
  'says that it leases all there is, a hundred thousand times, and goes': ({ ws }) => {
    for (let i = 0; i < 100_000; i += 1) ws.send(slots(0xffff_ffff, 0));
    ws.terminate();
  },
  'asks a hundred thousand times whether we live, and reads nothing': ({ ws }) => {
    ws.pause();
    for (let i = 0; i < 100_000; i += 1) ws.send(frame(KIND.PING, 0, Buffer.alloc(4)));
    setTimeout(() => ws.terminate(), 3_000).unref();
  },
};

interface Scene {
  readonly server: LinkServer;
  readonly evil: Secret;
  readonly entry: Command;
  readonly url: string;
  readonly entryAdmin: string;
}

async function setUp(t: TestContext): Promise<Scene> {
  const server = await startLinkServer();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-hostile-'));
  const commands: Command[] = [];
  t.after(async () => {
    for (const command of commands) await command.stop();
    await server.running.stop();
    rmSync(folder, { recursive: true });
  });
  const start = (part: 'entry' | 'client', sessions: string[], own: readonly string[]): Command => {
    const { id, secret } = server.issue(`good-${part}`, part, sessions);
    const file = join(folder, `${part}.secret`);
    writeFileSync(file, `${id}:${secret}\n`, { mode: 0o600 });
    const flags = ['--server', server.running.url, '--credential-file', file, '--set', `${part}.admin.port=0`];
    const command = new Command([part, ...own, ...flags, '--json']);
    commands.push(command);
    return command;
  };
  const entry = start('entry', [], ['--port', '0']);
  const client = start('client', ['demo'], [await startBackend(t), '--session', 'demo']);
  const { url, admin } = await entry.event<{ url: string; admin: string }>('ready');
  await client.event('ready');
  return { server, evil: server.issue('evil', 'client', ['evil']), entry, url, entryAdmin: admin };
}

/** With a link that the server knows, and no other. */
async function joinAsEvil({ server, evil }: Scene): Promise<HandLink> {
  const untilHas = (count: number) =>
    eventually(
      async () => ((await linksFor(server, 'evil')).length === count ? true : undefined),
      `the session evil to have ${count} links`,
    );
  await untilHas(0);
  const link = await HandLink.dial(server, evil);
  link.ws.send(hello({ role: ROLE.client, session: 'evil' }));
  await untilHas(1);
  return link;
}

it('a hostile client ends its own link or requests, and nobody else’s', async (t) => {
  const scene = await setUp(t);
  const demo = `${scene.url}/session/demo/`;
  await eventually(async () => ((await visit(demo)).status === 200 ? true : undefined), 'an answer');
  for (const [deed, act] of Object.entries(DEEDS)) {
    await t.test(deed, async () => {
      const link = await joinAsEvil(scene);
      const [visitor, given] = [await dial(scene.url), opened(link)];
      visitor.send(EVIL);
      act(link, await given);
      // An error of ours, a cut, or what it said as far as it said it: in any case an end.
      visitor.finish();
      const { bytes } = await visitor.readAll();
      assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 (?:103|200|502|503) /);
      assert.equal((await visit(demo)).body.toString(), 'hello');
      link.ws.terminate();
      await link.closed;
    });
  }
  await t.test('that reads nothing of a large upload holds up that upload alone', async () => {
    const link = await joinAsEvil(scene);
    const [visitor, given] = [await dial(scene.url), opened(link)];
    visitor.send(UPLOAD);
    await given;
    link.ws.pause();
    for (let i = 0; i < 50; i += 1) visitor.send(Buffer.alloc(65_536));
    for (let i = 0; i < 50; i += 1) assert.equal((await visit(demo)).body.toString(), 'hello');
    link.ws.terminate();
    const { bytes } = await visitor.readAll();
    assert.match(bytes.toString('latin1'), /"SP_LINK_LOST"/);
  });
  const metrics = await eventually(async () => {
    const now = await scrape(scene.entryAdmin);
    return total(now, 'sallyport_streams') === 0 ? now : undefined;
  }, 'all streams to be over');
  assert.equal(total(metrics, 'sallyport_links', 'kind="uplink"'), 1);
  assert.equal(total(metrics, 'sallyport_reconnects_total'), 0);
});
