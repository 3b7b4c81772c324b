import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode } from '@sallyport/protocol';
import fc from 'fast-check';
import { check } from '../../../packages/protocol/src/testing/check.ts';
import { ExchangeBench } from './testing/exchange-bench.ts';
import type { Asked } from './testing/exchange-bench.ts';
import type { FakeCall } from './testing/fake-backend.ts';

const W0 = 16_384;

interface Running {
  readonly bench: ExchangeBench;
  readonly asked: Asked;
  readonly call: FakeCall;
}

/** A request that is at the backend. */
function running(strings: string[] = ['GET', '/'], last = true, upgrade = false): Running {
  const bench = new ExchangeBench();
  const asked = bench.ask({ strings, upgrade }, last);
  return { bench, asked, call: bench.backend.call };
}

describe('a request', () => {
  it('goes to the backend as it came: method, target, fields in their order', () => {
    const { call } = running(['POST', '/a?b', 'Host', 'visited.example', 'X-Many', '1', 'x-many', '\xfc'], false);
    assert.deepEqual(call.request, {
      method: 'POST',
      target: '/a?b',
      fields: ['Host', 'visited.example', 'X-Many', '1', 'x-many', '\xfc'],
      hasBody: true,
      isRetry: false,
    });
  });

  it('that failed once already is told to the backend’s side as a second try', () => {
    const bench = new ExchangeBench();
    bench.ask({ strings: ['GET', '/'], attempt: 2 });
    assert.equal(bench.backend.call.request.isRetry, true);
  });

  it('has its trailers passed on with its end, early ones too, without those that no trailer may be', () => {
    for (const isBusy of [false, true]) {
      const bench = new ExchangeBench();
      bench.isBusy = isBusy;
      const asked = bench.ask({ strings: ['POST', '/'] }, false);
      asked.end('X-Sum', '1', 'Content-Length', '5', 'x-sum', '2');
      bench.giveSlots();
      assert.deepEqual([bench.backend.call.isEnded, bench.backend.call.trailers], [true, ['X-Sum', '1', 'x-sum', '2']]);
    }
  });

  it('goes without fields of one connection, whatever the relay let through', () => {
    const fields = ['Host', 'a', 'Connection', 'x-private', 'X-Private', '1', 'Transfer-Encoding', 'chunked'];
    const { call } = running(['GET', '/', ...fields, 'Upgrade', 'h2c', 'Keep-Alive', '5']);
    assert.deepEqual([call.request.fields, call.request.hasBody], [['Host', 'a'], false]);
  });

  it('that asks for an upgrade keeps its Upgrade', () => {
    const { call } = running(['GET', '/', 'Upgrade', 'websocket'], false, true);
    assert.deepEqual(call.request.fields, ['Upgrade', 'websocket']);
  });

  it('has the Host that was configured, where one was, and nothing else changed', () => {
    const bench = new ExchangeBench();
    bench.hostField = 'backend.example:1';
    bench.ask({ strings: ['GET', '/', 'hOST', 'visited.example', 'X-Host', 'kept', 'Y', 'Host'] });
    const { fields } = bench.backend.call.request;
    assert.deepEqual(fields, ['hOST', 'backend.example:1', 'X-Host', 'kept', 'Y', 'Host']);
  });

  it('passes its body on, up to its end', () => {
    const { bench, asked, call } = running(['POST', '/'], false);
    asked.send('x'.repeat(W0));
    asked.end();
    assert.deepEqual([call.body.length, call.isEnded], [W0, true]);
    assert.deepEqual([asked.told, bench.slotsFreed], [[], 0]);
  });

  it('is granted more body when the backend has taken what came, and not before', () => {
    const { bench, asked, call } = running(['POST', '/'], false);
    asked.send('y'.repeat(W0));
    bench.clock.advance(1_000);
    assert.equal(asked.leg.sendCredit, 0);
    call.handler.onBodyTaken(W0 - 1);
    bench.clock.settle();
    assert.ok(asked.leg.sendCredit >= W0 - 1);
  });

  it('that waits for a slot keeps its body, and the backend then gets it in order', () => {
    const bench = new ExchangeBench();
    bench.isBusy = true;
    const asked = bench.ask({ strings: ['POST', '/'] }, false);
    for (const text of ['one ', 'two ']) asked.send(text);
    asked.end();
    assert.equal(bench.backend.calls.length, 0);
    bench.giveSlots();
    assert.deepEqual([bench.backend.call.body, bench.backend.call.isEnded], ['one two ', true]);
  });
});

describe('an answer', () => {
  it('comes back as the backend gave it: informational heads, head, body, trailers', () => {
    const { bench, asked, call } = running();
    call.handler.onInformational(103, 'Early Hints', ['Link', '</a>']);
    call.handler.onInformational(103, '', []);
    call.answers(200, 'X-Many', '1', 'x-many', '2');
    call.says('body');
    call.ends('x-sum', '1');
    bench.clock.settle();
    assert.deepEqual(asked.told, ['head 103', 'head 103', 'head 200', 'data 4', 'end']);
    assert.deepEqual(
      asked.heads.map(({ strings }) => strings),
      [['Early Hints', 'Link', '</a>'], [''], ['Reason', 'X-Many', '1', 'x-many', '2']],
    );
    assert.equal(asked.data.join(''), 'body');
  });

  it('that never comes for informational heads is refused behind 16 of them', () => {
    const { bench, asked, call } = running();
    for (let i = 0; i < 20; i += 1) {
      if (!call.isCancelled) call.handler.onInformational(103, '', []);
    }
    bench.clock.settle();
    assert.deepEqual(asked.told, [...Array.from({ length: 16 }, () => 'head 103'), `cut ${StreamCode.BAD_HEAD}`]);
    assert.equal(call.isCancelled, true);
    call.fails(StreamCode.CANCELLED);
    assert.deepEqual([bench.slotsFreed, bench.failures], [1, [`${StreamCode.BAD_HEAD}`]]);
  });

  it('has no trailers that no trailer may be', () => {
    const { bench, asked, call } = running();
    call.answers(200);
    call.ends('X-Sum', '1', 'Set-Cookie', 'a=b', 'Content-Length', '5');
    bench.clock.settle();
    assert.deepEqual(asked.trailers, ['X-Sum', '1']);
  });

  it('comes without fields of the backend’s connection, but the Upgrade of a 101', () => {
    const plain = running();
    plain.call.answers(200, 'Connection', 'close, x-private', 'X-Private', '1', 'Keep-Alive', 'x', 'Upgrade', 'h2c');
    plain.bench.clock.settle();
    assert.deepEqual(plain.asked.head.strings, ['Reason']);
    const upgraded = running(['GET', '/'], false, true);
    upgraded.call.answers(101, 'Connection', 'Upgrade', 'Upgrade', 'websocket');
    upgraded.bench.clock.settle();
    assert.deepEqual(upgraded.asked.head.strings, ['Reason', 'Upgrade', 'websocket']);
  });

  it('without a body ends with its head: to HEAD, 204, 304 and of length 0', () => {
    for (const [method, status, fields] of [
      ['HEAD', 200, ['Content-Length', '5']],
      ['HEAD', 404, []],
      ['GET', 204, []],
      ['GET', 304, ['Content-Length', '5']],
      ['POST', 200, ['content-length', '0']],
    ] as const) {
      const { bench, asked, call } = running([method, '/']);
      call.answers(status, ...fields);
      bench.clock.settle();
      assert.deepEqual(asked.told, [`head ${status} last`], `${method} ${status}`);
      assert.equal(bench.slotsFreed, 0, 'the backend has not ended yet');
      call.ends();
      bench.clock.settle();
      assert.deepEqual([asked.told.length, bench.slotsFreed], [1, 1]);
    }
  });

  it('that has no body sends none, whatever the backend does', () => {
    const { bench, asked, call } = running(['HEAD', '/'], false);
    call.answers(200);
    assert.ok(call.says('not to be sent'));
    call.ends('x', 'y');
    bench.clock.settle();
    assert.deepEqual(asked.told, ['head 200 last']);
  });

  it('of an unknown length, or of one that only looks like 0, does not end with its head', () => {
    for (const fields of [[], ['Content-Length', '00'], ['Content-Length', '10'], ['X-Content-Length', '0']]) {
      const { bench, asked, call } = running();
      call.answers(200, ...fields);
      bench.clock.settle();
      assert.deepEqual(asked.told, ['head 200']);
    }
  });

  it('holds the backend up when the visitor does not read, and lets it go on when it does', () => {
    const { bench, asked, call } = running();
    call.answers(200);
    assert.ok(call.says('x'.repeat(W0)));
    assert.ok(!call.says('more'));
    bench.clock.settle();
    assert.equal(call.resumed, 0);
    asked.leg.grant(W0);
    bench.clock.settle();
    assert.deepEqual([call.resumed, asked.data.at(-1)?.toString()], [1, 'more']);
    assert.ok(call.says('and more'));
  });

  it('that ends while bytes of it are held up ends behind them', () => {
    const { bench, asked, call } = running();
    call.answers(200);
    call.says('x'.repeat(W0 + 5));
    call.ends();
    bench.clock.settle();
    assert.equal(asked.told.at(-1), `data ${W0}`);
    asked.leg.grant(W0);
    bench.clock.settle();
    assert.deepEqual(asked.told.slice(-2), ['data 5', 'end']);
  });

  it('of any size and in any pieces arrives whole, at whatever pace it is read', (t) => {
    const pieces = fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 12, size: 'max' });
    check(
      t,
      fc.property(pieces, fc.integer({ min: 1_000, max: 50_000 }), (sizes, grant) => {
        const { bench, asked, call } = running();
        call.answers(200);
        const sent = sizes.map((size, i) => 'abcdefghijkl'[i]!.repeat(size)).join('');
        let at = 0;
        for (const size of sizes) {
          for (let held = !call.says(sent.slice(at, at + size)); held; held = call.resumed === 0) {
            call.resumed = 0;
            asked.leg.grant(grant);
            bench.clock.settle();
          }
          at += size;
        }
        call.ends();
        bench.clock.settle();
        assert.equal(Buffer.concat(asked.data).toString(), sent);
        assert.equal(asked.told.at(-1), 'end');
      }),
      100,
    );
  });
});

describe('a slot', () => {
  it('is given back once, when the backend’s exchange ends', () => {
    const { bench, call } = running();
    call.answers(200);
    call.says('x');
    assert.equal(bench.slotsFreed, 0);
    call.ends();
    assert.equal(bench.slotsFreed, 1);
  });

  it('is given back at a 101, and not again at the end', () => {
    const { bench, asked, call } = running(['GET', '/'], false, true);
    call.answers(101);
    assert.deepEqual([bench.slotsFreed, bench.longStreams], [1, 1]);
    asked.end();
    call.ends();
    assert.deepEqual([bench.slotsFreed, bench.longStreams], [1, 0]);
  });

  it('an upgraded connection counts as a long stream until both its ways have ended, or it is gone', () => {
    const overs: ((running: Running) => void)[] = [
      ({ asked }) => asked.end(),
      ({ asked }) => asked.cancel(),
      ({ call }) => call.fails(StreamCode.BACKEND_RESET),
    ];
    for (const over of overs) {
      const each = running(['GET', '/'], false, true);
      each.call.answers(101);
      each.call.ends();
      assert.equal(each.bench.longStreams, 1);
      over(each);
      assert.deepEqual([each.bench.slotsFreed, each.bench.longStreams], [1, 0]);
    }
  });

  it('a 101 is no answer without a body, whatever length it names', () => {
    const { bench, asked, call } = running(['GET', '/'], false, true);
    call.answers(101, 'Content-Length', '0');
    call.says('hello');
    bench.clock.settle();
    assert.equal(Buffer.concat(asked.data).toString(), 'hello');
  });

  it('is given back at the head of an event stream, and not again at the end', () => {
    for (const type of ['text/event-stream', 'Text/Event-Stream; charset=utf-8', '  text/event-stream']) {
      const { bench, call } = running();
      call.answers(200, 'content-TYPE', type);
      assert.deepEqual([bench.slotsFreed, bench.longStreams], [1, 1], type);
      call.fails(StreamCode.BACKEND_RESET);
      assert.deepEqual([bench.slotsFreed, bench.longStreams], [1, 0], type);
    }
  });

  it('is kept by an answer that only resembles an event stream', () => {
    for (const type of ['text/event-streams', 'text/plain', 'application/json; x="text/event-stream"']) {
      const { bench, call } = running();
      call.answers(200, 'Content-Type', type);
      assert.deepEqual([bench.slotsFreed, bench.longStreams], [0, 0], type);
    }
  });

  it('of a cancelled request is kept until the backend is really done with it', () => {
    const { bench, asked, call } = running();
    asked.cancel();
    assert.deepEqual([call.isCancelled, bench.slotsFreed], [true, 0]);
    call.fails(StreamCode.CANCELLED);
    assert.equal(bench.slotsFreed, 1);
  });

  it('of a request cancelled before it had one is given back without asking the backend', () => {
    const bench = new ExchangeBench();
    bench.isBusy = true;
    bench.ask().cancel();
    bench.giveSlots();
    assert.deepEqual([bench.backend.calls.length, bench.slotsFreed], [0, 1]);
  });

  it('is given back when the backend fails at once', () => {
    const bench = new ExchangeBench();
    bench.backend.isBroken = true;
    const asked = bench.ask({ strings: ['POST', '/'] }, false);
    assert.deepEqual(asked.told, [`cut ${StreamCode.BAD_HEAD} not-started`]);
    assert.equal(bench.slotsFreed, 1);
  });
});

describe('a long stream beyond the limit', () => {
  it('is refused, and its backend let go', () => {
    const { bench, asked, call } = running(['GET', '/'], false, true);
    bench.maxLongStreams = 0;
    call.answers(101);
    bench.clock.settle();
    assert.deepEqual(asked.told, [`cut ${StreamCode.LONG_STREAMS}`]);
    assert.ok(call.isCancelled);
    assert.equal(bench.slotsFreed, 0);
    call.fails(StreamCode.CANCELLED);
    assert.deepEqual([bench.slotsFreed, bench.longStreams], [1, 0]);
  });

  it('is not the backend’s failure', () => {
    const { bench, call } = running();
    bench.maxLongStreams = 0;
    call.answers(200, 'Content-Type', 'text/event-stream');
    call.fails(StreamCode.CANCELLED);
    assert.deepEqual(bench.failures, []);
  });

  it('has its place as soon as another has ended', () => {
    const bench = new ExchangeBench();
    bench.maxLongStreams = 1;
    for (let i = 0; i < 3; i += 1) {
      bench.ask({ upgrade: true }, false);
      bench.backend.call.answers(101);
      bench.clock.settle();
      assert.equal(bench.longStreams, 1);
      bench.backend.call.ends();
    }
  });
});

describe('a visitor that goes away', () => {
  it('has the backend’s exchange cancelled, before its head and after', () => {
    for (const hasHead of [false, true]) {
      const { bench, asked, call } = running();
      if (hasHead) call.answers(200);
      bench.clock.settle();
      asked.cancel();
      assert.ok(call.isCancelled);
      call.fails(StreamCode.CANCELLED);
      assert.deepEqual(bench.failures, [], 'not told as a failure of the backend');
    }
  });

  it('with its link has it cancelled too', () => {
    const { bench, call } = running();
    bench.loseLink();
    assert.ok(call.isCancelled);
    call.fails(StreamCode.CANCELLED);
    assert.equal(bench.slotsFreed, 1);
  });

  it('gives back what its window had grown by', () => {
    const { bench, asked, call } = running(['POST', '/'], false);
    asked.send('x'.repeat(W0));
    call.handler.onBodyTaken(W0);
    assert.ok(bench.budget.usedBytes > 0);
    asked.cancel();
    assert.equal(bench.budget.usedBytes, 0);
  });
});

describe('a backend that fails', () => {
  it('before its head is a reset, which says whether the request had reached it', () => {
    for (const isStarted of [false, true]) {
      const { bench, asked, call } = running();
      call.fails(StreamCode.BACKEND_REFUSED, isStarted);
      bench.clock.settle();
      const said = isStarted ? '' : ' not-started';
      assert.deepEqual(asked.told, [`cut ${StreamCode.BACKEND_REFUSED}${said}`]);
      assert.deepEqual(bench.failures, [`${StreamCode.BACKEND_REFUSED}${said}`]);
      assert.equal(bench.slotsFreed, 1);
    }
  });

  it('after an informational head is a reset still', () => {
    const { bench, asked, call } = running();
    call.handler.onInformational(103, '', []);
    call.fails(StreamCode.BACKEND_RESET);
    bench.clock.settle();
    assert.deepEqual(asked.told, ['head 103', `cut ${StreamCode.BACKEND_RESET}`]);
  });

  it('after its head is a cut behind what had come', () => {
    const { bench, asked, call } = running();
    call.answers(200);
    call.says('half');
    call.fails(StreamCode.BACKEND_RESET);
    bench.clock.settle();
    assert.deepEqual(asked.told, ['head 200', 'data 4', `cut ${StreamCode.BACKEND_RESET} in-order`]);
  });

  it('while bytes are held up is a cut behind them', () => {
    const { bench, asked, call } = running();
    call.answers(200);
    call.says('x'.repeat(W0 + 5));
    call.fails(StreamCode.BACKEND_RESET);
    bench.clock.settle();
    assert.equal(asked.told.at(-1), `data ${W0}`);
    asked.leg.grant(5);
    bench.clock.settle();
    assert.deepEqual(asked.told.slice(-2), ['data 5', `cut ${StreamCode.BACKEND_RESET} in-order`]);
  });
});

describe('the times in the head', () => {
  it('are those of the slot, the upload and the backend, and add up to the client’s own', () => {
    const bench = new ExchangeBench();
    bench.isBusy = true;
    const asked = bench.ask({ strings: ['POST', '/'] }, false);
    bench.clock.advance(3);
    bench.giveSlots();
    bench.clock.advance(40);
    asked.end();
    bench.clock.advance(500);
    bench.backend.call.answers(200);
    bench.clock.settle();
    const { clientUs, slotUs, uploadUs, backendUs } = asked.head;
    assert.deepEqual([slotUs, uploadUs, backendUs, clientUs], [3_000, 40_000, 500_000, 543_000]);
    assert.deepEqual(bench.backendMs, [500]);
  });

  it('charge nothing to an upload that was complete before the slot', () => {
    const bench = new ExchangeBench();
    bench.isBusy = true;
    const asked = bench.ask({ strings: ['POST', '/'] }, false);
    asked.end();
    bench.clock.advance(3);
    bench.giveSlots();
    bench.clock.advance(7);
    bench.backend.call.answers(200);
    bench.clock.settle();
    assert.deepEqual([asked.head.slotUs, asked.head.uploadUs, asked.head.backendUs], [3_000, 0, 7_000]);
  });

  it('charge the backend with all of it where there is no upload', () => {
    const { bench, asked, call } = running();
    bench.clock.advance(7);
    call.answers(200);
    bench.clock.settle();
    assert.deepEqual([asked.head.uploadUs, asked.head.backendUs, asked.head.clientUs], [0, 7_000, 7_000]);
  });

  it('charge the upload, not the backend, where it answered before the upload’s end', () => {
    const { bench, asked, call } = running(['POST', '/'], false);
    bench.clock.advance(7);
    call.answers(413);
    bench.clock.settle();
    assert.deepEqual([asked.head.uploadUs, asked.head.backendUs], [7_000, 0]);
  });

  it('charge the backend with a 101: its visitor has not begun to send', () => {
    const { bench, asked, call } = running(['GET', '/'], false, true);
    bench.clock.advance(7);
    call.answers(101);
    bench.clock.settle();
    assert.deepEqual([asked.head.uploadUs, asked.head.backendUs], [0, 7_000]);
  });
});
