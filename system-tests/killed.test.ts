/** A part killed with -9 under load: every request ends, what can be saved is saved, and nothing is left behind. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, within } from './harness/deadline.ts';
import { Deployment, isReady } from './harness/deployment.ts';
import { Load } from './harness/load.ts';
import { tally, unsaved } from './harness/load-outcomes.ts';
import type { Outcome } from './harness/load.ts';
import { assertProblem } from './harness/problem.ts';
import { gaugesAtRest, settled } from './harness/metrics.ts';
import type { Gauges } from './harness/metrics.ts';
import { quietPort } from './harness/port.ts';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { visit } from './harness/visit.ts';
import { dial } from './harness/wire.ts';

const UPGRADE = 'GET /session/demo/up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: line-chat\r\n\r\n';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: line-chat\r\n\r\n';
const CONCURRENCY = 10;
/** More than the slots, so that some wait in the queue. */
const WORKERS = 30;
/** A request to an entry without a server waits for one; here not for long. */
const IMPATIENT = 'entry.sessionSyncTimeoutMs=200';
/** Who waits for a slot while this machine is held up is not refused for that. */
const PATIENT = 'server.queue.timeoutMs=120000';
/** That a part is dead is told by its connections, long before its silence tells it. */
const SILENT = 'link.heartbeatMs=60000';
const HANG_MS = 30_000;
const BACK_AGAIN_MS = 60_000;
/** Another client is started while they wait. */
const CLIENT_START_MS = 80_000;

describe('a part killed with -9 under load', () => {
  let tunnel: Deployment;
  let atRest: Gauges;
  before(async () => {
    const serverPort = await quietPort();
    const set = [IMPATIENT, PATIENT, SILENT];
    tunnel = await Deployment.start({ clients: 2, concurrency: CONCURRENCY, set, serverPort });
    atRest = await gaugesAtRest(tunnel.admin);
  });
  after(() => tunnel.stop());

  /** Load before, during and after `fault`. */
  async function loadAround(fault: () => void, requestsAfter: number): Promise<readonly Outcome[]> {
    await using load = new Load(tunnel.url, WORKERS, HANG_MS);
    await load.more(100);
    fault();
    await load.more(requestsAfter);
    return load.stop();
  }

  it('one of two clients: idempotent requests without an answer go to the other, others end in a cut or an error', async () => {
    const victim = tunnel.clients.shift();
    const outcomes = await loadAround(() => victim!.command.signal('SIGKILL'), 200);
    const told = JSON.stringify(tally(outcomes), null, 2);
    assert.deepEqual(tally(unsaved(outcomes)), {}, told);
    assert(outcomes.filter(({ end }) => end !== 'answer').length <= WORKERS, `only what was under way:\n${told}`);
    await tunnel.startClient();
    await settled(tunnel.admin, atRest);
  });

  it('the server: typed errors while it is away, from an entry that lives; all well once it is back', async () => {
    const { server } = tunnel;
    const outcomes = await loadAround(() => server.command.signal('SIGKILL'), WORKERS * 2);
    const told = JSON.stringify(tally(outcomes), null, 2);
    for (const { end, code } of outcomes) {
      if (end === 'answer' || end === 'cut') continue;
      assert.equal(end, 'problem', told);
      assert.match(code, /^SP_(LINK_LOST|NO_SERVER)$/, told);
    }
    const noServer = { status: 503, code: 'SP_NO_SERVER', hop: 'uplink', error: 'destination_unavailable' };
    assertProblem(await visit(`${tunnel.url}loadtest/get`), noServer);
    const health = await fetch(`${tunnel.entry.admin}/healthz`, { headers: { Connection: 'close' } });
    assert.equal(health.status, 200);

    await tunnel.startServer(new URL(server.url).port);
    await within(comeBack(tunnel), 'entry and clients to dial again', BACK_AGAIN_MS);
    await settled(tunnel.admin, atRest);
  });
});

describe('the requests of a client killed with -9, when another has joined', () => {
  let backend: RawBackend;
  let tunnel: Deployment;
  before(async () => {
    backend = await startRawBackend();
    tunnel = await Deployment.start({ clients: 1, concurrency: CONCURRENCY, backend: backend.url });
  });
  after(async () => {
    await tunnel.stop();
    await backend.close();
  });

  it('a GET is sent again, a POST is not, and what had been answered in part is cut', async () => {
    const upgraded = await dial(tunnel.url);
    upgraded.send(UPGRADE);
    const farUpgraded = await backend.accept();
    await farUpgraded.readHead();
    // The far side has said all it had to say; the visitor may go on.
    farUpgraded.send(SWITCHING);
    farUpgraded.finish();
    await upgraded.readHead();
    const got = visit(`${tunnel.url}get`, { limitMs: CLIENT_START_MS });
    const posted = visit(`${tunnel.url}post`, { method: 'POST', body: 'once', limitMs: CLIENT_START_MS });
    const begun = await dial(tunnel.url);
    begun.send('GET /session/demo/begun HTTP/1.1\r\nHost: a\r\n\r\n');
    const wires = [await backend.accept(), await backend.accept(), await backend.accept()];
    const targets = await Promise.all(wires.map(async (wire) => (await wire.readHead()).first.split(' ')[1]!));
    wires[targets.indexOf('/begun')]!.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin');
    await begun.readThrough('\r\n\r\nbegin');
    await wires[targets.indexOf('/post')]!.readThrough('once');

    const [victim] = tunnel.clients;
    await tunnel.startClient();
    victim!.command.signal('SIGKILL');

    const again = await backend.accept();
    assert.equal((await again.readHead()).first, 'GET /get HTTP/1.1');
    again.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain');
    assert.equal((await got).body.toString(), 'again');
    assertProblem(await posted, { status: 502, code: 'SP_LINK_LOST', hop: 'link', error: 'connection_terminated' });
    assert.equal((await begun.readAll()).bytes.length, 0, 'no more of what was begun');
    // A connection that has had its FIN shows its end to who writes.
    await eventually(async () => {
      upgraded.send('still there?');
      return upgraded.socket.closed ? true : undefined;
    }, 'the upgraded connection to be closed');
    for (const wire of [farUpgraded, ...wires]) await wire.readAll();
  });
});

async function comeBack(tunnel: Deployment): Promise<void> {
  for (const url of [tunnel.entry.admin, ...tunnel.admin.client]) await isReady(url);
  // A client has its link before the server has read from whom it is.
  const isServed = async () => ((await visit(`${tunnel.url}loadtest/get`)).status === 200 ? true : undefined);
  await eventually(isServed, 'an answer');
}
