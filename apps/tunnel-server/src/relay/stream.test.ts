import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode } from '@sallyport/protocol';
import fc from 'fast-check';
import { anyHead, PLAIN } from '../../../../packages/protocol/src/testing/arbitraries.ts';
import { responseHead } from '../../../../packages/protocol/src/testing/bench.ts';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { RelayBench } from '../testing/relay-bench.ts';
import type { ClientPeer, EntryPeer, Served, Visit } from '../testing/relay-bench.ts';

const W0 = 16_384;

interface Setting {
  readonly bench: RelayBench;
  readonly entry: EntryPeer;
  readonly client: ClientPeer;
}

function setUp(leases = 1): Setting {
  const bench = new RelayBench();
  return { bench, entry: bench.entry(), client: bench.client(leases) };
}

/** A request with a body that has reached the client. */
function running(): Setting & { visit: Visit; served: Served } {
  const setting = setUp();
  const visit = setting.entry.ask('/', { last: false });
  return { ...setting, visit, served: setting.client.served[0]! };
}

describe('a request through the relay', () => {
  it('carries its bytes both ways, as they are, with its ends and trailers', () => {
    const { bench, visit, served } = running();
    visit.send(Buffer.from('question'));
    visit.leg.end(['x-sum', '1']);
    served.leg.head(responseHead({ status: 103 }), false);
    served.leg.head(responseHead(), false);
    served.leg.data(Buffer.from('answer'), 0, 6);
    served.leg.end(['x-sum', '2']);
    bench.clock.settle();
    assert.deepEqual(served.owner.told, ['data 8', 'end']);
    assert.equal(served.owner.data.join(''), 'question');
    assert.deepEqual(visit.told, ['head 103', 'head 200', 'data 6', 'end']);
    assert.equal(visit.data.join(''), 'answer');
    assert.deepEqual([bench.relay.streams, served.leg.link.legs.size], [0, 0]);
  });

  it('that waits for a slot holds what it may send until then, and it arrives behind the head, in order', () => {
    const { bench, entry, client } = setUp();
    entry.ask('/first');
    const visit = entry.ask('/waits', { last: false });
    for (const text of ['a', 'b', 'c'.repeat(W0 - 2)]) visit.send(Buffer.from(text));
    visit.leg.end([]);
    bench.clock.settle();
    client.answer(0);
    const { path, last, owner } = client.served[1]!;
    assert.deepEqual([path, last, owner.told.at(-1)], ['/waits', false, 'end']);
    assert.equal(owner.data.join(''), `ab${'c'.repeat(W0 - 2)}`);
  });

  it('that waits beyond its credit closes the link of the entry that sends it', () => {
    const { entry } = setUp(0);
    const visit = entry.ask('/', { last: false });
    for (const bytes of [W0, 1]) visit.send(Buffer.alloc(bytes));
    assert.equal(entry.closedWith, 4005);
  });

  it('is granted credit by the far end alone, each grant passed on as it is', () => {
    const { bench, visit, served } = running();
    visit.send(Buffer.alloc(W0));
    assert.deepEqual(visit.told, []);
    served.leg.grant(5_000);
    bench.clock.settle();
    served.leg.head(responseHead(), false);
    bench.clock.settle();
    visit.leg.grant(7_000);
    bench.clock.settle();
    assert.deepEqual(visit.told, ['credit 5000', 'head 200']);
    assert.deepEqual(served.owner.told, [`data ${W0}`, 'credit 7000']);
  });

  it('tells the client the round trips of both links', () => {
    const { bench, entry, client } = setUp();
    const rttUs = 12_000;
    entry.ask('/', { rttUs });
    assert.equal(client.served[0]!.rttUs, rttUs + Math.round(client.serverLink.smoothedRttUs));
    assert.equal(bench.relay.streams, 1);
  });
});

describe('the head of an answer', () => {
  it('gets the relay’s own times in place: how long it took here, and how long it waited', () => {
    const { bench, entry, client } = setUp();
    entry.ask();
    const visit = entry.ask();
    bench.clock.advance(30);
    client.answer(0);
    bench.clock.advance(12);
    client.answer(1, { backendUs: 11_000 });
    const { serverUs, queueUs, backendUs } = visit.heads[0]!;
    assert.deepEqual([serverUs, queueUs, backendUs], [42_000, 30_000, 11_000]);
  });

  it('passes otherwise as the client wrote it, be it what it may', (t) => {
    const { bench, entry, client } = setUp(1_000);
    const finalHead = anyHead.filter(({ status }) => status >= 200 || status === 101);
    check(
      t,
      fc.property(finalHead, fc.boolean(), (head, last) => {
        const visit = entry.ask();
        client.served.at(-1)!.leg.head(head, last);
        bench.clock.settle();
        const { rttUs, ...got } = visit.heads[0]!;
        const { rttUs: _, ...sent } = head;
        assert.deepEqual(got, { ...sent, serverUs: 0, queueUs: 0 });
        assert.ok(rttUs >= head.rttUs);
        client.handler.opened.length = 0;
        visit.cancel();
        client.giveBack(1);
      }),
      200,
    );
  });

  it('is filled in for informational heads too', () => {
    const { bench, visit, served } = running();
    bench.clock.advance(7);
    served.leg.head(responseHead({ status: 103 }), false);
    bench.clock.settle();
    assert.deepEqual([visit.heads[0]!.status, visit.heads[0]!.serverUs], [103, 7_000]);
  });
});

describe('a client that is lost', () => {
  it('cuts an answer that had begun, behind what had come', () => {
    const { bench, client, visit, served } = running();
    served.leg.head(responseHead(), false);
    served.leg.data(Buffer.from('half'), 0, 4);
    bench.clock.settle();
    client.die();
    assert.deepEqual(visit.told, ['head 200', 'data 4', `cut ${StreamCode.LINK_LOST} in-order`]);
  });

  it('cuts a request that it may have begun, and does not say that it did not', () => {
    const { client, visit } = running();
    client.die();
    assert.deepEqual(visit.told, [`cut ${StreamCode.LINK_LOST} in-order`]);
  });

  it('never began what had not left for it: not started', () => {
    const { entry, client, bench } = setUp(10);
    client.gate.shut();
    const sent = Array.from({ length: 8 }, () => entry.ask('/', { last: false }));
    for (const visit of sent) visit.send(Buffer.alloc(W0));
    const unsent = entry.ask();
    client.die();
    bench.clock.settle();
    assert.deepEqual(unsent.told, [`cut ${StreamCode.LINK_LOST} not-started`]);
    for (const visit of sent) assert.deepEqual(visit.told, [`cut ${StreamCode.LINK_LOST} in-order`]);
  });

  it('that says it will go finishes what it has, and never began what crossed with its word', () => {
    const { bench, entry, client, visit, served } = running();
    client.lease(2);
    client.gate.shut();
    const crossed = entry.ask('/crossed');
    client.link.goAway(StreamCode.DRAINING);
    bench.clock.settle();
    client.gate.open();
    bench.clock.settle();
    assert.deepEqual(crossed.told, [`cut ${StreamCode.DRAINING} not-started`]);
    served.leg.head(responseHead(), true);
    bench.clock.settle();
    assert.deepEqual(visit.told, ['head 200 last']);
    assert.deepEqual(client.paths, ['/']);
  });
});

describe('a client that cuts a request', () => {
  it('before it began has it said so to the entry', () => {
    const { bench, visit, served } = running();
    served.leg.reset(StreamCode.BACKEND_REFUSED, true);
    bench.clock.settle();
    assert.deepEqual(visit.told, [`cut ${StreamCode.BACKEND_REFUSED} not-started`]);
  });

  it('after it began has the same code said, and no more', () => {
    const { bench, visit, served } = running();
    served.leg.reset(StreamCode.BACKEND_TIMEOUT, false);
    bench.clock.settle();
    assert.deepEqual(visit.told, [`cut ${StreamCode.BACKEND_TIMEOUT}`]);
  });

  it('in its answer has it cut behind what had come', () => {
    const { bench, visit, served } = running();
    served.leg.head(responseHead(), false);
    served.leg.data(Buffer.from('half'), 0, 4);
    served.leg.abort(StreamCode.BACKEND_RESET);
    bench.clock.settle();
    assert.deepEqual(visit.told, ['head 200', 'data 4', `cut ${StreamCode.BACKEND_RESET} in-order`]);
  });
});

describe('an entry that cuts a request', () => {
  it('has it cancelled at the client, with its own code', () => {
    for (const code of [StreamCode.CANCELLED, StreamCode.DONE] as const) {
      const { visit, served } = running();
      visit.cancel(code);
      assert.deepEqual(served.owner.told, [`cut ${code}`]);
    }
  });

  it('by its own loss has it cancelled at the client', () => {
    const { entry, served } = running();
    entry.die();
    assert.deepEqual(served.owner.told, [`cut ${StreamCode.CANCELLED}`]);
  });

  it('by an abort has it cut at the client behind what was sent', () => {
    const { bench, visit, served } = running();
    visit.send(Buffer.from('half'));
    visit.leg.abort(StreamCode.CANCELLED);
    bench.clock.settle();
    assert.deepEqual(served.owner.told, ['data 4', `cut ${StreamCode.CANCELLED} in-order`]);
  });

  it('while it waits leaves nothing of it, and no client ever sees it', () => {
    const { bench, entry, client } = setUp();
    entry.ask('/runs');
    const waiting = entry.ask('/waits', { last: false });
    waiting.send(Buffer.from('kept'));
    waiting.cancel();
    entry.ask('/next');
    client.answer(0);
    assert.deepEqual(client.paths, ['/runs', '/next']);
    assert.equal(bench.relay.streams, 1);
  });

  it('by its own loss frees the queue of what waited from it', () => {
    const { bench, entry, client } = setUp();
    const other = bench.entry();
    entry.ask('/runs');
    entry.ask('/waits');
    other.ask('/other');
    entry.die();
    assert.equal(bench.relay.sessions.get('s')?.waiting, 1);
    client.giveBack(1);
    assert.deepEqual(client.paths, ['/runs', '/other']);
  });
});

describe('whatever the sizes', () => {
  it('all bytes of all streams arrive, each with its own, through a client that reads by fits and starts', (t) => {
    const upload = fc.record({ bytes: fc.array(fc.nat(5_000), { maxLength: 3 }), waits: fc.boolean() }, PLAIN);
    check(
      t,
      fc.property(fc.array(upload, { minLength: 1, maxLength: 30, size: 'max' }), (uploads) => {
        const { bench, entry, client } = setUp(30);
        const sent = uploads.map(({ bytes, waits }, i) => {
          if (waits) client.gate.shut();
          else client.gate.open();
          const visit = entry.ask(`/${i}`, { last: false });
          for (const size of bytes) if (size > 0) visit.send(Buffer.alloc(size, i + 1));
          visit.leg.end([]);
          return bytes.reduce((sum, each) => sum + each, 0);
        });
        client.gate.open();
        bench.clock.settle();
        const got = client.served.map(({ path, owner }) => {
          const all = Buffer.concat(owner.data);
          const i = Number(path.slice(1));
          assert.ok(all.every((byte) => byte === i + 1));
          assert.equal(owner.told.at(-1), 'end');
          return [i, all.length];
        });
        assert.deepEqual(
          got.sort(([a], [b]) => a! - b!),
          sent.map((length, i) => [i, length]),
        );
      }),
      100,
    );
  });
});
