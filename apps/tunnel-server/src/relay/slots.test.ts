import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloseCode, StreamCode } from '@sallyport/protocol';
import { responseHead } from '../../../../packages/protocol/src/testing/bench.ts';
import { RelayBench } from '../testing/relay-bench.ts';
import type { ClientPeer, EntryPeer, Visit } from '../testing/relay-bench.ts';

/** What a stream may send before it is granted more; eight of them fill what a transport takes. */
const WINDOW = Buffer.alloc(16_384);
const FILLERS = 8;

function setUp(leases: number, egressBytes = 1_000_000): { bench: RelayBench; entry: EntryPeer; client: ClientPeer } {
  const bench = new RelayBench({ egressBytes });
  return { bench, entry: bench.entry(), client: bench.client(leases) };
}

/** The client reads no more, and what it is sent from now on waits in the relay. */
function stall(entry: EntryPeer, client: ClientPeer, uploads = FILLERS): Visit[] {
  client.gate.shut();
  return Array.from({ length: uploads }, (_, i) => {
    const visit = entry.ask(`/upload-${i}`, { last: false });
    visit.send(WINDOW);
    return visit;
  });
}

describe('a slot', () => {
  it('is kept by a request until the client gives it back, however its stream ended', () => {
    const { bench, entry, client } = setUp(4);
    const answered = entry.ask('/answered');
    client.served[0]!.leg.head(responseHead(), true);
    const cancelled = entry.ask('/cancelled');
    cancelled.cancel();
    entry.ask('/refused');
    client.served[2]!.leg.reset(StreamCode.BACKEND_RESET, false);
    entry.ask('/cut');
    client.served[3]!.leg.abort(StreamCode.BACKEND_RESET);
    bench.clock.settle();
    assert.deepEqual(answered.told, ['head 200 last']);
    entry.ask('/waits');
    assert.equal(client.paths.length, 4);
    client.giveBack(1);
    assert.deepEqual(client.paths.slice(4), ['/waits']);
  });

  it('of a request cancelled before its OPEN left is free at once, for who waits next', () => {
    const { bench, entry, client } = setUp(FILLERS + 1);
    stall(entry, client);
    const unsent = entry.ask('/unsent');
    entry.ask('/next');
    unsent.cancel();
    assert.equal(bench.relay.sessions.get('s')?.waiting, 0);
    client.gate.open();
    bench.clock.settle();
    assert.deepEqual(client.paths.slice(FILLERS), ['/next']);
    client.giveBack(FILLERS + 1);
    assert.equal(client.closedWith, null);
    assert.equal(bench.relay.sessions.get('s')?.free, FILLERS + 1);
  });

  it('of a request that was aborted before its OPEN left is used: both go out, in order', () => {
    const { bench, entry, client } = setUp(FILLERS + 1);
    stall(entry, client);
    entry.ask('/aborted', { last: false }).leg.abort(StreamCode.CANCELLED);
    bench.clock.settle();
    client.gate.open();
    bench.clock.settle();
    const { path, owner } = client.served.at(-1)!;
    assert.deepEqual([path, owner.told], ['/aborted', [`cut ${StreamCode.CANCELLED} in-order`]]);
  });

  it('is not given on a link that has too much to send, and is when that has gone', () => {
    const { bench, entry, client } = setUp(FILLERS + 9, 4 * WINDOW.length);
    // Upgraded streams: they hold no slot, and go on sending.
    const visits = Array.from({ length: FILLERS + 6 }, (_, i) => entry.ask(`/${i}`, { last: false }));
    for (const { leg } of client.served) leg.head(responseHead({ status: 101 }), false);
    client.giveBack(visits.length);
    client.gate.shut();
    for (const visit of visits) visit.send(WINDOW);
    entry.ask('/waits');
    assert.equal(bench.relay.sessions.get('s')?.waiting, 1);
    client.gate.open();
    bench.clock.settle();
    entry.ask('/later');
    bench.clock.advance(1_000);
    assert.deepEqual(client.paths.slice(visits.length), ['/waits', '/later']);
  });

  it('given back more often than it was given is a fault of the client, which closes its link', () => {
    const { entry, client } = setUp(2);
    entry.ask();
    client.giveBack(2);
    assert.equal(client.closedWith, CloseCode.SLOTS);
  });

  it('given back too often on one link does not touch another', () => {
    const { bench, entry, client } = setUp(1);
    const other = bench.client(1);
    client.giveBack(1);
    assert.equal(client.closedWith, CloseCode.SLOTS);
    entry.ask('/a');
    assert.deepEqual(other.paths, ['/a']);
  });
});
