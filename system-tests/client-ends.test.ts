/** How a client ends, and what it says: it drains, its credential is revoked, its session is another's. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Command } from './harness/command.ts';
import { eventually, within } from './harness/deadline.ts';
import { visit } from './harness/visit.ts';
import { startEchoBackend } from './reload/echo-backend.ts';
import { Fleet } from './reload/fleet.ts';

const CEILING_MS = 60_000;

async function startFleet(context: TestContext) {
  const backend = await startEchoBackend('one');
  context.after(() => backend.close());
  const fleet = await Fleet.start({ 'client.sessions': [{ id: 'demo', backend: backend.url }] });
  context.after(() => fleet.stop());
  return { fleet, backend };
}

/** For the same session, with a credential of its own. */
async function secondClient(context: TestContext, fleet: Fleet, sessions: string[]) {
  const file = await fleet.credential('second', 'client', sessions);
  const set = [`client.credentialFile=${file}`, 'client.admin.port=0'].flatMap((each) => ['--set', each]);
  const client = new Command(['client', '--json', '--config', fleet.file, ...set]);
  context.after(() => client.stop());
  return { client, id: readFileSync(file, 'utf8').split(':')[0]! };
}

async function endsSaying(client: Command, message: string): Promise<void> {
  const { code } = await within(client.ended, 'the end of the client', CEILING_MS);
  assert.equal(code, 2, client.stderr);
  assert.ok(client.stderr.includes(message), client.stderr);
}

void describe('a client', { timeout: 2 * CEILING_MS }, () => {
  it('is not ready from the moment on that it drains, and finishes what runs', async (context) => {
    const { fleet, backend } = await startFleet(context);
    const ready = await visit(`${fleet.client.admin}/readyz`);
    assert.equal(ready.status, 200);
    const held = visit(`${fleet.url}held`, { limitMs: CEILING_MS });
    await backend.holds(1);
    fleet.client.command.signal('SIGTERM');
    const draining = await eventually(async () => {
      const answer = await visit(`${fleet.client.admin}/readyz`);
      return answer.status === 503 ? answer : undefined;
    }, 'the client to be not ready');
    assert.match(draining.body.toString(), /"accepting":\{"ok":false,"detail":"draining"\}/);
    backend.release();
    assert.equal((await held).body.toString(), 'released');
    const { code } = await within(fleet.client.command.ended, 'the end of the client', CEILING_MS);
    assert.equal(code, 0);
  });

  it('says so where its credential is revoked while it runs', async (context) => {
    const { fleet } = await startFleet(context);
    const { client, id } = await secondClient(context, fleet, ['*']);
    await client.event('link-up');
    await fleet.revoke(id);
    await endsSaying(client, `refused the credential ${id}: it was revoked (session demo)`);
  });

  it('says which session and which credential a server refuses', async (context) => {
    const { fleet } = await startFleet(context);
    const { client, id } = await secondClient(context, fleet, ['other']);
    await endsSaying(client, `credential ${id} does not cover it (session demo)`);
  });
});
