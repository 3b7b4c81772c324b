/** An entry and a client with two servers, one of which does not know their credential. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { eventually, within } from './harness/deadline.ts';
import { visit } from './harness/visit.ts';
import { startBackend, startClient, startEntry, startSecureServer } from './links/secure-server.ts';
import { freePort } from '../packages/protocol/src/testing/free-port.ts';

const REFUSAL = /the server refused the credential [^ ]+ \(401\)/;

async function startServers(t: TestContext) {
  const good = await startSecureServer(t, { isPlain: true });
  const strange = await startSecureServer(t, { isPlain: true });
  return { good, strange, urls: [strange, good].map(({ port }) => `ws://127.0.0.1:${port}`) };
}

describe('a credential that one of two servers refuses', { timeout: 120_000 }, () => {
  it('leaves entry and client with the other, and ends them once that refuses it too', async (t) => {
    const { good, strange, urls } = await startServers(t);
    const entry = startEntry(t, good, { url: urls });
    const client = startClient(t, good, await startBackend(t), { url: urls });
    const { url } = await entry.event<{ url: string }>('ready');
    await client.event('ready');
    const ask = async () => ((await visit(`${url}/session/demo/`)).status === 200 ? true : undefined);
    await eventually(ask, 'an answer');
    for (const part of [entry, client]) {
      const { server, reason } = await part.event<{ server: string; reason: string }>('link-lost');
      assert.equal(server, `ws://127.0.0.1:${strange.port}`);
      assert.match(reason, REFUSAL);
    }
    assert.ok(await ask());
    for (const name of ['entry', 'client']) good.credentials.revoke(name);
    for (const part of [entry, client]) {
      const { code } = await within(part.ended, 'an end');
      assert.equal(code, 2, part.stderr);
      assert.match(part.stderr, /^sallyport: the server refused the credential [^\n]+\n$/m);
    }
  });

  it('leaves them dialling the other while nobody is there: it may take them yet', async (t) => {
    const { good, strange } = await startServers(t);
    const urls = [`ws://127.0.0.1:${strange.port}`, `ws://127.0.0.1:${await freePort()}`];
    const parts = [startEntry(t, good, { url: urls }), startClient(t, good, await startBackend(t), { url: urls })];
    for (const part of parts) {
      const saysBoth = () =>
        [REFUSAL, /ECONNREFUSED/].every((what) => part.events.some(({ reason }) => what.test(String(reason))));
      await eventually(async () => (saysBoth() ? true : undefined), 'both reasons');
      const { code } = await part.stop();
      assert.equal(code, 0, part.stderr);
    }
  });
});
