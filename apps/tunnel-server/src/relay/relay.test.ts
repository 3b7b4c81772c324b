import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloseCode, Kind, Role, StreamCode } from '@sallyport/protocol';
import { encodeHello } from '../../../../packages/protocol/src/control.ts';
import { helloOf, responseHead } from '../../../../packages/protocol/src/testing/bench.ts';
import { rawFrame } from '../../../../packages/protocol/src/testing/frames.ts';
import { Tape } from '../../../../packages/protocol/src/testing/tape.ts';
import { ownerOf, RelayBench } from '../testing/relay-bench.ts';
import type { Visit } from '../testing/relay-bench.ts';

const MEMORY_MS = 600_000;
const SWEEP_MS = 1_000;
const ALICE = { owner: ownerOf('alice') };
const MALLORY = { owner: ownerOf('mallory') };

function promisesSettle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function outcomeOf(visit: Visit): string[] {
  return visit.told;
}

describe('a session', () => {
  it('may be served over several links of one principal', () => {
    const bench = new RelayBench();
    const links = [bench.client(1, ALICE), bench.client(1, ALICE)];
    assert.deepEqual(
      links.map((each) => each.closedWith),
      [null, null],
    );
    assert.equal(bench.relay.sessions.get('s')?.links.size, 2);
  });

  it('is refused to a second principal, and goes on for the first', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    const first = bench.client(2, ALICE);
    const second = bench.client(2, MALLORY);
    assert.equal(second.closedWith, CloseCode.SESSION_REFUSED);
    entry.ask('/a');
    assert.deepEqual([first.paths, second.paths], [['/a'], []]);
  });

  it('is refused to a credential that does not cover it', () => {
    const bench = new RelayBench();
    const owner = ownerOf('alice', { allows: (session) => session === 'mine' });
    assert.equal(bench.client(1, { owner, session: 'mine' }).closedWith, null);
    assert.equal(bench.client(1, { owner, session: 'yours' }).closedWith, CloseCode.SESSION_REFUSED);
    assert.ok(!bench.relay.sessions.has('yours'));
    assert.deepEqual(bench.relay.accepted, { uplink: 0, client: 1 });
  });

  it('is kept for its owner for ten minutes after the last link', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    bench.client(1, ALICE).die();
    bench.clock.advance(MEMORY_MS - 1);
    assert.equal(bench.client(1, MALLORY).closedWith, CloseCode.SESSION_REFUSED);
    assert.deepEqual(entry.ask().told, [`cut ${StreamCode.NO_CLIENT} not-started`]);
    assert.equal(bench.client(1, ALICE).closedWith, null);
  });

  it('is forgotten after ten minutes: nobody knows it, and anybody may take it', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    bench.client(1, ALICE).die();
    bench.clock.advance(MEMORY_MS + SWEEP_MS);
    assert.deepEqual(entry.ask().told, [`cut ${StreamCode.NO_SESSION} not-started`]);
    assert.equal(bench.client(1, MALLORY).closedWith, null);
  });

  it('is remembered from its last link on, not from its first', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    bench.client(1, ALICE).die();
    bench.clock.advance(MEMORY_MS - SWEEP_MS);
    bench.client(1, ALICE).die();
    bench.clock.advance(MEMORY_MS - SWEEP_MS);
    assert.deepEqual(entry.ask().told, [`cut ${StreamCode.NO_CLIENT} not-started`]);
  });

  it('that the credential store names is known though nobody ever served it', () => {
    const bench = new RelayBench({ namesSession: (session) => session === 'named' });
    const entry = bench.entry();
    const named = entry.ask('/', { session: 'named' });
    const unknown = entry.ask('/', { session: 'unknown' });
    assert.deepEqual(named.told, [`cut ${StreamCode.NO_CLIENT} not-started`]);
    assert.deepEqual(unknown.told, [`cut ${StreamCode.NO_SESSION} not-started`]);
    assert.deepEqual(bench.seen.refused, [StreamCode.NO_CLIENT, StreamCode.NO_SESSION]);
  });

  it('is one of 10,000 of its principal that are remembered: the next new one is refused until one is forgotten', () => {
    const bench = new RelayBench();
    const take = (session: string, owner = ownerOf('alice')) => bench.client(1, { session, owner });
    const served = take('served');
    for (let i = 0; i < 10_000; i += 1) {
      const tape = new Tape();
      bench.relay.acceptClient(tape, ownerOf('alice'));
      tape.give(rawFrame(Kind.HELLO, 0, encodeHello(helloOf(Role.CLIENT, { session: `team-${i}` }))));
      tape.handler!.onClosed(1006, '');
    }
    assert.equal(bench.relay.mostSessions, bench.relay.sessionsLimit);
    assert.equal(take('one-more').closedWith, CloseCode.OVERLOADED);
    assert.ok(!bench.relay.sessions.has('one-more'));
    assert.deepEqual(bench.seen.limits, ['sessions']);
    assert.equal(take('team-0').closedWith, null);
    assert.equal(take('of-another', ownerOf('bob')).closedWith, null);
    bench.clock.advance(MEMORY_MS + SWEEP_MS);
    assert.equal(take('one-more').closedWith, null);
    assert.equal(served.closedWith, null);
    assert.equal(bench.relay.sessions.size, 4);
    assert.equal(bench.relay.mostSessions, 3);
  });

  it('knows no other by a name out of JavaScript’s own', () => {
    const entry = new RelayBench().entry();
    for (const session of ['constructor', '__proto__', '']) {
      assert.deepEqual(entry.ask('/', { session }).told, [`cut ${StreamCode.NO_SESSION} not-started`]);
    }
  });
});

describe('a link whose credential was revoked', () => {
  it('is closed within a second, be it an entry’s or a client’s; others are not', () => {
    const bench = new RelayBench();
    let isActive = true;
    const revocable = ownerOf('alice', { isActive: () => isActive });
    const [entry, client, other] = [bench.entry(revocable), bench.client(1, { owner: revocable }), bench.entry()];
    bench.clock.advance(SWEEP_MS);
    assert.deepEqual([entry.closedWith, client.closedWith], [null, null]);
    isActive = false;
    bench.clock.advance(SWEEP_MS);
    assert.deepEqual([entry.closedWith, client.closedWith], [CloseCode.SESSION_REFUSED, CloseCode.SESSION_REFUSED]);
    assert.equal(other.closedWith, null);
    assert.deepEqual([bench.relay.uplinks.size, bench.relay.clientLinks.size], [1, 0]);
  });

  it('ends what ran on it', () => {
    const bench = new RelayBench();
    let isActive = true;
    const entry = bench.entry();
    bench.client(1, { owner: ownerOf('alice', { isActive: () => isActive }) });
    const visit = entry.ask();
    isActive = false;
    bench.clock.advance(SWEEP_MS);
    assert.deepEqual(visit.told, [`cut ${StreamCode.LINK_LOST} in-order`]);
  });
});

describe('a peer at fault', () => {
  it('is cut off by itself: an OPEN that is torn closes that uplink alone', () => {
    const bench = new RelayBench();
    const [bad, good] = [bench.entry(), bench.entry()];
    const client = bench.client(2);
    const visit = good.ask('/a');
    const server = [...bench.relay.uplinks.keys()][0]!;
    server.onMessage(rawFrame(0x90, 1, Buffer.from([0, 1, 0, 0, 0, 0, 200, 0x73, 0x73])));
    bench.clock.settle();
    assert.equal(bad.closedWith, CloseCode.PROTOCOL);
    client.answer(0);
    assert.deepEqual(visit.told, ['head 200 last']);
  });

  it('whose answers pile up at an entry that does not read is given no more: overloaded, not started', () => {
    const bench = new RelayBench({ egressBytes: 65_536 });
    const entry = bench.entry();
    const client = bench.client(20);
    const visits = Array.from({ length: 14 }, () => entry.ask());
    entry.gate.shut();
    for (const { leg } of client.served) {
      leg.head(responseHead(), false);
      leg.data(Buffer.alloc(16_384), 0, 16_384);
    }
    bench.clock.settle();
    const refused = entry.ask();
    assert.deepEqual(bench.seen.limits, ['link-egress']);
    entry.gate.open();
    bench.clock.settle();
    assert.deepEqual(refused.told, [`cut ${StreamCode.OVERLOADED} not-started`]);
    for (const visit of visits) assert.deepEqual(visit.told, ['head 200', 'data 16384']);
    assert.equal(client.paths.length, 14);
  });
});

describe('a relay that drains', () => {
  it('is done at once when nothing runs', async () => {
    const bench = new RelayBench();
    bench.entry();
    await bench.relay.drain();
  });

  it('tells its entries, takes nothing new, and is done when what ran and waited is over', async () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    const client = bench.client(1);
    const visits = [entry.ask('/runs'), entry.ask('/waits')];
    let isDrained = false;
    const drained = bench.relay.drain().then(() => (isDrained = true));
    bench.clock.settle();
    assert.deepEqual(entry.handler.goaways, [StreamCode.DRAINING]);
    const crossed = entry.ask('/new');
    client.answer(0);
    bench.clock.advance(SWEEP_MS);
    await promisesSettle();
    assert.ok(!isDrained, 'one waited');
    client.answer(1);
    bench.clock.advance(SWEEP_MS);
    await drained;
    assert.deepEqual(visits.map(outcomeOf), [['head 200 last'], ['head 200 last']]);
    assert.deepEqual(client.paths, ['/runs', '/waits']);
    assert.deepEqual(crossed.told, []);
  });

  it('tells an entry that comes meanwhile, as its head may have been on its way', () => {
    const bench = new RelayBench();
    bench.client(1);
    bench.entry().ask('/runs');
    void bench.relay.drain();
    bench.clock.settle();
    const late = bench.entry();
    assert.deepEqual(late.handler.goaways, [StreamCode.DRAINING]);
    assert.ok(!late.link.takesStreams);
    assert.equal(late.closedWith, null);
  });

  it('refuses an OPEN that crossed with its GOAWAY: it never began', async () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    const client = bench.client(1);
    entry.gate.shut();
    await bench.relay.drain();
    const crossed = entry.ask('/crossed');
    entry.gate.open();
    bench.clock.settle();
    assert.deepEqual(crossed.told, [`cut ${StreamCode.DRAINING} not-started`]);
    assert.deepEqual(client.paths, []);
  });

  it('is done when an entry with all its requests is gone', async () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    bench.client(1);
    entry.ask();
    const drained = bench.relay.drain();
    entry.die();
    await drained;
  });

  it('waits for answers that are still on their way to an entry', async () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    const client = bench.client(20);
    const visits = Array.from({ length: 14 }, () => entry.ask());
    entry.gate.shut();
    for (const { leg } of client.served) {
      leg.head(responseHead(), false);
      leg.data(Buffer.alloc(16_384), 0, 16_384);
      leg.end([]);
    }
    bench.clock.settle();
    const drained = bench.relay.drain().then(() => bench.relay.close());
    bench.clock.advance(SWEEP_MS);
    await promisesSettle();
    entry.gate.open();
    bench.clock.advance(SWEEP_MS);
    await drained;
    bench.clock.settle();
    for (const visit of visits) assert.deepEqual(visit.told, ['head 200', 'data 16384', 'end']);
  });

  it('closes with all its links and leaves no timer', () => {
    const bench = new RelayBench();
    const [entry, client] = [bench.entry(), bench.client(1)];
    const visits = [entry.ask(), entry.ask()];
    bench.relay.close();
    bench.clock.settle();
    assert.deepEqual([entry.closedWith, client.closedWith], [CloseCode.DONE, CloseCode.DONE]);
    assert.deepEqual(visits.map(outcomeOf), [
      [`cut ${StreamCode.LINK_LOST} in-order`],
      [`cut ${StreamCode.DRAINING} not-started`],
    ]);
    assert.equal(bench.clock.liveTimers, 0);
  });
});
