import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { makeCertificates } from '../testing/certificates.ts';
import { NOBODY, Transcript, answerWell, startFixture } from '../testing/fixture.ts';
import { loadTls, parseModes } from './load-tls.ts';
import type { TlsOverheadOptions } from './load-tls.ts';

/** The same service with TLS and without; a client certificate is asked for, and counted. */
async function prepareModes(context: TestContext) {
  const { ca, server, visitor } = makeCertificates(context);
  const known = new Set<string>();
  const secure = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    known.add((request.socket as TLSSocket).authorized ? 'known' : 'unknown');
    answerWell(request, response);
  });
  const plain = await startFixture();
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const out = mkdtempSync(join(tmpdir(), 'tls-'));
  context.after(async () => {
    secure.closeAllConnections();
    secure.close();
    await plain.stop();
    rmSync(out, { recursive: true });
  });
  const stderr = new Transcript();
  const options: TlsOverheadOptions = {
    target: `https://127.0.0.1:${(secure.address() as AddressInfo).port}/`,
    plain: plain.url,
    modes: 'off,on,mtls,resumed',
    tls: { ca, ...visitor },
    rate: 100,
    windows: 2,
    windowS: 0.2,
    warmUpS: 0.1,
    out,
    stderr,
  };
  return { options, stderr, known };
}

describe('load overhead --tls', () => {
  test('measures every mode as what it is called by', async (context) => {
    const { options, stderr, known } = await prepareModes(context);
    const { report, exitCode } = await loadTls(options);
    // Two blocks of each are a look, and no interval.
    assert.equal(exitCode, 3);
    assert.match(report.verdict.sentence, /too few whole blocks/);
    const section = report.sections.tls ?? [];
    assert.deepEqual(
      section.map(({ mode, handshakes }) => [mode, handshakes]),
      [
        ['off', 0],
        ['on', 40],
        ['mtls', 40],
        ['resumed', 40],
      ],
    );
    assert.deepEqual(
      section.slice(0, 3).map(({ resumed }) => resumed),
      [0, 0, 0],
    );
    assert.ok((section[3]?.resumed ?? 0) >= 30, `${section[3]?.resumed} of 40`);
    assert.ok(section.every(({ connectP50Ms, latencyP50Ms }) => connectP50Ms > 0 && connectP50Ms <= latencyP50Ms));
    assert.ok(section.slice(1).every(({ added }) => added.every(({ medianMs }) => Number.isFinite(medianMs))));
    assert.deepEqual([...known].sort(), ['known', 'unknown']);
    const order = [...stderr.text.matchAll(/^block \d+\/8 {2}(\w+)/gm)].map(([, mode]) => mode);
    assert.equal(order.join(' '), 'off on mtls resumed resumed mtls on off');
  });

  test('looks at --plain as at --target before it measures anything', async (context) => {
    const { options } = await prepareModes(context);
    await assert.rejects(loadTls({ ...options, plain: NOBODY, modes: 'off,on' }), {
      code: 'SP_LOAD_UNREACHABLE',
      exitCode: 2,
    });
    assert.deepEqual(readdirSync(options.out ?? ''), []);
  });

  test('says in one line what was asked wrongly', async () => {
    const good = { target: 'https://127.0.0.1:1/', plain: 'http://127.0.0.1:1/', modes: 'off,on' };
    const asked: [Partial<TlsOverheadOptions>, RegExp][] = [
      [{ modes: 'on' }, /must name two modes or more/],
      [{ modes: 'on,on' }, /each once/],
      [{ modes: 'on,of' }, /"of" is not known; use some of off,on,mtls,resumed/],
      [{ plain: undefined }, /give --plain/],
      [{ target: 'http://127.0.0.1:1/' }, /mode on needs an https/],
      [{ modes: 'on,mtls' }, /give --cert FILE --key FILE/],
      [{ windows: 7 }, /--windows must be even/],
      [{ direct: 'http://127.0.0.1:1/' }, /leave out --direct/],
      [{ engine: 'k6' }, /leave out k6/],
    ];
    for (const [change, message] of asked) {
      await assert.rejects(loadTls({ ...good, ...change }), { exitCode: 2, message });
    }
    assert.deepEqual(parseModes('resumed, on'), ['resumed', 'on']);
  });
});
