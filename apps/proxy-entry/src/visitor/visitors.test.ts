import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listenVisitors } from '../testing/visitors.ts';

/** Of a whole group of tests. Nothing here waits for it; it is for what never comes. */
const CEILING_MS = 120_000;
const GET = 'GET /a?b HTTP/1.1\r\nHost: a\r\nX-Many: 1\r\nx-MANY: \xfc\r\n\r\n';
const HEAD_END = '\r\n\r\n';

describe('visitors', () => {
  describe('a request of a visitor', { timeout: CEILING_MS }, () => {
    it('arrives as it was sent: method, target, fields in their spelling', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      (await visit()).say(GET);
      const { request } = (await arrival()).exchange;
      assert.deepEqual(
        [
          request.method,
          request.target,
          request.fields,
          request.hasBody,
          request.isUpgrade,
          request.peer.remoteAddress,
        ],
        ['GET', '/a?b', ['Host', 'a', 'X-Many', '1', 'x-MANY', '\xfc'], false, false, '127.0.0.1'],
      );
    });

    it('has its body and trailers passed on', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
      const arrived = await arrival();
      assert.ok(arrived.exchange.request.hasBody);
      arrived.exchange.startBody();
      visitor.say('4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n');
      assert.equal(await arrived.hear(), 'body');
      assert.deepEqual(arrived.trailers, ['X-Sum', '1']);
    });

    it('whose visitor leaves is finished, not complete', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say(GET);
      const arrived = await arrival();
      visitor.socket.destroy();
      assert.equal(await arrived.finished, false);
    });
  });

  describe('an answer to a visitor', { timeout: CEILING_MS }, () => {
    it('has the fields it was given, in their spelling, and chunks where there is no length', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say(GET);
      const { exchange, finished } = await arrival();
      exchange.head(200, 'Fine by me', ['X-Many', '1', 'x-MANY', '\xfc', 'Date', 'then'], false);
      exchange.write(Buffer.from('body'));
      exchange.end(['X-Sum', '1']);
      assert.match(
        await visitor.hear(HEAD_END),
        /^HTTP\/1.1 200 Fine by me\r\nX-Many: 1\r\nx-MANY: \xfc\r\nDate: then\r\n/,
      );
      assert.equal(await visitor.hear('1\r\n\r\n'), '4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n');
      assert.equal(await finished, true);
    });

    it('is followed by the next on the same connection, and not after one that closes it', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      for (const closes of [false, true]) {
        visitor.say(GET);
        const { exchange } = await arrival();
        exchange.head(200, 'OK', ['Content-Length', '2'], closes);
        exchange.write(Buffer.from('ok'));
        exchange.end([]);
        assert.match(await visitor.hear('ok'), closes ? /\r\nConnection: close\r\n/ : /\r\nConnection: keep-alive\r\n/);
      }
      assert.deepEqual(await visitor.hearAll(), { text: '', end: 'end' });
    });

    it('that is cut has no last chunk', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say(GET);
      const { exchange, finished } = await arrival();
      exchange.head(200, 'OK', [], false);
      exchange.write(Buffer.from('half'));
      await visitor.hear(HEAD_END);
      await visitor.hear('half');
      exchange.cut();
      assert.doesNotMatch((await visitor.hearAll()).text, /0\r\n/);
      assert.equal(await finished, false);
    });

    it('that is cut is a reset to HTTP/1.0, where an end would be the end of the body', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say('GET / HTTP/1.0\r\n\r\n');
      const { exchange } = await arrival();
      exchange.head(200, 'OK', [], false);
      exchange.write(Buffer.from('half'));
      await visitor.hear('half');
      exchange.cut();
      assert.equal((await visitor.hearAll()).end, 'reset');
    });

    it('may announce trailers that cannot follow: the announcement is left out, the answer is not', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      for (const [request, fields] of [
        [GET, ['Trailer', 'X-Sum', 'Content-Length', '0', 'Last', '1']],
        ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', ['trailer', 'X-Sum', 'Last', '1']],
        ['GET / HTTP/1.0\r\n\r\n', ['Trailer', 'X-Sum', 'TRAILER', 'X-Other', 'Last', '1']],
      ] as const) {
        const visitor = await visit();
        visitor.say(request);
        const { exchange } = await arrival();
        exchange.head(200, 'OK', fields, false);
        exchange.end(['X-Sum', '1']);
        const head = await visitor.hear(HEAD_END);
        assert.match(head, /^HTTP\/1.1 200 OK\r\n/);
        assert.match(head, /\r\nLast: 1\r\n/);
        assert.doesNotMatch(head, /trailer/i);
      }
    });

    it('keeps the announcement of trailers that do follow', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say(GET);
      const { exchange } = await arrival();
      exchange.head(200, 'OK', ['Trailer', 'X-Sum'], false);
      exchange.end(['X-Sum', '1']);
      assert.match(await visitor.hear(HEAD_END), /\r\nTrailer: X-Sum\r\n/);
      assert.match(await visitor.hear(HEAD_END), /X-Sum: 1/);
    });

    it('that Node would not write at all is a cut, and no more than that', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say(GET);
      const { exchange, finished } = await arrival();
      exchange.head(200, 'OK', ['No token', '1'], false);
      exchange.end([]);
      assert.deepEqual((await visitor.hearAll()).text, '');
      assert.equal(await finished, false);
    });
  });

  describe('informational heads', { timeout: CEILING_MS }, () => {
    it('pass as they are, each of them, before the answer', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say(GET);
      const { exchange } = await arrival();
      exchange.informational(103, 'Early Hints', ['LINK', 'not what Node takes for a link', 'Link', '</b>; rel=x']);
      exchange.informational(103, 'Again', []);
      exchange.informational(102, 'Processing', ['X', '\xfc']);
      exchange.head(204, 'No Content', [], false);
      exchange.end([]);
      const expected =
        'HTTP/1.1 103 Early Hints\r\nLINK: not what Node takes for a link\r\nLink: </b>; rel=x\r\n\r\n' +
        'HTTP/1.1 103 Again\r\n\r\n' +
        'HTTP/1.1 102 Processing\r\nX: \xfc\r\n\r\n' +
        'HTTP/1.1 204 No Content\r\n';
      assert.equal(await visitor.hear('HTTP/1.1 204 No Content\r\n'), expected);
    });

    it('do not pass to HTTP/1.0, nor behind the head', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const old = await visit();
      old.say('GET / HTTP/1.0\r\n\r\n');
      const first = (await arrival()).exchange;
      first.informational(103, 'Early Hints', []);
      first.head(200, 'OK', [], false);
      first.end([]);
      assert.match(await old.hear(HEAD_END), /^HTTP\/1.1 200 OK\r\n/);
      const visitor = await visit();
      visitor.say(GET);
      const { exchange } = await arrival();
      exchange.head(200, 'OK', ['Content-Length', '2'], true);
      exchange.informational(103, 'Early Hints', []);
      exchange.write(Buffer.from('ok'));
      exchange.end([]);
      const { text } = await visitor.hearAll();
      assert.match(text, /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nok$/);
      assert.doesNotMatch(text, /103/);
    });
  });

  describe('a request that asks for an upgrade', { timeout: CEILING_MS }, () => {
    const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';

    it('becomes raw bytes both ways after a 101, from the first on, with half-closes', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say(`${UPGRADE}early`);
      const arrived = await arrival();
      assert.ok(arrived.exchange.request.isUpgrade);
      arrived.exchange.head(101, 'Switching', ['Upgrade', 'chat'], false);
      arrived.exchange.startBody();
      assert.equal(
        await visitor.hear(HEAD_END),
        'HTTP/1.1 101 Switching\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n',
      );
      assert.equal(await arrived.hear('early'), 'early');
      visitor.socket.end(' and late');
      assert.equal(await arrived.hear(), 'early and late');
      arrived.exchange.write(Buffer.from('answer'));
      arrived.exchange.end([]);
      assert.deepEqual(await visitor.hearAll(), { text: 'answer', end: 'end' });
      assert.equal(await arrived.finished, true);
    });

    it('is cut by a reset behind a 101: an end would look like the end of what is said', async (t) => {
      for (const isHalfClosed of [false, true]) {
        const { visit, arrival } = await listenVisitors(t);
        const visitor = await visit();
        visitor.say(UPGRADE);
        const { exchange, finished } = await arrival();
        exchange.head(101, 'Switching', ['Upgrade', 'chat'], false);
        exchange.startBody();
        exchange.write(Buffer.from('half'));
        await visitor.hear('half');
        if (isHalfClosed) exchange.end([]);
        exchange.cut();
        // Where all was said, and ended, a reset would only take what is still on its way.
        assert.deepEqual(await visitor.hearAll(), { text: '', end: isHalfClosed ? 'end' : 'reset' });
        assert.equal(await finished, isHalfClosed);
      }
    });

    it('has any other answer whole, and the connection ends behind it', async (t) => {
      const { visit, arrival } = await listenVisitors(t);
      const visitor = await visit();
      visitor.say(UPGRADE);
      const { exchange, finished } = await arrival();
      exchange.head(426, 'No', ['Trailer', 'x', 'Content-Length', '4'], false);
      exchange.write(Buffer.from('body'));
      exchange.end([]);
      const { text, end } = await visitor.hearAll();
      assert.match(text, /^HTTP\/1.1 426 No\r\nContent-Length: 4\r\n[^]*\r\n\r\nbody$/);
      assert.deepEqual([end, await finished], ['end', true]);
    });
  });
});
