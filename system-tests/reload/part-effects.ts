/** What is noticed of each live setting of a server or a client. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { eventually } from '../harness/deadline.ts';
import { visit } from '../harness/visit.ts';
import type { EchoBackend } from './echo-backend.ts';
import type { Changes, Fleet } from './fleet.ts';

export interface PartEffect {
  readonly it: string;
  readonly changes: (backend: EchoBackend, other: EchoBackend) => Changes;
  readonly seen: (fleet: Fleet, backend: EchoBackend) => Promise<void>;
}

interface ListedLink {
  readonly kind: string;
  readonly leases?: number;
  readonly remote?: string;
}

/** With all two slots of the session busy, which are free before. */
async function whileBusy(fleet: Fleet, backend: EchoBackend, act: () => Promise<void>): Promise<void> {
  await eventually(async () => {
    const sessions = await fleet.api<{ session: string; free: number }[]>('server', 'sessions');
    return sessions.find(({ session }) => session === 'demo')?.free === 2 ? true : undefined;
  }, 'both slots to be free');
  const held = [visit(`${fleet.url}held`), visit(`${fleet.url}held`)];
  await backend.holds(2);
  try {
    await act();
  } finally {
    backend.release();
    await Promise.all(held);
  }
}

/** The code of an answer of our own. */
export async function codeAt(url: string): Promise<string> {
  const answer = await visit(url);
  return (JSON.parse(answer.body.toString()) as { code: string }).code;
}

export async function clientLinks(fleet: Fleet): Promise<ListedLink[]> {
  return (await fleet.api<ListedLink[]>('server', 'links')).filter(({ kind }) => kind === 'client');
}

export const SERVER_EFFECTS: readonly PartEffect[] = [
  {
    it: 'no request waits for a slot',
    changes: () => ({ 'server.queue.limit': 0 }),
    seen: (fleet, backend) =>
      whileBusy(fleet, backend, async () => assert.equal(await codeAt(fleet.url), 'SP_QUEUE_FULL')),
  },
  {
    it: 'requests wait for a slot no longer than so',
    changes: () => ({ 'server.queue.timeoutMs': 50 }),
    seen: (fleet, backend) =>
      whileBusy(fleet, backend, async () => assert.equal(await codeAt(fleet.url), 'SP_QUEUE_TIMEOUT')),
  },
  {
    it: 'no more links than so many are taken',
    changes: () => ({ 'server.maxLinks': 1 }),
    seen: async (fleet) => assert.equal(await dialledLink(fleet, fleet.bearer('client')), 503),
  },
];

/** The status that a link which shows this credential is answered with. */
export async function dialledLink(fleet: Fleet, bearer: string): Promise<number> {
  const headers = {
    Authorization: `Bearer ${bearer}`,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'sallyport',
  };
  return new Promise((resolve, reject) => {
    request(`${fleet.server.url.replace('ws', 'http')}/link`, { headers, agent: false })
      .on('response', (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
      .on('upgrade', (_answer, socket) => {
        socket.destroy();
        resolve(101);
      })
      .on('error', reject)
      .end();
  });
}

export const CLIENT_EFFECTS: readonly PartEffect[] = [
  {
    it: 'so many links are dialled, with so many slots and limits of their own',
    changes: () => ({
      'client.links': 2,
      'client.concurrency': 6,
      'client.maxLongStreams': 0,
      'client.backendConnectTimeoutMs': 4000,
      'client.backendIdleTimeoutMs': 500,
      'client.reconnectMinMs': 50,
      'client.reconnectMaxMs': 5000,
    }),
    seen: async (fleet) => {
      let links: ListedLink[] = [];
      await eventually(
        async () => {
          links = await clientLinks(fleet);
          return links.length === 2 && links.every(({ leases }) => leases === 3) ? true : undefined;
        },
        () => `two links of three slots: ${JSON.stringify(links)}`,
      );
      assert.equal(await codeAt(`${fleet.url}events`), 'SP_LONG_STREAMS');
    },
  },
  {
    it: 'a backend has so long to answer',
    changes: () => ({ 'client.backendHeadTimeoutMs': 100 }),
    seen: async (fleet) => assert.equal((await visit(`${fleet.url}held`)).status, 504),
  },
  {
    it: 'a session goes to another backend, and a new one is there',
    changes: (_backend, other) => ({
      'client.sessions': [
        { id: 'demo', backend: other.url },
        { id: 'extra', backend: other.url },
      ],
    }),
    seen: async (fleet) => {
      for (const session of ['demo', 'extra']) {
        await eventually(async () => {
          const answer = await visit(`${fleet.entry.url}/session/${session}/`);
          return answer.body.toString().includes('"name":"other"') ? true : undefined;
        }, `the other backend behind ${session}`);
      }
    },
  },
];
