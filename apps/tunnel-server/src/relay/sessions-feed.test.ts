import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloseCode, Kind, Role } from '@sallyport/protocol';
import type { SessionState, SessionsUpdate } from '@sallyport/protocol';
import { decodeSessions } from '../../../../packages/protocol/src/control.ts';
import { rawFrame, rawHello, u32 } from '../../../../packages/protocol/src/testing/frames.ts';
import { Tape } from '../../../../packages/protocol/src/testing/tape.ts';
import { ownerOf, RelayBench } from '../testing/relay-bench.ts';
import type { ClientPeer, EntryPeer } from '../testing/relay-bench.ts';

const LOAD_PERIOD_MS = 50;
const LONGEST_SESSION = 63;
const LONGEST_PRINCIPAL = 64;

/** What an entry was told since `from`, in short. */
function told(entry: EntryPeer, from = 0): string[] {
  return entry.handler.sessions.slice(from).flatMap(({ sessions }) => sessions.map(inShort));
}

function inShort({ session, principal, links, free, waiting }: SessionState): string {
  return `${session} of ${principal}: ${links} links, ${free} free, ${waiting} waiting`;
}

function flagsOf({ reset, complete, sessions }: SessionsUpdate): [boolean, boolean, number] {
  return [reset, complete, sessions.length];
}

describe('an entry that joins', () => {
  it('hears a full list, complete with its last frame, be it empty', () => {
    const bench = new RelayBench();
    assert.deepEqual(bench.entry().handler.sessions.map(flagsOf), [[true, true, 0]]);
    bench.client(3, { session: 'a', owner: ownerOf('alice') });
    bench.client(4, { session: 'b', owner: ownerOf('bob') });
    const entry = bench.entry();
    assert.deepEqual(entry.handler.sessions.map(flagsOf), [[true, true, 2]]);
    assert.deepEqual(told(entry), ['a of alice: 1 links, 3 free, 0 waiting', 'b of bob: 1 links, 4 free, 0 waiting']);
  });

  it('hears of many sessions in several frames, none over its limit', () => {
    const bench = new RelayBench();
    for (let i = 0; i < 450; i += 1) {
      bench.client(1, { session: `${i}-`.padEnd(LONGEST_SESSION, 'x'), owner: ownerOf('p'.repeat(LONGEST_PRINCIPAL)) });
    }
    const entry = bench.entry();
    assert.deepEqual(entry.handler.sessions.map(flagsOf), [
      [true, false, 200],
      [false, false, 200],
      [false, true, 50],
    ]);
    assert.equal(new Set(told(entry)).size, 450);
    assert.equal(entry.closedWith, null);
  });

  it('is not told of sessions that nobody serves now', () => {
    const bench = new RelayBench();
    bench.client(3).die();
    assert.deepEqual(told(bench.entry()), []);
  });
});

describe('who comes and goes', () => {
  it('is told in the same turn, without any time passing', () => {
    const bench = new RelayBench();
    const entries = [bench.entry(), bench.entry()];
    const client = bench.client(3);
    const before = bench.clock.nowMs();
    for (const entry of entries) assert.deepEqual(told(entry), ['s of someone: 1 links, 3 free, 0 waiting']);
    client.die();
    for (const entry of entries) assert.deepEqual(told(entry, 2), ['s of someone: 0 links, 0 free, 0 waiting']);
    assert.equal(bench.clock.nowMs(), before);
  });

  it('is told in one frame for all that a turn brought', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    const [a, b] = [bench.client(1, { session: 'a' }), bench.client(1, { session: 'b' })];
    const before = entry.handler.sessions.length;
    a.link.close(4000, 'left');
    b.link.close(4000, 'left');
    bench.clock.settle();
    assert.deepEqual(entry.handler.sessions.slice(before).map(flagsOf), [[false, false, 2]]);
  });

  it('is told also of a client that says it will go: it counts no more', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    bench.client(3).link.goAway(12);
    bench.clock.settle();
    assert.deepEqual(told(entry, 2), ['s of someone: 0 links, 0 free, 0 waiting']);
  });

  it('is not told to an entry that has left', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    entry.die();
    bench.client(1);
    assert.equal(entry.handler.sessions.length, 1);
  });
});

describe('how busy a session is', () => {
  it('is told after 50 ms, once for all that happened in them', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    bench.client(3);
    const before = entry.handler.sessions.length;
    for (let i = 0; i < 5; i += 1) entry.ask();
    bench.clock.advance(LOAD_PERIOD_MS - 1);
    assert.equal(entry.handler.sessions.length, before);
    bench.clock.advance(1);
    bench.clock.settle();
    assert.deepEqual(told(entry, before), ['s of someone: 1 links, 0 free, 2 waiting']);
  });

  it('is told at most every 50 ms under load', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    const client = bench.client(1);
    const before = entry.handler.sessions.length;
    for (let i = 0; i < 200; i += 1) {
      entry.ask();
      client.answer(i);
      bench.clock.advance(5);
    }
    bench.clock.advance(LOAD_PERIOD_MS);
    const updates = entry.handler.sessions.length - before;
    assert.ok(updates >= 15 && updates <= 20, `${updates} in a second`);
  });

  it('goes along with news of who came', () => {
    const bench = new RelayBench();
    const entry = bench.entry();
    bench.client(3);
    entry.ask();
    const before = entry.handler.sessions.length;
    bench.client(1, { session: 'other' });
    assert.deepEqual(told(entry, before), [
      's of someone: 1 links, 2 free, 0 waiting',
      'other of someone: 1 links, 1 free, 0 waiting',
    ]);
    bench.clock.advance(LOAD_PERIOD_MS);
    assert.equal(entry.handler.sessions.length, before + 1);
  });
});

/** An uplink whose entry goes on to send and takes nothing, and fifty sessions that are busy. */
class Unread {
  readonly bench = new RelayBench();
  readonly clients: readonly ClientPeer[];
  readonly tape = new Tape();
  readonly queuedBytes: () => number;

  constructor() {
    const { bench, tape } = this;
    this.clients = Array.from({ length: 50 }, (_, i) => bench.client(1, { session: `session-${i}` }));
    const link = bench.relay.acceptUplink(tape, ownerOf('entries'));
    this.queuedBytes = () => link.egress.queuedBytes;
    tape.give(rawHello(Role.ENTRY));
  }

  /** All sessions change each 50 ms. */
  pass(seconds: number): void {
    for (let i = 0; i < (seconds * 1_000) / LOAD_PERIOD_MS; i += 1) {
      const leases = 1 + (i % 9);
      for (const { link } of this.clients) link.sendSlots({ leases, returned: 0, waiting: 0 });
      this.bench.clock.advance(LOAD_PERIOD_MS);
      if (i % 20 === 0) this.tape.give(rawFrame(Kind.PING, 0, u32(i)));
    }
  }

  /** What it has been told of each session by now. */
  read(): Map<string, number> {
    const free = new Map<string, number>();
    for (let turn = 0; turn < 10; turn += 1) {
      this.tape.confirm();
      this.bench.clock.advance(LOAD_PERIOD_MS);
    }
    for (const { kind, payload } of this.tape.frames()) {
      if (kind !== Kind.SESSIONS) continue;
      const update = decodeSessions(payload, 0, payload.length);
      for (const each of update!.sessions) free.set(each.session, each.free);
    }
    return free;
  }
}

describe('an entry that takes nothing and goes on to send', () => {
  it('has no more queued for it than was told once, and hears what is so now when it takes it', () => {
    const unread = new Unread();
    unread.pass(30);
    assert.ok(unread.queuedBytes() < 8_192, `${unread.queuedBytes()} bytes`);
    const now = unread.clients.map(({ serverLink }) => unread.bench.relay.clientLinks.get(serverLink)!.free);
    assert.deepEqual([...unread.read().values()], now);
    unread.pass(1);
    assert.equal(unread.read().size, 50);
    assert.equal(unread.tape.closed, null);
  });

  it('is closed as a flood when what it was told has waited for a minute', () => {
    const unread = new Unread();
    const other = unread.bench.entry();
    unread.pass(50);
    const closes = () => unread.tape.closed?.code;
    assert.equal(closes(), undefined);
    unread.pass(30);
    assert.equal(closes(), CloseCode.FLOOD);
    assert.equal(other.closedWith, null);
    assert.equal(unread.bench.relay.uplinks.size, 1);
  });
});
