/**
 * Connections that are quiet but alive: nothing on the way may take that for the end. For 10 minutes with the settings as
 * they come where `SALLYPORT_LONG=1` asks for it; otherwise for a few seconds that outlive every limit, set low.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { unlessHeldUp } from '../conformance/held-up.ts';
import { within } from '../harness/deadline.ts';
import { dialHttp2 } from '../harness/h2.ts';
import { dial } from '../harness/wire.ts';
import { realClient } from './clients.ts';
import type { Bench } from './clients.ts';

const IS_LONG = process.env['SALLYPORT_LONG'] === '1';
const QUIET_MS = IS_LONG ? 600_000 : 4_000;
/** For all that is not quiet. */
const REST_MS = 60_000;
/** What ends a connection or a request for being slow, well below the quiet time; limits are looked at each second. */
const LOW_MS = 1_000;
const LOW = [
  'entry.headTimeoutMs',
  'entry.keepAliveTimeoutMs',
  'entry.uploadStallTimeoutMs',
  'client.backendHeadTimeoutMs',
  'client.backendIdleTimeoutMs',
].map((path) => `${path}=${LOW_MS}`);

function openWebSocket(t: TestContext, url: string): Promise<WebSocket> {
  return unlessHeldUp(LOW_MS, async () => {
    const ws = new WebSocket(url.replace('http', 'ws'));
    t.after(() => ws.terminate());
    await within(once(ws, 'open'), 'the WebSocket to open');
    return ws;
  });
}

/** Quiet in both directions, then asked something. */
async function visitorAsks(t: TestContext, { url }: Bench): Promise<string> {
  const ws = await openWebSocket(t, `${url}chat`);
  const echo = once(ws, 'message') as Promise<[Buffer]>;
  await Promise.race([sleep(QUIET_MS), once(ws, 'close')]);
  assert.equal(ws.readyState, WebSocket.OPEN, 'the WebSocket was closed');
  ws.send('still there?');
  return (await within(echo, 'the echo'))[0].toString();
}

async function backendSpeaks(t: TestContext, { url }: Bench): Promise<string> {
  const ws = await openWebSocket(t, `${url}later`);
  const come = once(ws, 'message') as Promise<[Buffer]>;
  ws.send(String(QUIET_MS));
  return (await within(come, 'what the backend says', QUIET_MS + REST_MS))[0].toString();
}

async function eventComes(t: TestContext, { stack }: Bench): Promise<string> {
  const visitor = await unlessHeldUp(LOW_MS, async () => {
    const wire = await dial(stack.entry);
    t.after(() => wire.close());
    wire.send(`GET /session/demo/events?n=1&gap=${QUIET_MS} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal((await wire.readHead()).first, 'HTTP/1.1 200 OK');
    return wire;
  });
  await sleep(QUIET_MS);
  return visitor.readThrough('data: event 0\n\n');
}

async function eventComesOverHttp2(t: TestContext, { stack }: Bench): Promise<string> {
  const { peer, id } = await unlessHeldUp(LOW_MS, async () => {
    const opened = await dialHttp2(stack.entry);
    t.after(() => opened.socket.destroy());
    const asked = opened.request([':authority', 'a', ':path', `/session/demo/events?n=1&gap=${QUIET_MS}`]);
    assert.equal((await within(opened.head(asked), 'the head')).status, '200');
    return { peer: opened, id: asked };
  });
  await sleep(QUIET_MS);
  return within(peer.body(id, 'data: event 0\n\n'), 'the event');
}

const HTTP2 = 'entry.http2.cleartext=true';

realClient('a visitor that is quiet', { set: [HTTP2, ...(IS_LONG ? [] : LOW)] }, (bench) => {
  const limit = { timeout: QUIET_MS + 2 * REST_MS };
  it(`for ${QUIET_MS / 1_000} s keeps its WebSockets and its event streams`, limit, async (t) => {
    const all = [visitorAsks, backendSpeaks, eventComes, eventComesOverHttp2];
    const [asked, spoken, ...events] = await Promise.all(all.map((each) => each(t, bench)));
    assert.deepEqual([asked, spoken], ['still there?', String(QUIET_MS)]);
    for (const event of events) assert.match(event, /data: event 0\n\n$/);
  });
});
