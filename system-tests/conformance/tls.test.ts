import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { it } from 'node:test';
import { valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { conformance } from './rows.ts';
import { dialTls, makeTlsFiles } from './tls-wire.ts';
import type { TlsFiles } from './tls-wire.ts';

/** On a connection of its own: none is left for the next test. */
const ANSWER =
  'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\nStrict-Transport-Security: max-age=1\r\n\r\nok';

function get(host: string, target = '/', ...lines: string[]): string {
  return [`GET ${target} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n');
}

/** The problem that an answer of our own is, whose head has been read. */
async function problemOf(wire: Wire, fields: readonly string[]): Promise<Record<string, unknown>> {
  assert.deepEqual(valuesOf(fields, 'Content-Type'), ['application/problem+json']);
  const body = await wire.read(Number(valuesOf(fields, 'Content-Length')[0]));
  return JSON.parse(body.toString()) as Record<string, unknown>;
}

function settings({ authority, folder }: TlsFiles): string[] {
  return [
    `entry.tls.certificates=${folder}`,
    'entry.tls.clientCertificates=optional',
    `entry.tls.clientCaFile=${authority.caFile}`,
    'entry.tls.clientCertificateHosts=["secret.test"]',
    'entry.tls.redirectPort=443',
    'entry.tls.hstsMaxAgeS=600',
    'entry.hosts={"app.test":"demo","wild.test":"demo","secret.test":"vault"}',
  ];
}

const files = makeTlsFiles();
if (files === null) it('TLS at the entry', { skip: 'openssl is absent' });
else defineRows(files);

function defineRows(made: TlsFiles): void {
  const shown = { cert: made.visitor.cert, key: made.visitor.key };

  conformance('TLS at the entry', settings(made), (row) => {
    row(
      21,
      'a request that came by TLS says https in Forwarded and X-Forwarded-Proto',
      async ({ stack, backend }, t) => {
        const visitor = await dialTls(t, stack, made, 'app.test');
        visitor.send(get('app.test', '/x', 'X-Forwarded-Proto: http'));
        const inside = await backend.accept();
        const { first, fields } = await inside.readHead();
        assert.equal(first, 'GET /x HTTP/1.1');
        assert.deepEqual(valuesOf(fields, 'X-Forwarded-Proto'), ['https']);
        assert.match(valuesOf(fields, 'Forwarded').join(), /proto=https/);
        inside.send(ANSWER);
        assert.match((await visitor.readHead()).first, / 200 /);
      },
    );

    row(
      22,
      'Client-Cert tells of a verified certificate, and never of what a visitor wrote',
      async ({ stack, backend }, t) => {
        const der = new X509Certificate(made.visitor.cert).raw.toString('base64');
        const expired = { cert: made.expired.cert, key: made.expired.key };
        for (const [options, expected] of [
          [shown, [`:${der}:`]],
          [expired, []],
          [{}, []],
        ] as const) {
          const visitor = await dialTls(t, stack, made, 'app.test', options);
          visitor.send(get('app.test', '/', 'Client-Cert: :AAAA:', 'Client_Cert: :AAAA:', 'Client-Cert-Chain: :AAAA:'));
          const inside = await backend.accept();
          const { fields } = await inside.readHead();
          assert.deepEqual(valuesOf(fields, 'Client-Cert'), expected);
          assert.deepEqual([...valuesOf(fields, 'Client_Cert'), ...valuesOf(fields, 'Client-Cert-Chain')], []);
          inside.send(ANSWER);
          assert.match((await visitor.readHead()).first, / 200 /);
          inside.close();
        }
      },
    );

    row(
      36,
      'a host that the certificate of a connection is not for is answered 421, and the next host may be right',
      async ({ stack, backend }, t) => {
        const visitor = await dialTls(t, stack, made, 'other.test');
        for (const host of ['wild.test', 'x.wild.test', 'nowhere.test', '127.0.0.1', 'app.test.evil.test']) {
          visitor.send(get(host, '/session/demo/'));
          const { first, fields } = await visitor.readHead();
          assert.match(first, /^HTTP\/1.1 421 /, host);
          assert.equal((await problemOf(visitor, fields))['code'], 'SP_MISDIRECTED');
        }
        visitor.send(get('app.test'));
        const inside = await backend.accept();
        await inside.readHead();
        inside.send(ANSWER);
        assert.match((await visitor.readHead()).first, / 200 /);
      },
    );

    row(
      36,
      'a session that wants a certificate of the visitor is answered 403 without one, however it is asked for',
      async ({ stack }, t) => {
        const stranger = await dialTls(t, stack, made, 'secret.test');
        for (const [host, target] of [
          ['secret.test', '/'],
          ['SECRET.test:443', '/'],
          ['secret.test.', '/'],
          ['x.wild.test', '/session/vault/'],
        ] as const) {
          stranger.send(get(host, target));
          const { first, fields } = await stranger.readHead();
          assert.match(first, /^HTTP\/1.1 403 /, `${host} ${target}`);
          assert.equal((await problemOf(stranger, fields))['code'], 'SP_CLIENT_CERTIFICATE');
        }
        const known = await dialTls(t, stack, made, 'secret.test', shown);
        known.send(get('secret.test'));
        // It is let through to a session that nobody serves.
        const { fields } = await known.readHead();
        assert.equal((await problemOf(known, fields))['code'], 'SP_NO_SESSION');
      },
    );

    row(
      36,
      'a visitor without TLS is sent to https by 308, but for a challenge of an authority',
      async ({ visit, stack, backend }, t) => {
        const plain = await visit();
        for (const [target, location] of [
          ['/a/%2F?b=c', 'https://app.test/a/%2F?b=c'],
          ['/session/demo/', 'https://app.test/session/demo/'],
        ] as const) {
          plain.send(get('app.test:8080', target));
          const { first, fields } = await plain.readHead();
          assert.match(first, /^HTTP\/1.1 308 /);
          assert.deepEqual(valuesOf(fields, 'Location'), [location]);
          assert.deepEqual(valuesOf(fields, 'Strict-Transport-Security'), []);
        }
        plain.send(get('app.test', '/.well-known/acme-challenge/token-of-the-backend'));
        const inside = await backend.accept();
        assert.match((await inside.readHead()).first, /^GET \/.well-known\/acme-challenge\/token-of-the-backend /);
        inside.send(ANSWER);
        assert.match((await plain.readHead()).first, / 200 /);
        const secure = await dialTls(t, stack, made, 'app.test');
        secure.send(get('app.test'));
        const second = await backend.accept();
        await second.readHead();
        second.send(ANSWER);
        assert.match((await secure.readHead()).first, / 200 /);
      },
    );

    row(
      36,
      'every answer over TLS says Strict-Transport-Security once, in the words of the entry',
      async ({ stack, backend }, t) => {
        const visitor = await dialTls(t, stack, made, 'app.test');
        visitor.send(get('app.test'));
        const inside = await backend.accept();
        await inside.readHead();
        inside.send(ANSWER);
        const relayed = await visitor.readHead();
        assert.deepEqual(valuesOf(relayed.fields, 'Strict-Transport-Security'), ['max-age=600']);
        await visitor.read(2);
        visitor.send(get('nowhere.test'));
        const own = await visitor.readHead();
        assert.deepEqual(valuesOf(own.fields, 'Strict-Transport-Security'), ['max-age=600']);
      },
    );

    row(
      7,
      'a body cut short by the backend is a cut over TLS: no final chunk, and to HTTP/1.0 a reset',
      async ({ stack, backend }, t) => {
        for (const version of ['1.1', '1.0']) {
          const visitor = await dialTls(t, stack, made, 'app.test');
          visitor.send(`GET / HTTP/${version}\r\nHost: app.test\r\n\r\n`);
          const inside = await backend.accept();
          await inside.readHead();
          inside.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
          await visitor.readThrough('part');
          inside.reset();
          const { bytes, how } = await visitor.readAll();
          assert.doesNotMatch(bytes.toString('latin1'), /0\r\n/);
          if (version === '1.0') assert.equal(how, 'reset');
        }
      },
    );
  });
}
