/** Rows 18 to 25: what a head looks like at the other end: what must pass, what ends at this hop, and what is added. */
import assert from 'node:assert/strict';
import { assertTimingAddsUp } from '../harness/timing.ts';
import { valuesOf } from '../harness/wire.ts';
import { ask, HEAD, POST } from './far-end.ts';
import { exchange, HOST, linesOf, loggedLine } from './heads.ts';
import { assertRefused } from './refused.ts';
import { conformance } from './rows.ts';

const VIA = '1.1 sallyport-local';
const LOOP = { status: 508, code: 'SP_LOOP', keeps: true } as const;
const GET = 'GET /session/demo/x HTTP/1.1\r\nHost: visited.example\r\n';
const LOGGED = 'log.accessLog=true';
/** Where a connection is used again it is not closed for being idle, however late the next request comes. */
const KEPT = 'client.backendIdleTimeoutMs=60000';

conformance('Fields', [LOGGED, 'log.level=info', KEPT], (row) => {
  row(
    18,
    'ends Connection, what it nominates, Keep-Alive, Proxy-Connection, Transfer-Encoding and Upgrade on the way to the backend',
    async (bench) => {
      const { request } = await exchange(bench, {
        request: [
          'Connection: X-Private, close',
          'X-Private: 1',
          'Connection: x-secret',
          'X-SECRET: 2',
          'Keep-Alive: timeout=9',
          'Proxy-Connection: close',
          'Upgrade: h2c',
          'X-Public: 2',
        ],
      });
      for (const name of ['connection', 'x-private', 'x-secret', 'keep-alive', 'proxy-connection', 'upgrade']) {
        assert.deepEqual(valuesOf(request.fields, name), [], name);
      }
      assert.deepEqual(valuesOf(request.fields, 'x-public'), ['2']);
    },
  );

  row(18, 'ends the same fields on the way back, and says of its own connection what is so', async (bench) => {
    const { answer } = await exchange(bench, {
      answer: [
        'Connection: X-Private',
        'X-Private: 1',
        'Keep-Alive: timeout=9, max=3',
        'Proxy-Connection: close',
        'TE: gzip',
        'Upgrade: h2c',
        'X-Public: 2',
      ],
    });
    for (const name of ['x-private', 'proxy-connection', 'te', 'upgrade']) {
      assert.deepEqual(valuesOf(answer.fields, name), [], name);
    }
    assert.deepEqual(valuesOf(answer.fields, 'connection'), ['keep-alive']);
    assert.doesNotMatch(valuesOf(answer.fields, 'keep-alive').join(), /max=3/);
    assert.deepEqual(valuesOf(answer.fields, 'x-public'), ['2']);
  });

  row(
    18,
    'passes on that trailers are welcome, nominated by the visitor or not, and nothing else of TE',
    async (bench) => {
      for (const lines of [
        ['TE: trailers'],
        ['Connection: TE', 'TE: trailers'],
        ['TE: gzip;q=0.5, Trailers', 'te: trailers', 'Connection: close, te'],
      ]) {
        const { request } = await exchange(bench, { request: lines });
        assert.deepEqual(linesOf(request, 'te'), ['TE: trailers'], lines.join());
        assert.deepEqual(valuesOf(request.fields, 'connection'), ['TE']);
      }
      const { request } = await exchange(bench, { request: ['Connection: TE', 'TE: gzip'] });
      assert.deepEqual(linesOf(request, 'te'), []);
    },
  );

  row(
    19,
    'erases neither Host, Authorization, Cookie, Via, Forwarded, X-Forwarded-* nor X-Request-Id because Connection nominates it',
    async (bench) => {
      const { request } = await exchange(bench, {
        request: [
          'Connection: Host, Authorization, Cookie, Via, Forwarded, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host',
          'Connection: x-request-id, client-cert, x-forwarded-prefix',
          'Authorization: Bearer t',
          'Cookie: a=b',
          'Via: 1.0 before',
          'X-Request-Id: order-66',
        ],
      });
      for (const [name, value] of [
        ['host', HOST],
        ['authorization', 'Bearer t'],
        ['cookie', 'a=b'],
        ['via', `1.0 before, ${VIA}`],
        ['forwarded', `for=127.0.0.1;host="${HOST}";proto=http`],
        ['x-forwarded-for', '127.0.0.1'],
        ['x-forwarded-proto', 'http'],
        ['x-forwarded-host', HOST],
        ['x-forwarded-prefix', '/session/demo'],
        ['x-request-id', 'order-66'],
      ] as const) {
        assert.deepEqual(valuesOf(request.fields, name), [value], name);
      }
    },
  );

  row(19, 'keeps the length and the form of a body that Connection nominates', async (bench) => {
    const lines = [
      'Connection: Content-Length, Content-Type, Content-Encoding',
      'Content-Type: a/b',
      'Content-Encoding: br',
    ];
    const { visitor, far, head } = await ask(bench, `${POST}${lines.join('\r\n')}\r\nContent-Length: 4\r\n\r\nbody`);
    assert.deepEqual(valuesOf(head.fields, 'content-length'), ['4']);
    assert.deepEqual(valuesOf(head.fields, 'transfer-encoding'), []);
    assert.deepEqual(valuesOf(head.fields, 'content-type'), ['a/b']);
    assert.deepEqual(valuesOf(head.fields, 'content-encoding'), ['br']);
    assert.equal((await far.read(4)).toString(), 'body');
    far.send(
      'HTTP/1.1 200 OK\r\nConnection: Set-Cookie, Content-Length\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok',
    );
    const answer = await visitor.readHead();
    assert.deepEqual(valuesOf(answer.fields, 'set-cookie'), ['a=b']);
    assert.deepEqual(valuesOf(answer.fields, 'content-length'), ['2']);
    assert.equal((await visitor.read(2)).toString(), 'ok');
    far.close();
  });

  row(
    20,
    'names this deployment in Via both ways, with the version that was received, behind those before it',
    async (bench) => {
      const plain = await exchange(bench, {});
      assert.deepEqual(valuesOf(plain.request.fields, 'via'), [VIA]);
      assert.deepEqual(valuesOf(plain.answer.fields, 'via'), [VIA]);
      const old = await exchange(bench, { version: '1.0' });
      assert.deepEqual(valuesOf(old.request.fields, 'via'), ['1.0 sallyport-local']);
      const { request, answer } = await exchange(bench, {
        request: ['Via: 1.0 first, 1.1 second (a, b)', 'vIA: 2 third'],
        answer: ['Via: 1.1 cache'],
      });
      assert.deepEqual(valuesOf(request.fields, 'via'), [`1.0 first, 1.1 second (a, b), 2 third, ${VIA}`]);
      assert.deepEqual(valuesOf(answer.fields, 'via'), [`1.1 cache, ${VIA}`]);
    },
  );

  row(
    20,
    'answers 508 to a request whose Via has its own name, or more than ten entries, in one line or several',
    async (bench) => {
      await assertRefused(bench, [
        [`${GET}Via: ${VIA}\r\n\r\n`, LOOP],
        [`${GET}Via: 1.0 a, 1.1  sallyport-local (b), 1.1 c\r\n\r\n`, LOOP],
        [`${GET}Via: 1.1 a\r\nX: 1\r\nvia: HTTP/1.0 sallyport-local\r\n\r\n`, LOOP],
        [`${GET}Connection: via\r\nVia: ${VIA}\r\n\r\n`, LOOP],
        [`${GET}Via: ${entries(11)}\r\n\r\n`, LOOP],
        [`${GET}Via: ${entries(6)}\r\nVia: ${entries(5)}\r\n\r\n`, LOOP],
      ]);
      const { request } = await exchange(bench, { request: [`Via: ${entries(9)}`, 'Via: 1.1 sallyport-local-2'] });
      assert.match(valuesOf(request.fields, 'via').join(), /sallyport-local-2, 1\.1 sallyport-local$/);
    },
  );

  row(
    21,
    "replaces what a stranger's request claims in Forwarded, X-Forwarded-* and X-Real-IP by what it saw",
    async (bench) => {
      const { request } = await exchange(bench, {
        request: [
          'Forwarded: for=10.9.8.7;proto=https',
          'X-Forwarded-For: 10.9.8.7',
          'X-Forwarded-For: 10.9.8.6',
          'X-Forwarded-Proto: https',
          'X-Forwarded-Host: bank.example',
          'X-Forwarded-Prefix: /admin',
          'X-Forwarded-Port: 443',
          'X-Forwarded-User: root',
          'X-Real-IP: 10.9.8.7',
          'X-Request-Id: by-a-stranger',
        ],
      });
      for (const [name, values] of [
        ['forwarded', [`for=127.0.0.1;host="${HOST}";proto=http`]],
        ['x-forwarded-for', ['127.0.0.1']],
        ['x-forwarded-proto', ['http']],
        ['x-forwarded-host', [HOST]],
        ['x-forwarded-prefix', ['/session/demo']],
        ['x-forwarded-port', []],
        ['x-forwarded-user', []],
        ['x-real-ip', []],
      ] as const) {
        assert.deepEqual(valuesOf(request.fields, name), values, name);
      }
      assert.equal((await loggedLine(bench.stack, 'by-a-stranger'))['remote'], '127.0.0.1');
    },
  );

  row(
    22,
    'drops every field whose name a backend might read as one of framing, way, identity or ours, and no other',
    async (bench) => {
      const dropped = [
        'Content_Length: 99',
        'Transfer_Encoding: chunked',
        'Keep_Alive: timeout=9',
        'X_Forwarded_For: 10.9.8.7',
        'x-forwarded_host: bank.example',
        'X.Forwarded.Proto: https',
        'X_FORWARDED_ANYTHING: 1',
        'X_Real_IP: 10.9.8.7',
        'X_Request_Id: forged',
        'Client_Cert: :Zm9yZ2Vk:',
        'client-cert_chain: :Zm9yZ2Vk:',
      ];
      const kept = ['my_field: 1', 'Content_Type: a/b', 'x_forward: 2', '_: 3'];
      const { request } = await exchange(bench, { request: [...dropped, ...kept] });
      for (const line of dropped) assert.deepEqual(linesOf(request, line.split(':')[0]!), [], line);
      for (const line of kept) assert.deepEqual(linesOf(request, line.split(':')[0]!), [line]);
      assert.notDeepEqual(valuesOf(request.fields, 'x-request-id'), ['forged']);
    },
  );

  row(22, 'drops Client-Cert, Client-Cert-Chain and Proxy-Authorization as the visitor wrote them', async (bench) => {
    const lines = ['Client-Cert: :Zm9yZ2Vk:', 'CLIENT-CERT-CHAIN: :Zm9yZ2Vk:', 'Proxy-Authorization: Basic eA=='];
    const { request } = await exchange(bench, { request: [...lines, 'Authorization: Basic eA=='] });
    for (const name of ['client-cert', 'client-cert-chain', 'proxy-authorization']) {
      assert.deepEqual(valuesOf(request.fields, name), [], name);
    }
    assert.deepEqual(valuesOf(request.fields, 'authorization'), ['Basic eA==']);
  });

  row(22, 'keeps X-Request-Id both ways where it is fit, and makes one where it is not', async (bench) => {
    const kept = await exchange(bench, {
      request: ['X-Request-Id: order-66.a:b_c'],
      answer: ['X-Request-Id: made-by-the-backend'],
    });
    assert.deepEqual(valuesOf(kept.request.fields, 'x-request-id'), ['order-66.a:b_c']);
    assert.deepEqual(valuesOf(kept.answer.fields, 'x-request-id'), ['order-66.a:b_c']);
    for (const unfit of [[], ['X-Request-Id: two words'], [`X-Request-Id: ${'x'.repeat(129)}`]]) {
      const made = await exchange(bench, { request: unfit });
      const [id = ''] = valuesOf(made.request.fields, 'x-request-id');
      assert.match(id, /^[A-Za-z0-9._:-]{1,128}$/);
      assert.deepEqual(valuesOf(made.answer.fields, 'x-request-id'), [id]);
    }
  });

  row(
    23,
    'never merges Set-Cookie, and keeps repeated fields in their order, casing and bytes over 0x7F',
    async (bench) => {
      const cookies = ['Set-Cookie: b=1; Path=/', 'SET-COOKIE: a=2', 'set-cookie: c=3, with a comma'];
      const asked = [
        'X-Many: 1',
        'Accept: a/b',
        'x-MANY: 2',
        'X-Latin: gr\xfc\xdfe',
        'accept: c/d',
        'Cookie: a=1',
        'cookie: b=2',
      ];
      const { request, answer } = await exchange(bench, {
        request: asked,
        answer: [...cookies, 'X-Latin: gr\xfc\xdfe', 'WWW-Authenticate: Basic', 'wWW-Authenticate: Bearer'],
      });
      assert.deepEqual(linesOf(request, 'x-many'), ['X-Many: 1', 'x-MANY: 2']);
      const order = request.fields.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
      assert.deepEqual(
        order.slice(1, 8),
        asked.map((line) => line.split(':')[0]!.toLowerCase()),
      );
      assert.deepEqual(linesOf(request, 'cookie'), ['Cookie: a=1', 'cookie: b=2']);
      assert.deepEqual(linesOf(request, 'x-latin'), ['X-Latin: gr\xfc\xdfe']);
      assert.deepEqual(linesOf(answer, 'set-cookie'), cookies);
      assert.deepEqual(linesOf(answer, 'x-latin'), ['X-Latin: gr\xfc\xdfe']);
      assert.deepEqual(linesOf(answer, 'www-authenticate'), ['WWW-Authenticate: Basic', 'wWW-Authenticate: Bearer']);
    },
  );

  row(24, 'leaves reason, ETag, Range, Content-Encoding and Date as they are', async (bench) => {
    const asked = ['Range: bytes=0-3, 5-', 'If-None-Match: W/"odd, but ""legal"', 'Accept-Encoding: br;q=1.0, *;q=0'];
    const answered = [
      'Date: Mon, 01 Jan 2024 00:00:00 GMT',
      'ETag: W/"odd, but ""legal"',
      'Content-Encoding: br',
      'Content-Range: bytes 0-3/*',
      'Accept-Ranges: bytes',
      'Server: old-and-proud/0.1',
    ];
    const { request, answer } = await exchange(bench, {
      request: asked,
      answer: answered,
      status: 'HTTP/1.1 206 Fine by me',
    });
    assert.equal(answer.first, 'HTTP/1.1 206 Fine by me');
    for (const line of asked) assert.deepEqual(linesOf(request, line.split(':')[0]!), [line]);
    for (const line of answered) assert.deepEqual(linesOf(answer, line.split(':')[0]!), [line]);
  });

  row(24, 'adds a Date where the backend sent none', async (bench) => {
    const { answer } = await exchange(bench, {});
    const [date = '', ...more] = valuesOf(answer.fields, 'date');
    assert.deepEqual(more, []);
    assert.match(date, /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/);
  });

  row(24, "puts its Server-Timing, seven hops that sum to the total, behind the backend's own", async (bench) => {
    const { answer } = await exchange(bench, { answer: ['Server-Timing: db;dur=12.5, cache;desc="hit"'] });
    const timings = valuesOf(answer.fields, 'server-timing');
    assert.equal(timings[0], 'db;dur=12.5, cache;desc="hit"');
    assert.equal(timings.length, 2);
    assertTimingAddsUp(answer.fields);
  });

  row(25, 'sends no body behind HEAD and 304, but keeps their Content-Length', async (bench) => {
    for (const [request, status] of [
      [HEAD, '200 OK'],
      [`${GET}If-None-Match: "a"\r\n\r\n`, '304 Not Modified'],
    ] as const) {
      const { visitor, far } = await ask(bench, `${request}${GET}\r\n`);
      far.send(`HTTP/1.1 ${status}\r\nContent-Length: 1234\r\nETag: "a"\r\n\r\n`);
      const { fields } = await visitor.readHead();
      assert.deepEqual(valuesOf(fields, 'content-length'), ['1234']);
      assert.deepEqual(valuesOf(fields, 'transfer-encoding'), []);
      // What follows is the next answer, not a body.
      await far.readHead();
      far.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnext');
      assert.equal((await visitor.readHead()).first, 'HTTP/1.1 200 OK');
      assert.equal((await visitor.read(4)).toString(), 'next');
      visitor.close();
      far.close();
    }
  });

  row(25, 'sends neither body nor Content-Length with a 204, nor a Content-Length with a 1xx', async (bench) => {
    const { visitor, far } = await ask(bench, `${GET}\r\n${GET}\r\n`);
    far.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 7\r\nVia: 1.1 cache\r\n\r\n');
    const hints = await visitor.readHead();
    assert.deepEqual([hints.first, hints.fields], ['HTTP/1.1 103 Early Hints', ['Link', '</a>', 'Via', '1.1 cache']]);
    far.send('HTTP/1.1 204 No Content\r\nContent-Length: 7\r\nETag: "a"\r\nConnection: close\r\n\r\n');
    const none = await visitor.readHead();
    assert.equal(none.first, 'HTTP/1.1 204 No Content');
    for (const name of ['content-length', 'transfer-encoding']) assert.deepEqual(valuesOf(none.fields, name), [], name);
    assert.deepEqual(valuesOf(none.fields, 'etag'), ['"a"']);
    far.finish();
    const again = await bench.backend.accept();
    await again.readHead();
    again.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnext');
    assert.equal((await visitor.readHead()).first, 'HTTP/1.1 200 OK');
    assert.equal((await visitor.read(4)).toString(), 'next');
    far.close();
    again.close();
  });
});

conformance(
  'Fields from a trusted proxy',
  [LOGGED, 'log.level=info', 'entry.trustedProxies=127.0.0.0/8,10.0.0.0/8,2001:db8::/32'],
  (row) => {
    row(21, "continues the fields of a trusted proxy, which begin with the visitor's address", async (bench) => {
      const { request } = await exchange(bench, {
        request: [
          'X-Forwarded-For: 6.6.6.6, 192.0.2.9, 10.1.1.1',
          'x-forwarded-for: 2001:db8::7',
          'X-Forwarded-Proto: https',
          'X-Forwarded-Host: shop.example:8443',
          'X-Forwarded-Prefix: /shop',
          'X-Forwarded-Port: 8443',
          'X-Request-Id: over-two-proxies',
        ],
      });
      const own = `for=127.0.0.1;host="${HOST}";proto=http`;
      for (const [name, value] of [
        ['forwarded', `for=192.0.2.9;host="shop.example:8443";proto=https, for=10.1.1.1, for="[2001:db8::7]", ${own}`],
        ['x-forwarded-for', '192.0.2.9, 10.1.1.1, 2001:db8::7, 127.0.0.1'],
        ['x-forwarded-proto', 'https'],
        ['x-forwarded-host', 'shop.example:8443'],
        ['x-forwarded-prefix', '/shop, /session/demo'],
        ['x-forwarded-port', '8443'],
        ['host', HOST],
      ] as const) {
        assert.deepEqual(valuesOf(request.fields, name), [value], name);
      }
      assert.equal((await loggedLine(bench.stack, 'over-two-proxies'))['remote'], '192.0.2.9');
    });

    row(21, 'finds the visitor in Forwarded as well, and quotes an IPv6 address there', async (bench) => {
      const { request } = await exchange(bench, {
        request: [
          'Forwarded: for=6.6.6.6, for="[2001:db9::1]:4711";proto=https;host="shop.example:8443", for=10.1.1.1',
          'X-Request-Id: by-forwarded',
        ],
      });
      const own = `for=127.0.0.1;host="${HOST}";proto=http`;
      const visitor = 'for="[2001:db9::1]:4711";proto=https;host="shop.example:8443"';
      assert.deepEqual(valuesOf(request.fields, 'forwarded'), [`${visitor}, for=10.1.1.1, ${own}`]);
      assert.deepEqual(valuesOf(request.fields, 'x-forwarded-for'), ['2001:db9::1, 10.1.1.1, 127.0.0.1']);
      assert.deepEqual(valuesOf(request.fields, 'x-forwarded-proto'), ['https']);
      assert.deepEqual(valuesOf(request.fields, 'x-forwarded-host'), ['shop.example:8443']);
      assert.equal((await loggedLine(bench.stack, 'by-forwarded'))['remote'], '2001:db9::1');
    });

    row(21, 'believes neither Forwarded nor X-Forwarded-For where they name different visitors', async (bench) => {
      const { request } = await exchange(bench, {
        request: [
          'X-Forwarded-For: 192.0.2.9',
          'Forwarded: for=6.6.6.6',
          'X-Forwarded-Proto: https',
          'X-Request-Id: two-visitors',
        ],
      });
      assert.deepEqual(valuesOf(request.fields, 'x-forwarded-for'), ['127.0.0.1']);
      assert.deepEqual(valuesOf(request.fields, 'forwarded'), [`for=127.0.0.1;host="${HOST}";proto=http`]);
      assert.deepEqual(valuesOf(request.fields, 'x-forwarded-proto'), ['http']);
      assert.equal((await loggedLine(bench.stack, 'two-visitors'))['remote'], '127.0.0.1');
    });

    row(
      21,
      'believes of scheme and host only what Forwarded and X-Forwarded-* both say, where a proxy or the visitor sends both',
      async (bench) => {
        for (const lines of [
          ['X-Forwarded-For: 192.0.2.9', 'X-Forwarded-Proto: http', 'Forwarded: for=192.0.2.9;host=evil;proto=https'],
          ['Forwarded: for=192.0.2.9;host=good;proto=http', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil'],
        ]) {
          const { request } = await exchange(bench, { request: lines });
          const own = `for=127.0.0.1;host="${HOST}";proto=http`;
          assert.deepEqual(valuesOf(request.fields, 'forwarded'), [`for=192.0.2.9, ${own}`]);
          assert.deepEqual(valuesOf(request.fields, 'x-forwarded-for'), ['192.0.2.9, 127.0.0.1']);
          assert.deepEqual(valuesOf(request.fields, 'x-forwarded-proto'), ['http']);
          assert.deepEqual(valuesOf(request.fields, 'x-forwarded-host'), [HOST]);
        }
      },
    );

    row(
      21,
      'takes the last of several X-Forwarded-Proto or -Host: what stands before it may be of the visitor',
      async (bench) => {
        const { request } = await exchange(bench, {
          request: [
            'X-Forwarded-For: 192.0.2.9, 10.1.1.1',
            'X-Forwarded-Proto: https, http',
            'X-Forwarded-Host: evil.example',
            'X-Forwarded-Host: good.example',
          ],
        });
        assert.deepEqual(valuesOf(request.fields, 'x-forwarded-proto'), ['http']);
        assert.deepEqual(valuesOf(request.fields, 'x-forwarded-host'), ['good.example']);
      },
    );

    row(
      22,
      'takes a certificate, and another spelling, from a trusted proxy no more than from anybody',
      async (bench) => {
        const { request } = await exchange(bench, {
          request: ['Client-Cert: :Zm9yZ2Vk:', 'X_Forwarded_For: 6.6.6.6', 'X-Forwarded-For: 192.0.2.9'],
        });
        assert.deepEqual(valuesOf(request.fields, 'client-cert'), []);
        assert.deepEqual(valuesOf(request.fields, 'x_forwarded_for'), []);
        assert.deepEqual(valuesOf(request.fields, 'x-forwarded-for'), ['192.0.2.9, 127.0.0.1']);
      },
    );
  },
);

/** The value of a Via with so many entries. */
function entries(count: number): string {
  return Array.from({ length: count }, (_, i) => `1.1 proxy-${i}`).join(', ');
}
