/** How a client ends, and what it says: it drains, its credential is revoked, its session is another's. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Command } from './harness/command.ts';
import { eventually, within } from './harness/deadline.ts';
import { scrape, total } from './harness/metrics.ts';
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

const idIn = (file: string) => readFileSync(file, 'utf8').split(':')[0]!;

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
    const id = idIn(join(fleet.folder, 'client.secret'));
    await fleet.revoke(id);
    const { code, stderr } = await within(fleet.client.command.ended, 'the end of the client', CEILING_MS);
    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`refused the credential ${id}: it was revoked \\(session demo\\)`));
  });

  it('says which session and which credential a server refuses', async (context) => {
    const { fleet } = await startFleet(context);
    const file = await fleet.credential('stranger', 'client', ['other']);
    const set = [`client.credentialFile=${file}`, 'client.admin.port=0'].flatMap((each) => ['--set', each]);
    const stranger = new Command(['client', '--config', fleet.file, ...set]);
    context.after(() => stranger.stop());
    const { code, stderr } = await within(stranger.ended, 'the end of the stranger', CEILING_MS);
    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`credential ${idIn(file)} does not cover it \\(session demo\\)`));
  });

  it('is counted by the server as taken once it has said hello: one that only tries a credential is not', async (context) => {
    const { fleet } = await startFleet(context);
    const accepted = async () => total(await scrape(fleet.server.admin), 'sallyport_links_accepted_total');
    const before = await accepted();
    assert.ok(before >= 2);
    const doctor = new Command(['doctor', '--config', fleet.file]);
    context.after(() => doctor.stop());
    const { stdout } = await within(doctor.ended, 'the end of doctor', CEILING_MS);
    assert.match(stdout, /ok +link .*: accepted/);
    assert.equal(await accepted(), before);
  });
});
