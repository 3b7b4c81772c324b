import assert from 'node:assert/strict';
import { valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import { conformance } from './rows.ts';

const GET = 'GET /session/demo/ HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** PROXY, TCP over IPv6, 36 bytes of addresses and ports. */
const TO_IPV6 = Buffer.from(`21210024${'20010db8000000000000000000000001'.repeat(2)}00010002`, 'hex');

async function forwardedFor(visitor: Wire, inside: Wire): Promise<string[]> {
  const { fields } = await inside.readHead();
  inside.send(ANSWER);
  assert.match((await visitor.readHead()).first, / 200 /);
  return valuesOf(fields, 'X-Forwarded-For');
}

conformance('Behind a balancer', ['entry.proxyProtocolFrom=["127.0.0.0/8"]'], (row) => {
  row(
    21,
    'behind a balancer that speaks the PROXY protocol the visitor is whom it speaks for',
    async ({ visit, backend }) => {
      for (const [header, expected] of [
        [Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n'), '192.0.2.7'],
        [Buffer.concat([SIGNATURE, TO_IPV6]), '2001:db8::1'],
        [Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
      ] as const) {
        const visitor = await visit();
        visitor.send(Buffer.concat([header, Buffer.from(GET)]));
        assert.deepEqual(await forwardedFor(visitor, await backend.accept()), [expected]);
      }
    },
  );

  row(
    21,
    'a balancer that begins with anything but a PROXY header is closed on, and nothing is forwarded',
    async ({ visit, backend }) => {
      for (const header of ['', 'PROXY TCP4 192.0.2.7\r\n', 'PROXY TCP9 192.0.2.7 198.51.100.2 1 2\r\n']) {
        const visitor = await visit();
        visitor.send(header + GET);
        assert.equal((await visitor.readAll()).bytes.length, 0);
      }
      // The next connection at the backend is that of the next good request.
      const visitor = await visit();
      visitor.send(`PROXY TCP4 192.0.2.8 198.51.100.2 1 2\r\n${GET}`);
      assert.deepEqual(await forwardedFor(visitor, await backend.accept()), ['192.0.2.8']);
    },
  );
});
