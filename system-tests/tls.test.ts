/** TLS at the entry with real peers: openssl and curl in front of the whole stack. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { certificateFolder, putPair } from '../apps/proxy-entry/src/testing/authority.ts';
import type { Made } from '../apps/proxy-entry/src/testing/authority.ts';
import { makeTlsFiles } from './conformance/tls-wire.ts';
import type { TlsFiles } from './conformance/tls-wire.ts';
import { CEILING_MS, eventually, within } from './harness/deadline.ts';
import { scrape, total } from './harness/metrics.ts';
import { startStack, useStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { startEchoBackend } from './reload/echo-backend.ts';

interface Said {
  readonly code: number | null;
  readonly text: string;
}

/** Runs a program to its end; what it printed on both its outputs. */
function run(program: string, args: readonly string[], input = ''): Promise<Said> {
  return new Promise((resolve) => {
    const options = { timeout: CEILING_MS, encoding: 'latin1' as const, maxBuffer: 64 << 20 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : ((error as { code?: number }).code ?? null), text: `${stdout}${stderr}` });
    });
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`;
}

function shown({ certFile, keyFile }: Made): string[] {
  return ['-cert', certFile, '-key', keyFile];
}

const files = makeTlsFiles();
if (files === null) it('TLS with real peers', { skip: 'openssl is absent' });
else defineTests(files);

function defineTests(made: TlsFiles): void {
  const { authority, folder } = made;
  const set = [`entry.tls.certificates=${folder}`, 'entry.hosts={"app.test":"demo"}'];

  /** `openssl s_client`: asks for a ping, and reads until the end. */
  const sClient = (url: string, ...args: readonly string[]): Promise<Said> => {
    const own = ['s_client', '-connect', new URL(url).host, '-CAfile', authority.caFile, '-ign_eof', ...args];
    return run('openssl', own, get('/loadtest/ping'));
  };

  void describe('openssl s_client', () => {
    const used = useStack(() => ({ set }));
    const url = () => used.stack.tls!;

    for (const [name, subject] of [
      ['app.test', 'app.test'],
      ['other.test', 'app.test'],
      ['x.wild.test', 'wild.test'],
    ] as const) {
      void it(`is shown the certificate for ${name}`, async () => {
        const { text } = await sClient(url(), '-servername', name, '-verify_hostname', name, '-verify_return_error');
        assert.match(text, new RegExp(`subject=CN ?= ?${subject}`));
        assert.match(text, /Verify return code: 0 \(ok\)/);
        if (subject === 'app.test') assert.match(text, /HTTP\/1\.1 200 OK/);
      });
    }

    void it('is refused in the handshake with a name that no certificate is for, and without a name', async () => {
      for (const version of ['-tls1_2', '-tls1_3']) {
        for (const name of [['-servername', 'wrong.test'], ['-servername', 'a.x.wild.test'], ['-noservername']]) {
          const { code, text } = await sClient(url(), version, ...name);
          assert.equal(code, 1);
          assert.match(text, /alert handshake failure.*SSL alert number 40/);
          assert.match(text, /no peer certificate available/);
        }
      }
    });

    void it('is spoken with in TLS 1.2 and 1.3, and in nothing older', async () => {
      for (const [flag, name] of [
        ['-tls1_2', 'TLSv1.2'],
        ['-tls1_3', 'TLSv1.3'],
      ] as const) {
        const { text } = await sClient(url(), flag, '-servername', 'app.test');
        assert.match(text, new RegExp(`New, ${name}`));
      }
      const old = await sClient(url(), '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0', '-servername', 'app.test');
      assert.match(old.text, /alert protocol version/);
    });

    void it('resumes its session', async () => {
      const { text } = await sClient(url(), '-tls1_2', '-reconnect', '-servername', 'app.test');
      assert.equal(text.match(/^Reused, TLSv1\.2/gm)?.length, 5);
    });

    void it('agrees on HTTP/2 or HTTP/1.1 by ALPN', async () => {
      for (const [offered, agreed] of [
        ['h2,http/1.1', 'h2'],
        ['http/1.1', 'http/1.1'],
      ] as const) {
        const { text } = await sClient(url(), '-servername', 'app.test', '-alpn', offered);
        assert.match(text, new RegExp(`ALPN protocol: ${agreed}\n`));
      }
    });
  });

  void describe('openssl s_client, where a certificate is required', () => {
    const used = useStack(() => ({
      isSplit: true,
      set: [...set, 'entry.tls.clientCertificates=required', `entry.tls.clientCaFile=${authority.caFile}`],
    }));

    for (const [version, alert] of [
      ['-tls1_2', /alert handshake failure.*SSL alert number 40/],
      ['-tls1_3', /alert certificate required.*SSL alert number 116/],
    ] as const) {
      void it(`is served with a good one, refused without one, and cut off with an expired one (${version.slice(1)})`, async () => {
        const known = [version, '-servername', 'app.test'];
        const good = await sClient(used.stack.tls!, ...known, ...shown(made.visitor));
        assert.match(good.text, /HTTP\/1\.1 200 OK/);
        const none = await sClient(used.stack.tls!, ...known);
        assert.match(none.text, alert);
        const expired = await sClient(used.stack.tls!, ...known, ...shown(made.expired));
        for (const { text } of [none, expired]) assert.doesNotMatch(text, /HTTP\/1\.1 /);
        const failed = 'sallyport_tls_handshake_failures_total';
        await eventually(async () => {
          const metrics = await scrape(used.stack.admin.entry);
          return total(metrics, failed, 'cause="client_certificate"') >= 2 || undefined;
        }, 'both counted as failed');
      });
    }
  });

  void describe('curl', () => {
    const used = useStack(() => ({ isSplit: true, set }));
    const curl = (t: TestContext, ...args: readonly string[]) => {
      const { port } = new URL(used.stack.tls!);
      const way = ['--cacert', authority.caFile, '--resolve', `app.test:${port}:127.0.0.1`, '-sS'];
      t.diagnostic(args.join(' '));
      return run('curl', [...way, ...args, `https://app.test:${port}/loadtest/bytes/1000000`]);
    };

    for (const version of ['1.1', '2'] as const) {
      void it(`downloads by HTTP/${version}`, async (t) => {
        const said = await curl(t, `--http${version}`, '-o', '/dev/null', '-w', '%{http_version} %{size_download}');
        assert.deepEqual(said, { code: 0, text: `${version} 1000000` });
      });
    }

    void it('is told without TLS on the port for TLS that this is wrong', async () => {
      const said = await run('curl', ['-sS', '-i', used.stack.tls!.replace('https:', 'http:')]);
      assert.match(said.text, /^HTTP\/1\.1 400 Bad Request\r\n[^]*\r\nConnection: close\r\n[^]*clear-text/);
      assert.match(said.text, /"code":"SP_BAD_REQUEST"/);
    });
  });

  void it('a certificate is replaced while a download runs, which ends whole, and the next visitor sees the new one', async (t) => {
    const own = certificateFolder(authority);
    putPair(own, 'app', authority.issue('before', { names: 'DNS:app.test' }));
    const stack = await startStack({ set: [`entry.tls.certificates=${own}`, 'entry.hosts={"app.test":"demo"}'] });
    t.after(() => stack.command.stop());
    const agent = new Agent({ ca: authority.ca, servername: 'app.test', keepAlive: false, maxCachedSessions: 0 });
    const ask = async (target: string): Promise<{ answer: IncomingMessage; subject: string }> => {
      const asked = request(`${stack.tls!}${target}`, { agent, headers: { Host: 'app.test' } }).end();
      t.after(() => void asked.destroy());
      const [answer] = (await within(once(asked, 'response'), 'an answer')) as [IncomingMessage];
      const { subject } = (answer.socket as TLSSocket).getPeerCertificate();
      return { answer, subject: String(subject.CN) };
    };
    const bytes = 20_000_000;
    const { answer, subject } = await ask(`/loadtest/bytes/${bytes}`);
    assert.equal(subject, 'before');
    let received = 0;
    answer.pause();
    putPair(own, 'app', authority.issue('after', { names: 'DNS:app.test', secondsLeft: 7_200 }));
    await eventually(async () => {
      const next = await ask('/loadtest/ping');
      next.answer.resume();
      return next.subject === 'after' || undefined;
    }, 'the new certificate');
    answer.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
    await within(once(answer, 'end'), 'the end of the download');
    assert.equal(received, bytes);
    assert.equal(answer.complete, true);
  });

  void it('a request that runs over TLS is finished when the entry is told to stop', async (t) => {
    const backend = await startEchoBackend('one');
    t.after(() => backend.close());
    const stack = await startStack({ isSplit: true, set, backend: backend.url });
    t.after(() => stack.command.signal('SIGKILL'));
    const agent = new Agent({ ca: authority.ca, servername: 'app.test', keepAlive: true });
    t.after(() => agent.destroy());
    const asked = request(`${stack.tls!}/held`, { agent, headers: { Host: 'app.test' } }).end();
    await backend.holds(1);
    const stopped = stack.command.stop();
    const isDraining = async () => (await visit(`${stack.admin.entry}/readyz`)).status === 503 || undefined;
    await eventually(isDraining, 'the entry to drain');
    backend.release();
    const [answer] = (await within(once(asked, 'response'), 'an answer')) as [IncomingMessage];
    assert.deepEqual([answer.statusCode, answer.headers.connection], [200, 'close']);
    answer.resume();
    await within(once(answer, 'end'), 'its end');
    assert.deepEqual(await stopped, { code: 0, signal: null });
  });
}
