import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode } from '@sallyport/protocol';
import { RelayBench } from '../testing/relay-bench.ts';
import type { ClientPeer, EntryPeer } from '../testing/relay-bench.ts';

const TIMEOUT_MS = 5_000;

function notStarted(code: StreamCode): string[] {
  return [`cut ${code} not-started`];
}

/** One entry, one client with `leases`, and a queue for `limit`. */
function setUp({ leases = 1, limit = 100 } = {}): { bench: RelayBench; entry: EntryPeer; client: ClientPeer } {
  const bench = new RelayBench({ queue: { limit, timeoutMs: TIMEOUT_MS } });
  return { bench, entry: bench.entry(), client: bench.client(leases) };
}

describe('a request for a session', () => {
  it('starts at once while a slot is free', () => {
    const { bench, entry, client } = setUp({ leases: 2 });
    entry.ask('/a');
    entry.ask('/b');
    assert.deepEqual(client.paths, ['/a', '/b']);
    assert.deepEqual(bench.seen.queuedS, [0, 0]);
  });

  it('waits for a slot, and those that waited longest go first', () => {
    const { bench, entry, client } = setUp();
    for (const path of ['/a', '/b', '/c', '/d']) entry.ask(path);
    assert.deepEqual(client.paths, ['/a']);
    for (let i = 0; i < 3; i += 1) {
      bench.clock.advance(100);
      client.answer(i);
    }
    assert.deepEqual(client.paths, ['/a', '/b', '/c', '/d']);
    assert.deepEqual(bench.seen.queuedS, [0, 0.1, 0.2, 0.3]);
  });

  it('waits behind the others even when a slot comes free in the turn in which it arrives', () => {
    const { entry, client } = setUp();
    entry.ask('/a');
    entry.ask('/b');
    client.answer(0);
    entry.ask('/c');
    assert.deepEqual(client.paths, ['/a', '/b']);
    client.answer(1);
    assert.deepEqual(client.paths, ['/a', '/b', '/c']);
  });

  it('starts when a client joins that has slots, or when one leases more', () => {
    const { bench, entry, client } = setUp();
    for (const path of ['/a', '/b', '/c']) entry.ask(path);
    const second = bench.client(1);
    assert.deepEqual(second.paths, ['/b']);
    client.lease(2);
    assert.deepEqual(client.paths, ['/a', '/c']);
  });

  it('is refused, not started, where nobody serves the session', () => {
    const { entry, client, bench } = setUp();
    client.die();
    assert.deepEqual(entry.ask().told, notStarted(StreamCode.NO_CLIENT));
    assert.deepEqual(bench.seen.refused, [StreamCode.NO_CLIENT]);
  });

  it('that waits is refused, not started, when the last client leaves', () => {
    const { entry, client } = setUp();
    const running = entry.ask();
    const waiting = entry.ask();
    client.die();
    assert.deepEqual(running.told, [`cut ${StreamCode.LINK_LOST} in-order`]);
    assert.deepEqual(waiting.told, notStarted(StreamCode.NO_CLIENT));
  });

  it('that waits goes on waiting when a client leaves and another stays', () => {
    const { bench, entry, client } = setUp();
    const other = bench.client(1);
    for (const path of ['/a', '/b', '/c']) entry.ask(path);
    assert.deepEqual([client.paths, other.paths], [['/a'], ['/b']]);
    client.die();
    other.answer(0);
    assert.deepEqual(other.paths, ['/b', '/c']);
  });
});

describe('a session whose last link is replaced', () => {
  it('has its requests wait for the link in its place, whose client runs out of ids or is told to leave', () => {
    for (const [maxStreamId, leaves] of [
      [1, () => {}],
      [100, (client: ClientPeer) => client.link.onLeaving()],
    ] as const) {
      const bench = new RelayBench({ maxStreamId });
      const [entry, client] = [bench.entry(), bench.client(2)];
      const first = entry.ask('/a');
      leaves(client);
      bench.clock.settle();
      const second = entry.ask('/b');
      assert.deepEqual([client.paths, second.told], [['/a'], []]);
      assert.deepEqual(bench.client(1).paths, ['/b']);
      client.answer(0);
      assert.deepEqual(first.told, ['head 200 last']);
    }
  });

  it('refuses them where none has come in 2 s, and tells its entries only then', () => {
    const bench = new RelayBench({ maxStreamId: 1 });
    const [entry] = [bench.entry(), bench.client(2)];
    const linksTold = () => entry.handler.sessions.flatMap(({ sessions }) => sessions.map(({ links }) => links));
    entry.ask('/a');
    const waiting = entry.ask('/b');
    bench.clock.advance(1_000);
    assert.deepEqual([waiting.told, linksTold().at(-1)], [[], 1]);
    bench.clock.advance(2_000);
    assert.deepEqual(waiting.told, notStarted(StreamCode.NO_CLIENT));
    assert.deepEqual(entry.ask('/c').told, notStarted(StreamCode.NO_CLIENT));
    assert.equal(linksTold().at(-1), 0);
  });

  it('refuses them at once where its client stops', () => {
    const { bench, entry, client } = setUp();
    entry.ask('/a');
    const waiting = entry.ask('/b');
    client.link.goAway(StreamCode.DRAINING);
    bench.clock.settle();
    assert.deepEqual(waiting.told, notStarted(StreamCode.NO_CLIENT));
  });
});

describe('the queue of a session', () => {
  it('has a limit, beyond which a request is refused, not started', () => {
    const { bench, entry } = setUp({ limit: 2 });
    entry.ask();
    const waiting = [entry.ask(), entry.ask()];
    assert.deepEqual(entry.ask().told, notStarted(StreamCode.QUEUE_FULL));
    assert.deepEqual(
      waiting.map((each) => each.told),
      [[], []],
    );
    assert.deepEqual(bench.seen.limits, ['queue']);
    assert.deepEqual(bench.seen.refused, [StreamCode.QUEUE_FULL]);
  });

  it('of limit 0 lets nobody wait', () => {
    const { entry, client } = setUp({ limit: 0 });
    entry.ask('/a');
    assert.deepEqual(entry.ask().told, notStarted(StreamCode.QUEUE_FULL));
    client.answer(0);
    entry.ask('/b');
    assert.deepEqual(client.paths, ['/a', '/b']);
  });

  it('has room again for each that left it: started, cancelled or too late', () => {
    const { bench, entry, client } = setUp({ limit: 1 });
    entry.ask('/a');
    entry.ask('/b');
    client.answer(0);
    entry.ask('/c').cancel();
    const late = entry.ask('/d');
    bench.clock.advance(TIMEOUT_MS);
    assert.deepEqual(late.told, notStarted(StreamCode.QUEUE_TIMEOUT));
    entry.ask('/e');
    client.answer(1);
    assert.deepEqual(client.paths, ['/a', '/b', '/e']);
  });

  it('gives up each request when its own time is over, in order', () => {
    const { bench, entry } = setUp();
    entry.ask();
    const waiting = [0, 1, 2].map(() => {
      bench.clock.advance(1_000);
      return entry.ask();
    });
    bench.clock.advance(TIMEOUT_MS - 2_000 - 1);
    for (let given = 1; given <= 3; given += 1) {
      assert.equal(waiting.filter((each) => each.told.length > 0).length, given - 1);
      bench.clock.advance(1);
      assert.deepEqual(waiting[given - 1]!.told, notStarted(StreamCode.QUEUE_TIMEOUT));
      assert.equal(waiting.filter((each) => each.told.length > 0).length, given);
      bench.clock.advance(999);
    }
    assert.deepEqual(bench.seen.limits, ['queue-timeout', 'queue-timeout', 'queue-timeout']);
  });

  it('is judged by the limits that are in force, those that waited before too', () => {
    const queue = { limit: 2, timeoutMs: TIMEOUT_MS };
    const bench = new RelayBench({ queue });
    const entry = bench.entry();
    bench.client(1);
    entry.ask();
    const early = entry.ask();
    bench.clock.advance(500);
    Object.assign(queue, { limit: 3, timeoutMs: 1_000 });
    bench.relay.limitsChanged();
    const late = [entry.ask(), entry.ask()];
    bench.clock.advance(499);
    assert.deepEqual(early.told, []);
    bench.clock.advance(1);
    assert.deepEqual(early.told, notStarted(StreamCode.QUEUE_TIMEOUT));
    bench.clock.advance(500);
    for (const each of late) assert.deepEqual(each.told, notStarted(StreamCode.QUEUE_TIMEOUT));
    assert.deepEqual(bench.seen.limits, ['queue-timeout', 'queue-timeout', 'queue-timeout']);
  });

  it('forgets one that its visitor cancelled, and times the next by itself', () => {
    const { bench, entry, client } = setUp();
    entry.ask('/a');
    const first = entry.ask('/b');
    bench.clock.advance(1_000);
    const second = entry.ask('/c');
    first.cancel();
    bench.clock.advance(TIMEOUT_MS - 1);
    assert.deepEqual([first.told, second.told], [[], []]);
    bench.clock.advance(1);
    assert.deepEqual(second.told, notStarted(StreamCode.QUEUE_TIMEOUT));
    client.answer(0);
    assert.deepEqual(client.paths, ['/a']);
  });

  it('leaves no timer behind when it is empty', () => {
    const { bench, entry, client } = setUp();
    const before = bench.clock.liveTimers;
    entry.ask();
    entry.ask();
    client.answer(0);
    bench.clock.advance(100);
    assert.equal(bench.clock.liveTimers, before);
  });
});

describe('the wait that lies before a request', () => {
  it('is reckoned from how fast slots come free: who could not be served in time is refused at once', () => {
    const { bench, entry } = busySession();
    assert.deepEqual([entry.ask().told, entry.ask().told], [[], []]);
    assert.deepEqual(entry.ask().told, notStarted(StreamCode.QUEUE_FULL));
    assert.deepEqual(bench.seen.limits, ['queue-wait']);
  });

  it('is not reckoned from slots that came free before the queue was empty', () => {
    const { bench, entry, client } = busySession();
    for (let i = 2; i < 5; i += 1) {
      bench.clock.advance(900);
      client.answer(i);
    }
    assert.equal(bench.relay.sessions.get('s')?.waiting, 0);
    for (let i = 0; i < 20; i += 1) assert.deepEqual(entry.ask().told, []);
    assert.equal(bench.relay.sessions.get('s')?.waiting, 20);
    assert.equal(client.paths.length, 6);
  });

  it('is not known from a single slot', () => {
    const { bench, entry, client } = setUp();
    for (let i = 0; i < 4; i += 1) entry.ask();
    bench.clock.advance(4_000);
    client.answer(0);
    for (let i = 0; i < 20; i += 1) assert.deepEqual(entry.ask().told, []);
  });
});

describe('the client for a request', () => {
  it('is one with a free slot, however slow', () => {
    const { bench, entry, client } = setUp();
    entry.ask('/slow');
    client.answer(0, { backendUs: 900_000 });
    const fast = bench.client(1);
    entry.ask('/a');
    assert.deepEqual(fast.paths, ['/a']);
    entry.ask('/b');
    assert.deepEqual(client.paths, ['/slow', '/b']);
  });

  it('is the one whose backend answered fastest of late', () => {
    const { bench, entry, client } = setUp({ leases: 2 });
    const fast = bench.client(2);
    entry.ask('/1');
    entry.ask('/2');
    client.answer(0, { backendUs: 20_000 });
    fast.answer(0, { backendUs: 10_000 });
    for (let i = 1; i <= 3; i += 1) {
      entry.ask(`/more-${i}`);
      fast.answer(i, { backendUs: 10_000 });
    }
    assert.deepEqual([client.paths.length, fast.paths.length], [1, 4]);
  });

  it('is one that was slow, again, when that was long ago', () => {
    const { bench, entry, client } = setUp({ leases: 2 });
    const fast = bench.client(2);
    entry.ask('/1');
    entry.ask('/2');
    client.answer(0, { backendUs: 15_000 });
    fast.answer(0, { backendUs: 10_000 });
    for (let i = 1; client.paths.length === 1; i += 1) {
      bench.clock.advance(1_000);
      entry.ask('/more');
      if (fast.paths.length > i) fast.answer(i, { backendUs: 10_000 });
      assert.ok(i < 10, 'a factor of 1.5 is gone after 6 s');
    }
    assert.ok(fast.paths.length >= 6);
  });

  it('is, of those that are yet unknown, the one with the most free slots', () => {
    const { bench, entry, client } = setUp({ leases: 2 });
    const wide = bench.client(5);
    for (let i = 0; i < 5; i += 1) entry.ask();
    assert.deepEqual([client.paths.length, wide.paths.length], [1, 4]);
  });

  it('is not one that could not connect to its backend, while there is another', () => {
    const { bench, entry, client } = setUp({ leases: 9 });
    const other = bench.client(1);
    entry.ask('/fails');
    failToConnect(client, 0, StreamCode.BACKEND_REFUSED);
    for (let i = 0; i < 3; i += 1) {
      entry.ask('/served');
      assert.equal(other.paths.length, i + 1);
      other.answer(i, { backendUs: 900_000 });
    }
    bench.clock.advance(500);
    entry.ask('/tried-again');
    assert.deepEqual(client.paths, ['/fails', '/tried-again']);
  });

  it('is not one that could not connect, whichever of them joined first', () => {
    const { bench, entry, client } = setUp();
    const failing = bench.client(9);
    entry.ask('/fails');
    assert.deepEqual(failing.paths, ['/fails']);
    failToConnect(failing, 0, StreamCode.BACKEND_REFUSED);
    entry.ask('/slow');
    client.answer(0, { backendUs: 900_000 });
    entry.ask('/served');
    assert.deepEqual([client.paths, failing.paths], [['/slow', '/served'], ['/fails']]);
  });

  it('is one that could not connect where the others have gone silent', () => {
    const { bench, entry, client } = setUp({ leases: 9 });
    const silent = bench.client(1);
    silent.gate.shut();
    bench.clock.advance(4_000);
    entry.ask('/fails');
    failToConnect(client, 0, StreamCode.BACKEND_REFUSED);
    entry.ask('/tried');
    assert.deepEqual([client.paths, silent.paths], [['/fails', '/tried'], []]);
  });

  it('is not one either whose backend could not be connected to in time', () => {
    const { bench, entry, client } = setUp({ leases: 9 });
    const other = bench.client(2);
    entry.ask('/fails');
    failToConnect(client, 0, StreamCode.BACKEND_TIMEOUT);
    entry.ask('/served');
    assert.deepEqual(other.paths, ['/served']);
  });

  it('is waited for rather than one that could not connect, while all its slots are taken', () => {
    const { bench, entry, client } = setUp({ leases: 9 });
    const other = bench.client(1);
    entry.ask('/fails');
    failToConnect(client, 0, StreamCode.BACKEND_REFUSED);
    entry.ask('/served');
    entry.ask('/waits');
    assert.deepEqual(client.paths, ['/fails']);
    other.answer(0);
    assert.deepEqual(other.paths, ['/served', '/waits']);
  });

  it('is one that could not connect where there is no other: it may by now', () => {
    const { entry, client } = setUp();
    entry.ask('/fails');
    failToConnect(client, 0, StreamCode.BACKEND_REFUSED);
    entry.ask('/tried');
    assert.deepEqual(client.paths, ['/fails', '/tried']);
  });

  it('is not one that went silent, until it is heard again', () => {
    const { bench, entry, client } = setUp({ leases: 9 });
    const other = bench.client(3);
    client.gate.shut();
    bench.clock.advance(4_000);
    assert.ok(bench.seen.events.includes('client-late'));
    entry.ask('/a');
    assert.deepEqual([client.paths, other.paths], [[], ['/a']]);
    client.gate.open();
    bench.clock.settle();
    entry.ask('/b');
    assert.deepEqual([client.paths, other.paths], [['/b'], ['/a']]);
  });

  it('may be one that was silent, for those who waited for it, as soon as it is heard again', () => {
    const { bench, entry, client } = setUp({ leases: 9 });
    client.gate.shut();
    bench.clock.advance(4_000);
    entry.ask('/a');
    assert.equal(bench.relay.sessions.get('s')?.waiting, 1);
    client.gate.open();
    bench.clock.settle();
    assert.deepEqual(client.paths, ['/a']);
  });
});

function failToConnect(client: ClientPeer, index: number, code: StreamCode): void {
  client.served[index]!.leg.reset(code, true);
  client.giveBack(1);
}

/** A slot comes free each second; two have since requests wait. */
function busySession(): { bench: RelayBench; entry: EntryPeer; client: ClientPeer } {
  const all = setUp();
  for (let i = 0; i < 6; i += 1) all.entry.ask(`/${i}`);
  for (let i = 0; i < 2; i += 1) {
    all.bench.clock.advance(1_000);
    all.client.answer(i);
  }
  assert.equal(all.bench.relay.sessions.get('s')?.waiting, 3);
  return all;
}
