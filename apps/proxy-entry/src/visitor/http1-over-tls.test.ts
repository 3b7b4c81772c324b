/** HTTP/1.1 over TLS, where a connection is more than its socket: who leaves, and who does not read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { haveOpenssl, putPair } from '../testing/authority.ts';
import { listenTls, newAuthority } from '../testing/tls-bench.ts';
import type { TlsBench } from '../testing/tls-bench.ts';
import type { VisitorOptions } from './transport.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 120_000;
const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

/** Not in the types of `connect`, which knows it. */
const HALF_OPEN = { servername: 'a.test', allowHalfOpen: true };

/** Null: skipped. */
async function listen(t: TestContext, changes: Partial<VisitorOptions> = {}): Promise<TlsBench | null> {
  if (!haveOpenssl(t)) return null;
  const { authority, folder } = newAuthority();
  t.after(() => authority.remove());
  putPair(folder, 'a', authority.issue('a', { names: 'DNS:a.test' }));
  return listenTls(t, authority, { certificates: folder }, changes);
}

describe('a visitor over TLS', { timeout: CEILING_MS }, () => {
  it('that closes its connection while it waits is gone', async (t) => {
    const bench = await listen(t);
    if (bench === null) return;
    const { secure, arrival } = bench;
    const visitor = await secure('a.test');
    visitor.say(GET);
    const arrived = await arrival();
    visitor.socket.destroy();
    assert.equal(await arrived.finished, false);
  });

  it('that ends its side alone, behind a whole request, gets its answer', async (t) => {
    const bench = await listen(t);
    if (bench === null) return;
    const { secure, arrival } = bench;
    const visitor = await secure('a.test', HALF_OPEN);
    visitor.say(GET);
    const { exchange, finished } = await arrival();
    visitor.socket.end();
    assert.equal(await visitor.hear('HTTP/1.1 '), 'HTTP/1.1 ');
    exchange.head(200, 'OK', ['Content-Length', '2'], false);
    exchange.write(Buffer.from('ok'));
    exchange.end([]);
    assert.match((await visitor.hearAll()).text, /^200 OK\r\n[^]*\r\nConnection: close\r\n\r\nok$/);
    assert.equal(await finished, true);
  });

  it('that takes nothing of its answer is reset at its limit', async (t) => {
    const bench = await listen(t, { answerStallTimeoutMs: 50 });
    if (bench === null) return;
    const { secure, arrival, limits } = bench;
    const visitor = await secure('a.test');
    visitor.say(GET);
    const { exchange, finished } = await arrival();
    visitor.socket.pause();
    exchange.head(200, 'OK', [], false);
    // More than the kernel takes for it.
    for (let i = 0; i < 256; i += 1) exchange.write(Buffer.alloc(65_536));
    assert.equal(await finished, false);
    assert.deepEqual(limits, ['answer-stall']);
  });
});
