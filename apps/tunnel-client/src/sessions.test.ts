import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CloseCode, systemClock, WindowBudget } from '@sallyport/protocol';
import { HELLO_TIMEOUT_MS, LIFE } from '../../../packages/protocol/src/testing/bench.ts';
import { SessionClient } from './session-client.ts';
import { Sessions } from './sessions.ts';
import type { Wanted } from './sessions.ts';
import { OPTIONS } from './testing/answer.ts';
import { FakeBackend } from './testing/fake-backend.ts';
import { listenLinks, until } from './testing/link-server.ts';
import type { ServedLink } from './testing/link-server.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;
const MIB = 1024 * 1024;

const LIMITS = {
  concurrency: 2,
  maxLongStreams: 2,
  reconnect: { minMs: 1, maxMs: 1 },
  backend: { connectTimeoutMs: 1_000, headTimeoutMs: 1_000, idleTimeoutMs: 1_000, connections: OPTIONS.connections },
};

/** One session over two servers, of which the test is the other end. */
async function setUp(t: TestContext) {
  const servers = [await listenLinks(t), await listenLinks(t)];
  const said: string[] = [];
  const sessions = new Sessions({
    dial: (_session, _server, { kind }) => said.push(kind),
    fatal: () => said.push('fatal'),
    notReplaced: () => said.push('not replaced'),
  });
  t.after(() => sessions.stop(0));
  const wanted = (settings: string): Wanted => ({
    id: 's',
    settings,
    limits: LIMITS,
    make: (quota, { onDial, isPatient }) =>
      new SessionClient({
        session: 's',
        servers: servers.map(({ url }) => ({ url, isPrivate: true, tls: () => ({}), proxy: null })),
        credential: { id: 'id', secret: 'secret' },
        instance: settings,
        deployment: 'd',
        quota,
        linksPerServer: 1,
        life: LIFE,
        helloTimeoutMs: HELLO_TIMEOUT_MS,
        clock: systemClock,
        random: () => 1,
        budget: new WindowBudget(64 * MIB),
        maxWindowBytes: 8 * MIB,
        backend: new FakeBackend(),
        backendName: settings,
        hostField: null,
        isPatient,
        observer: {
          limitHit: () => {},
          backendTook: () => {},
          backendFailed: () => {},
          dial: (_session, server, event) => onDial(server, event),
        },
      }),
  });
  /** The links of the client with these settings at a server, once there are so many. */
  const linksAt = async (place: 0 | 1, settings: string, count = 1): Promise<ServedLink[]> => {
    const find = () => servers[place]!.links.filter(({ handler }) => handler.hellos[0]?.instance === settings);
    await until(() => find().length >= count);
    return find();
  };
  const [first, second] = [wanted('first'), wanted('second')];
  sessions.use([first], 0);
  const links = [(await linksAt(0, 'first'))[0]!, (await linksAt(1, 'first'))[0]!] as const;
  for (const each of links) each.accept();
  await until(() => said.length === 2);
  sessions.use([second], 0);
  return { sessions, links, linksAt, offered: () => sessions.offered[0]!.backendName };
}

describe('a session whose links are being replaced', { timeout: CEILING_MS }, () => {
  it('goes to the next client once that has as many links, be it that the first lost one', async (t) => {
    const { sessions, links, linksAt, offered } = await setUp(t);
    const [next] = await linksAt(0, 'second');
    next!.accept();
    await until(() => sessions.all[1]!.acceptedLinks === 1);
    assert.equal(offered(), 'first');
    links[1].link.close(CloseCode.DONE, 'gone');
    await until(() => offered() === 'second');
  });

  it('stays with the first, which lost all links, while the next has none either', async (t) => {
    const { links, linksAt, offered } = await setUp(t);
    await linksAt(0, 'second');
    for (const { link } of links) link.close(CloseCode.DONE, 'gone');
    const again = await linksAt(1, 'first', 2);
    assert.equal(offered(), 'first');
    again[1]!.accept();
    const [next] = await linksAt(1, 'second');
    next!.accept();
    await until(() => offered() === 'second');
  });
});
