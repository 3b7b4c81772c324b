/** What a head looks like at the other end: what must pass, what must end at this hop, and what is added. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startRawBackend } from './harness/raw-backend.ts';
import type { RawBackend } from './harness/raw-backend.ts';
import { SHAPES, useStack } from './harness/stack.ts';
import { assertTimingAddsUp } from './harness/timing.ts';
import { dial, valuesOf } from './harness/wire.ts';
import type { RawHead, Wire } from './harness/wire.ts';

const VIA = '1.1 sallyport-local';

for (const { shape, isSplit } of SHAPES) {
  describe(`heads through ${shape}`, () => {
    let backend: RawBackend;
    before(async () => {
      backend = await startRawBackend();
    });
    after(() => backend.close());
    const tunnel = useStack(() => ({ isSplit, backend: backend.url }));

    interface Seen {
      /** At the backend. */
      readonly request: RawHead;
      /** At the visitor. */
      readonly answer: RawHead;
    }

    /** One exchange: what the other side saw of either head. `Content-Length: 0` is added to the answer. */
    async function exchange(lines: string[], answerLines: string[] = [], target = '/session/demo/x'): Promise<Seen> {
      const visitor = await dial(tunnel.stack.url);
      visitor.send(['GET ' + target + ' HTTP/1.1', 'Host: visited.example:8080', ...lines, '', ''].join('\r\n'));
      const far: Wire = await backend.accept();
      const request = await far.readHead();
      far.send(
        ['HTTP/1.1 200 Fine by me', ...answerLines, 'Content-Length: 0', 'Connection: close', '', ''].join('\r\n'),
      );
      const answer = await visitor.readHead();
      visitor.close();
      far.close();
      return { request, answer };
    }

    it('fields of one connection, and those it nominates, end here on the way there', async () => {
      const { request } = await exchange([
        'Connection: X-Private, close',
        'X-Private: 1',
        'Keep-Alive: timeout=9',
        'Proxy-Connection: close',
        'TE: gzip',
        'Upgrade: h2c',
        'X-Public: 2',
      ]);
      for (const name of ['x-private', 'keep-alive', 'proxy-connection', 'te', 'upgrade']) {
        assert.deepEqual(valuesOf(request.fields, name), [], name);
      }
      assert.doesNotMatch(valuesOf(request.fields, 'connection').join(), /private/i);
      assert.deepEqual(valuesOf(request.fields, 'x-public'), ['2']);
    });

    it('fields of one connection, and those it nominates, end here on the way back', async () => {
      const { answer } = await exchange(
        [],
        [
          'Connection: X-Private',
          'X-Private: 1',
          'Keep-Alive: timeout=9, max=3',
          'Proxy-Connection: close',
          'X-Public: 2',
        ],
      );
      for (const name of ['x-private', 'proxy-connection']) assert.deepEqual(valuesOf(answer.fields, name), [], name);
      assert.doesNotMatch(valuesOf(answer.fields, 'connection').join(), /private/i);
      assert.doesNotMatch(valuesOf(answer.fields, 'keep-alive').join(), /max=3/);
      assert.deepEqual(valuesOf(answer.fields, 'x-public'), ['2']);
    });

    it('Host, Authorization and X-Forwarded-* cannot be nominated away', async () => {
      const { request } = await exchange([
        'Connection: Host, Authorization, X-Forwarded-For, Cookie',
        'Authorization: Bearer t',
        'Cookie: a=b',
      ]);
      assert.deepEqual(valuesOf(request.fields, 'host'), ['visited.example:8080']);
      assert.deepEqual(valuesOf(request.fields, 'authorization'), ['Bearer t']);
      assert.deepEqual(valuesOf(request.fields, 'cookie'), ['a=b']);
      assert.deepEqual(valuesOf(request.fields, 'x-forwarded-for'), ['127.0.0.1']);
    });

    it('Via names this deployment both ways, behind those it passed before', async () => {
      const plain = await exchange([]);
      assert.deepEqual(valuesOf(plain.request.fields, 'via'), [VIA]);
      assert.deepEqual(valuesOf(plain.answer.fields, 'via'), [VIA]);
      const { request, answer } = await exchange(['Via: 1.0 first, 1.1 second'], ['Via: 1.1 cache']);
      assert.deepEqual(valuesOf(request.fields, 'via'), [`1.0 first, 1.1 second, ${VIA}`]);
      assert.deepEqual(valuesOf(answer.fields, 'via'), [`1.1 cache, ${VIA}`]);
    });

    it("Forwarded and X-Forwarded-* say what we saw, not what a stranger's request claims", async () => {
      const { request } = await exchange([
        'Forwarded: for=10.9.8.7',
        'X-Forwarded-For: 10.9.8.7',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: bank.example',
        'X-Forwarded-Prefix: /admin',
        'X_Forwarded_For: 10.9.8.7',
      ]);
      const expected = {
        forwarded: 'for=127.0.0.1;host="visited.example:8080";proto=http',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'visited.example:8080',
        'x-forwarded-prefix': '/session/demo',
      };
      for (const [name, value] of Object.entries(expected)) {
        assert.deepEqual(valuesOf(request.fields, name), [value], name);
      }
      assert.deepEqual(valuesOf(request.fields, 'x_forwarded_for'), []);
    });

    it('X-Request-Id is kept on both ways when it is fit, and made when it is not', async () => {
      const kept = await exchange(['X-Request-Id: order-66.a:b_c'], ['X-Request-Id: made-by-the-backend']);
      assert.deepEqual(valuesOf(kept.request.fields, 'x-request-id'), ['order-66.a:b_c']);
      assert.deepEqual(valuesOf(kept.answer.fields, 'x-request-id'), ['order-66.a:b_c']);
      for (const unfit of [[], ['X-Request-Id: two words'], [`X-Request-Id: ${'x'.repeat(129)}`]]) {
        const made = await exchange(unfit);
        const [id = ''] = valuesOf(made.request.fields, 'x-request-id');
        assert.match(id, /^[A-Za-z0-9._:-]{1,128}$/);
        assert.deepEqual(valuesOf(made.answer.fields, 'x-request-id'), [id]);
      }
    });

    it('repeated fields keep their order, their casing and their bytes over 0x7F', async () => {
      const cookies = ['Set-Cookie: b=1; Path=/', 'SET-COOKIE: a=2', 'set-cookie: c=3, with a comma'];
      const { request, answer } = await exchange(
        ['X-Many: 1', 'x-MANY: 2', 'X-Latin: gr\xfc\xdfe'],
        [...cookies, 'X-Latin: gr\xfc\xdfe', 'WWW-Authenticate: Basic', 'WWW-Authenticate: Bearer'],
      );
      assert.deepEqual(named(request.fields, 'x-many'), ['X-Many: 1', 'x-MANY: 2']);
      assert.deepEqual(named(answer.fields, 'set-cookie'), cookies);
      assert.deepEqual(valuesOf(request.fields, 'x-latin'), ['gr\xfc\xdfe']);
      assert.deepEqual(valuesOf(answer.fields, 'x-latin'), ['gr\xfc\xdfe']);
      assert.deepEqual(valuesOf(answer.fields, 'www-authenticate'), ['Basic', 'Bearer']);
    });

    it('the reason, the Date and all of the content fields are those of the backend', async () => {
      const lines = [
        'Date: Mon, 01 Jan 2024 00:00:00 GMT',
        'ETag: W/"odd, but ""legal"',
        'Content-Encoding: br',
        'Accept-Ranges: bytes',
        'Server: old-and-proud/0.1',
      ];
      const { answer } = await exchange([], lines);
      assert.equal(answer.first, 'HTTP/1.1 200 Fine by me');
      for (const line of lines) assert.deepEqual(named(answer.fields, line.split(':')[0]!), [line]);
    });

    it('a Date is added where the backend sent none', async () => {
      const { answer } = await exchange([]);
      assert.equal(valuesOf(answer.fields, 'date').length, 1);
    });

    it("Server-Timing has seven hops that sum to the total, beside the backend's own", async () => {
      const { answer } = await exchange([], ['Server-Timing: db;dur=12.5, cache;desc="hit"']);
      const timings = valuesOf(answer.fields, 'server-timing');
      assert.equal(timings[0], 'db;dur=12.5, cache;desc="hit"');
      assert.equal(timings.length, 2);
      assertTimingAddsUp(answer.fields);
    });

    it('the target reaches the backend byte for byte', async () => {
      for (const rest of ['/', '/a%2Fb//c/../d;e=f', '/%C3%BC?q=%20+&r=a/b?c', '/~user/*', "/it's(1)!$&,:@=[]|"]) {
        const { request } = await exchange([], [], `/session/demo${rest}`);
        assert.equal(request.first, `GET ${rest} HTTP/1.1`);
      }
    });

    it('a request that passed here before is refused: 508', async () => {
      const visitor = await dial(tunnel.stack.url);
      visitor.send(`GET /session/demo/ HTTP/1.1\r\nHost: a\r\nVia: ${VIA}\r\n\r\n`);
      assert.match((await visitor.readHead()).first, /^HTTP\/1\.1 508 /);
      visitor.close();
    });
  });
}

function named(fields: readonly string[], name: string): string[] {
  return fields.flatMap((value, i) =>
    i % 2 === 1 && fields[i - 1]!.toLowerCase() === name.toLowerCase() ? [`${fields[i - 1]!}: ${value}`] : [],
  );
}
