/** Rows 20 to 24 where the visitor speaks HTTP/2: the same passes, over names in lower case. */
import assert from 'node:assert/strict';
import { answerOn } from '../harness/h2.ts';
import { assertTimingAddsUp } from '../harness/timing.ts';
import { valuesOf } from '../harness/wire.ts';
import { askHttp2, assertHttp2Refused, CLEARTEXT } from './http2-bench.ts';
import { conformance } from './rows.ts';

const LOOP = { status: 508, code: 'SP_LOOP', keeps: true };
const VIA = '1.1 sallyport-local';

conformance('Fields over HTTP/2', CLEARTEXT, (row) => {
  row(20, 'Over HTTP/2 Via names version 2 to the backend, and a loop is answered 508', async (bench, t) => {
    const { peer, id, far, head } = await askHttp2(bench, t, ['via', '2 before', 'via', '1.0 (a, b)']);
    assert.deepEqual(valuesOf(head.fields, 'via'), ['2 before, 1.0 (a, b), 2 sallyport-local']);
    far.send('HTTP/1.1 200 OK\r\nVia: 1.1 cache\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    assert.deepEqual(valuesOf((await answerOn(peer, id)).fields, 'via'), [`1.1 cache, ${VIA}`]);
    const entries = Array.from({ length: 6 }, (_, i) => `2 proxy-${i}`).join(', ');
    await assertHttp2Refused(bench, t, [
      [['via', '2 a, 2 sallyport-local'], LOOP],
      [['via', entries, 'via', entries], LOOP],
    ]);
  });

  row(21, 'Over HTTP/2 Forwarded and X-Forwarded-* say what was seen, not what a stranger claims', async (bench, t) => {
    const { peer, id, far, head } = await askHttp2(bench, t, [
      ':authority',
      'visited.example:8443',
      'forwarded',
      'for=10.9.8.7',
      'x-forwarded-for',
      '10.9.8.7',
      'x-forwarded-proto',
      'https',
      'x-real-ip',
      '10.9.8.7',
    ]);
    for (const [name, values] of [
      ['host', ['visited.example:8443']],
      ['forwarded', ['for=127.0.0.1;host="visited.example:8443";proto=http']],
      ['x-forwarded-for', ['127.0.0.1']],
      ['x-forwarded-proto', ['http']],
      ['x-forwarded-host', ['visited.example:8443']],
      ['x-forwarded-prefix', ['/session/demo']],
      ['x-real-ip', []],
    ] as const) {
      assert.deepEqual(valuesOf(head.fields, name), values, name);
    }
    far.send('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
    assert.equal((await answerOn(peer, id)).status, '204');
  });

  row(
    22,
    'Over HTTP/2 no other spelling of a field of framing, way or identity passes, and the request id does',
    async (bench, t) => {
      const { peer, id, far, head } = await askHttp2(bench, t, [
        'content_length',
        '99',
        'transfer_encoding',
        'chunked',
        'x_forwarded_for',
        '10.9.8.7',
        'client-cert',
        ':Zm9yZ2Vk:',
        'client_cert',
        ':Zm9yZ2Vk:',
        'my_field',
        '1',
        'x-request-id',
        'order-66',
      ]);
      for (const name of ['content_length', 'transfer_encoding', 'x_forwarded_for', 'client-cert', 'client_cert']) {
        assert.deepEqual(valuesOf(head.fields, name), [], name);
      }
      assert.deepEqual(valuesOf(head.fields, 'my_field'), ['1']);
      assert.deepEqual(valuesOf(head.fields, 'x-request-id'), ['order-66']);
      far.send('HTTP/1.1 204 No Content\r\nX-Request-Id: other\r\nConnection: close\r\n\r\n');
      assert.deepEqual(valuesOf((await answerOn(peer, id)).fields, 'x-request-id'), ['order-66']);
    },
  );

  row(
    24,
    "Over HTTP/2 ETag, Range and Content-Encoding pass, Date is added once, and Server-Timing stands behind the backend's own",
    async (bench, t) => {
      const { peer, id, far, head } = await askHttp2(bench, t, ['range', 'bytes=0-3', 'if-none-match', '"a"']);
      assert.deepEqual(valuesOf(head.fields, 'range'), ['bytes=0-3']);
      assert.deepEqual(valuesOf(head.fields, 'if-none-match'), ['"a"']);
      const lines = ['ETag: W/"x"', 'Content-Encoding: br', 'Server-Timing: db;dur=12.5', 'Content-Length: 0'];
      far.send(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
      const { fields } = await answerOn(peer, id);
      assert.deepEqual(valuesOf(fields, 'etag'), ['W/"x"']);
      assert.deepEqual(valuesOf(fields, 'content-encoding'), ['br']);
      assert.equal(valuesOf(fields, 'date').length, 1);
      assert.equal(valuesOf(fields, 'server-timing')[0], 'db;dur=12.5');
      assertTimingAddsUp(fields);
    },
  );
});
