/** An entry in front of a tunnel that is not whole: no client yet, or no server yet. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Deployment, isReady } from './harness/deployment.ts';
import { eventually } from './harness/deadline.ts';
import { gaugesAtRest, scrape, settled, total } from './harness/metrics.ts';
import { assertProblem } from './harness/problem.ts';
import { visit } from './harness/visit.ts';
import { dial } from './harness/wire.ts';

const GET = 'GET /session/demo/loadtest/bytes/100000000 HTTP/1.1\r\nHost: visited.example\r\n\r\n';
const NO_CLIENT = { status: 503, code: 'SP_NO_CLIENT', hop: 'link', error: 'destination_unavailable' };
const PATIENT = 'entry.sessionSyncTimeoutMs=600000';

/** Three others come and leave meanwhile. */
const PATIENT_MS = 120_000;

describe('a tunnel that is not whole yet', () => {
  let tunnel: Deployment;
  before(async () => {
    tunnel = await Deployment.start({ clients: 0, concurrency: 10, set: [PATIENT] });
  });
  after(() => tunnel.stop());

  it('without a client: a session that a credential names is 503, and when to come again', async () => {
    assertProblem(await visit(`${tunnel.url}loadtest/get`), NO_CLIENT);
  });

  it('with its first client: served', async () => {
    await tunnel.startClient();
    assert.equal((await visit(`${tunnel.url}loadtest/get`)).status, 200);
  });

  it('while the entry waits for its server: visitors who stay are served then, those who leave cost nothing', async () => {
    const atRest = await gaugesAtRest(tunnel.admin);
    await tunnel.entry.command.stop();
    tunnel.server.command.signal('SIGSTOP');
    await tunnel.startEntry();
    const patient = visit(`${tunnel.url}loadtest/get`, { limitMs: PATIENT_MS });
    await eventually(async () => ((await streams()) === 1 ? true : undefined), 'the patient visitor to come in');
    for (let i = 0; i < 3; i += 1) await leaveWaiting();
    tunnel.server.command.signal('SIGCONT');
    assert.equal((await patient).status, 200);
    await isReady(tunnel.entry.admin);
    await settled(tunnel.admin, atRest);
  });

  async function streams(): Promise<number> {
    return total(await scrape(tunnel.entry.admin), 'sallyport_streams');
  }

  /** A visitor whose request has come in, and who has gone when this resolves. */
  async function leaveWaiting(): Promise<void> {
    const before = await streams();
    const visitor = await dial(tunnel.url);
    visitor.send(GET);
    await eventually(async () => ((await streams()) > before ? true : undefined), 'the request to come in');
    visitor.reset();
    await eventually(async () => ((await streams()) === before ? true : undefined), 'the visitor to be missed');
  }
});
