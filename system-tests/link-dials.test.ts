/** What strangers may hold of the link port before they have shown a credential. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { eventually, within } from './harness/deadline.ts';
import { HandLink, startLinkServer } from './harness/link-server.ts';
import type { LinkServer, Secret } from './harness/link-server.ts';
import { hello, ROLE } from './harness/frames.ts';
import { scrape, total } from './harness/metrics.ts';

const LIMIT = 1_024;
const LINKS = 3;
/** Beyond the head's 5 s, and short of Node's own 30 between two looks. */
const SOON_MS = 20_000;

/** A connection that begins a head and leaves it so. */
class HalfHead {
  readonly socket: Socket;
  answer = '';
  readonly closed: Promise<unknown>;

  private constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), '127.0.0.1');
    this.socket.on('data', (chunk) => (this.answer += chunk.toString('latin1'))).on('error', () => {});
    this.closed = once(this.socket, 'close');
  }

  static async open({ running }: LinkServer): Promise<HalfHead> {
    const half = new HalfHead(running.url);
    await within(once(half.socket, 'connect'), 'a connection');
    half.socket.write('GET /link HTTP/1.1\r\nHost: a');
    return half;
  }
}

async function entryLink(server: LinkServer, secret: Secret): Promise<HandLink> {
  const link = await HandLink.dial(server, secret);
  link.ws.send(hello({ role: ROLE.entry }));
  return link;
}

/** Times that a connection was turned away. */
async function turnedAway({ running }: LinkServer): Promise<number> {
  return total(await scrape(running.adminUrl), 'sallyport_limit_hits_total', 'link-dials');
}

/** Of the limit of such connections: what is used, and what there is. */
async function dialsOf({ running }: LinkServer): Promise<number[]> {
  const metrics = await scrape(running.adminUrl);
  return ['sallyport_limit_used', 'sallyport_limit'].map((name) => total(metrics, name, '"link-dials"'));
}

describe('the link port', () => {
  it('ends a connection whose head has not come whole after 5 s, whatever is sent meanwhile', async (t) => {
    const server = await startLinkServer();
    t.after(() => server.running.stop());
    const [silent, half] = [
      connect(Number(new URL(server.running.url).port), '127.0.0.1'),
      await HalfHead.open(server),
    ];
    await within(Promise.all([once(silent.resume(), 'close'), half.closed]), 'both to be cut', SOON_MS);
    assert.match(half.answer, /^(HTTP\/1\.1 408 |$)/);
  });

  it('has 1,024 connections besides those of links, closes one more, and takes links again when they have gone', async (t) => {
    const server = await startLinkServer();
    t.after(() => server.running.stop());
    const secret = server.issue('edge', 'entry', []);
    const links = await Promise.all(Array.from({ length: LINKS }, () => entryLink(server, secret)));
    assert.deepEqual(await dialsOf(server), [0, LIMIT]);
    const halves: HalfHead[] = [];
    t.after(() => halves.forEach(({ socket }) => socket.destroy()));
    // A machine that is held up may let one go before it is looked at.
    const isCounted = async () => {
      halves.push(await HalfHead.open(server));
      return (await dialsOf(server))[0]! > 0 ? true : undefined;
    };
    await eventually(isCounted, 'a stranger to be counted');
    while (halves.length < LIMIT) halves.push(await HalfHead.open(server));
    // A machine that is held up for seconds has let the first of them go: then another one is taken.
    for (let tries = 0; tries < 3 && (await turnedAway(server)) === 0; tries += 1) {
      const more = await HalfHead.open(server);
      halves.push(more);
      await within(more.closed, 'the answer to one more');
    }
    assert.equal(await turnedAway(server), 1);
    assert.ok(links.every(({ ws }) => ws.readyState === ws.OPEN));
    for (const { socket } of halves) socket.destroy();
    const again = () => entryLink(server, secret).catch(() => undefined);
    links.push(await eventually(again, 'a link after the strangers'));
    const areGone = async () => ((await dialsOf(server))[0] === 0 ? true : undefined);
    await eventually(areGone, 'all strangers to be gone');
    for (const { ws, closed } of links) {
      ws.close();
      await closed;
    }
  });
});
