/** A part killed with -9 under load: every request ends, what can be saved is saved, and nothing is left behind. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CEILING_MS, within } from './harness/deadline.ts';
import { Deployment, isReady } from './harness/deployment.ts';
import { Load, tally } from './harness/load.ts';
import type { Outcome } from './harness/load.ts';
import { assertProblem } from './harness/problem.ts';
import { gaugesAtRest, settled } from './harness/metrics.ts';
import type { Gauges } from './harness/metrics.ts';
import { visit } from './harness/visit.ts';

const CONCURRENCY = 10;
/** More than the slots, so that some wait in the queue. */
const WORKERS = 30;
/** A request to an entry without a server waits for one; here not for long. */
const IMPATIENT = 'entry.sessionSyncTimeoutMs=200';
const BACK_AGAIN_MS = 30_000;

describe('a part killed with -9 under load', () => {
  let tunnel: Deployment;
  let atRest: Gauges;
  before(async () => {
    tunnel = await Deployment.start({ clients: 2, concurrency: CONCURRENCY, set: [IMPATIENT] });
    atRest = await gaugesAtRest(tunnel.admin);
  });
  after(() => tunnel.stop());

  /** Load before, during and after `fault`. */
  async function loadAround(fault: () => void, requestsAfter: number): Promise<readonly Outcome[]> {
    const load = new Load(tunnel.url, WORKERS, CEILING_MS);
    await load.more(100);
    fault();
    await load.more(requestsAfter);
    return load.stop();
  }

  it('one of two clients: idempotent requests without an answer go to the other, others end in a cut or an error', async () => {
    const [victim] = tunnel.clients;
    const outcomes = await loadAround(() => victim!.command.signal('SIGKILL'), 200);
    const told = JSON.stringify(tally(outcomes), null, 2);
    for (const { kind, end, code } of outcomes) {
      if (end === 'answer' || end === 'cut') continue;
      assert.equal(end, 'problem', told);
      assert.equal(kind.method, 'POST', `a GET without an answer is sent again:\n${told}`);
      assert.equal(code, 'SP_LINK_LOST', told);
    }
    assert(outcomes.filter(({ end }) => end !== 'answer').length <= CONCURRENCY, `only its own requests:\n${told}`);
    tunnel.clients.shift();
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

async function comeBack(tunnel: Deployment): Promise<void> {
  for (const url of [tunnel.entry.admin, ...tunnel.admin.client]) await isReady(url);
  const { status } = await visit(`${tunnel.url}loadtest/get`);
  assert.equal(status, 200);
}
