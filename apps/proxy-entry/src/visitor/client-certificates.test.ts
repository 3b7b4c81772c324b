import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { certificateFolder, haveOpenssl, putPair, TestAuthority } from '../testing/authority.ts';
import type { Made } from '../testing/authority.ts';
import { listenTls } from '../testing/tls-bench.ts';
import type { TlsBench } from '../testing/tls-bench.ts';
import type { TlsConfig } from '../tls/material.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 300_000;
const GET = 'GET /a HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';
const POLL_MS = 20;
const HOUR_MS = 3_600_000;

/** Whether it was served, and if so what was known of the visitor. */
interface Met {
  readonly isServed: boolean;
  readonly certificate?: string | undefined;
  readonly isResumed?: boolean;
}

/** Answers every request with what is known of its visitor. */
async function serve(bench: TlsBench): Promise<never> {
  for (;;) {
    const { exchange } = await bench.arrival();
    exchange.head(204, 'No Content', ['X-Known', exchange.request.peer.clientCertificate ?? 'nobody'], true);
    exchange.end([]);
  }
}

async function meet(bench: TlsBench, options: ConnectionOptions): Promise<Met> {
  try {
    const visitor = await bench.secure('a.test', options);
    const isResumed = visitor.socket.isSessionReused();
    visitor.say(GET);
    const { text } = await visitor.hearAll();
    const known = /^X-Known: (.+)\r$/m.exec(text)?.[1];
    if (known === undefined) return { isServed: false };
    return { isServed: true, certificate: known === 'nobody' ? undefined : known, isResumed };
  } catch {
    return { isServed: false };
  }
}

/** A ticket, of a connection that was served. */
async function ticketOf(bench: TlsBench, options: ConnectionOptions): Promise<Buffer> {
  const visitor = await bench.secure('a.test', options);
  // In TLS 1.2 it comes within the handshake.
  let session = visitor.socket.getSession()!;
  visitor.socket.on('session', (given) => (session = given));
  visitor.say(GET);
  await visitor.hearAll();
  return session;
}

function asByteSequence({ cert }: Made): string {
  return `:${new X509Certificate(cert).raw.toString('base64')}:`;
}

describe('certificates of visitors', { timeout: CEILING_MS }, () => {
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let folder: string;
  let good: Made;
  let expired: Made;
  let revoked: Made;
  let foreign: Made;
  before((t) => {
    if (!haveOpenssl(t as never)) return;
    authority = new TestAuthority();
    stranger = new TestAuthority('A stranger');
    folder = certificateFolder(authority);
    putPair(folder, 'a', authority.issue('a', { names: 'DNS:a.test' }));
    good = authority.issue('good');
    expired = authority.issue('expired', { secondsLeft: -60 });
    revoked = authority.issue('revoked');
    foreign = stranger.issue('foreign');
    authority.revoke(revoked);
  });
  after(() => {
    authority.remove();
    stranger.remove();
  });

  async function listen(t: TestContext, set: Partial<TlsConfig>, nowMs = Date.now): Promise<TlsBench> {
    const { caFile, crlFile } = authority;
    const files = { certificates: folder, clientCaFile: caFile, clientCrlFile: crlFile };
    const bench = await listenTls(t, authority, { ...files, ...set }, {}, nowMs);
    void serve(bench);
    return bench;
  }

  it('are not asked for unless that is configured', async (t) => {
    const bench = await listen(t, { clientCertificates: 'off' });
    const met = await meet(bench, { cert: good.cert, key: good.key });
    assert.deepEqual([met.isServed, met.certificate], [true, undefined]);
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`that are optional make a visitor known, and others a stranger, in ${maxVersion}`, async (t) => {
      const bench = await listen(t, { clientCertificates: 'optional' });
      const known = await meet(bench, { cert: good.cert, key: good.key, maxVersion });
      assert.deepEqual([known.isServed, known.certificate], [true, asByteSequence(good)]);
      for (const { cert, key } of [expired, revoked, foreign]) {
        const met = await meet(bench, { cert, key, maxVersion });
        assert.deepEqual([met.isServed, met.certificate], [true, undefined]);
      }
      const none = await meet(bench, { maxVersion });
      assert.deepEqual([none.isServed, none.certificate], [true, undefined]);
    });

    it(`that are required keep everybody else out, in ${maxVersion}`, async (t) => {
      const bench = await listen(t, { clientCertificates: 'required' });
      const known = await meet(bench, { cert: good.cert, key: good.key, maxVersion });
      assert.deepEqual([known.isServed, known.certificate], [true, asByteSequence(good)]);
      for (const { cert, key } of [expired, revoked, foreign]) {
        assert.equal((await meet(bench, { cert, key, maxVersion })).isServed, false);
      }
      assert.equal((await meet(bench, { maxVersion })).isServed, false);
      for (const why of ['CERT_HAS_EXPIRED', 'CERT_REVOKED', 'client_certificate']) {
        while (!bench.log().includes(why)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      const failures = () =>
        bench.metric('sallyport_tls_handshake_failures_total{part="entry",cause="client_certificate"}');
      while ((await failures()) < 4 || bench.transport.connections > 0) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      assert.equal(await failures(), 4);
    });

    it(`are known again when the session is resumed, until they expire, in ${maxVersion}`, async (t) => {
      let aheadMs = 0;
      const now = () => Date.now() + aheadMs;
      for (const clientCertificates of ['optional', 'required'] as const) {
        aheadMs = 0;
        const bench = await listen(t, { clientCertificates }, now);
        const shown = { cert: good.cert, key: good.key, maxVersion };
        const session = await ticketOf(bench, shown);
        const again = await meet(bench, { session, maxVersion });
        assert.deepEqual(again, { isServed: true, certificate: asByteSequence(good), isResumed: true });
        aheadMs = 2 * HOUR_MS;
        const late = await meet(bench, { session, maxVersion });
        assert.deepEqual([late.isServed, late.certificate], [clientCertificates === 'optional', undefined]);
      }
    });

    it(`that are revoked end the sessions that they began, in ${maxVersion}`, async (t) => {
      const own = new TestAuthority();
      t.after(() => own.remove());
      const [visitor, other] = [own.issue('visitor'), own.issue('other')];
      own.revoke(other);
      const files = { clientCaFile: own.caFile, clientCrlFile: own.crlFile };
      const bench = await listen(t, { clientCertificates: 'required', ...files });
      const shown = { cert: visitor.cert, key: visitor.key, maxVersion };
      const session = await ticketOf(bench, shown);
      assert.equal((await meet(bench, { ...shown, session })).isResumed, true);
      own.revoke(visitor);
      while ((await meet(bench, shown)).isServed) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      assert.deepEqual(await meet(bench, { ...shown, session }), { isServed: false });
      assert.deepEqual(await meet(bench, { session, maxVersion }), { isServed: false });
    });

    it(`resume at the next entry that has the same secret, but not one that was revoked between, in ${maxVersion}`, async (t) => {
      const own = new TestAuthority();
      t.after(() => own.remove());
      const [visitor, other] = [own.issue('visitor'), own.issue('other')];
      own.revoke(other);
      const set = {
        clientCertificates: 'required',
        clientCaFile: own.caFile,
        clientCrlFile: own.crlFile,
        ticketKeyFile: join(own.folder, 'ticket.key'),
      } as const;
      const shown = { cert: visitor.cert, key: visitor.key, maxVersion };
      const first = await listen(t, set);
      const session = await ticketOf(first, shown);
      await first.transport.close();
      const second = await listen(t, set);
      assert.equal((await meet(second, { session, maxVersion })).isResumed, true);
      await second.transport.close();
      own.revoke(visitor);
      const third = await listen(t, set);
      assert.deepEqual(await meet(third, { ...shown, session }), { isServed: false });
      assert.deepEqual(await meet(third, { session, maxVersion }), { isServed: false });
    });
  }
});
