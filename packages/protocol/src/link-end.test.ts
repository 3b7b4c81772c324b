import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloseCode, StreamCode } from './codes.ts';
import { block, open, openHead, readyBench, Recorder, responseHead } from './testing/bench.ts';
import type { Bench } from './testing/bench.ts';
import { rawData, rawFrame, rawHead, rawOpen, u16, u32 } from './testing/frames.ts';
import { readyPair } from './testing/link-pair.ts';
import { Kind, MAX_STREAM_ID } from './wire.ts';

const goaway = (code: number, lastId: number): Buffer => rawFrame(Kind.GOAWAY, 0, u16(code), u32(lastId));

describe('GOAWAY', () => {
  it('heard by an opener cuts what had not begun, as not started, and lets the rest finish', () => {
    const bench = readyBench('server');
    const streams = [open(bench), open(bench), open(bench)];
    block(bench);
    const waiting = open(bench);
    bench.tape.give(goaway(StreamCode.DRAINING, 2));
    assert.deepEqual(
      streams.map(({ owner }) => owner.told),
      [[], [], ['cut 12 not-started']],
    );
    assert.deepEqual(waiting.owner.told, ['cut 12 not-started']);
    assert.ok(!bench.link.takesStreams && bench.link.isReady);
    assert.deepEqual(bench.handler.goaways, [12]);
    bench.tape.give(rawHead(1, 204, true));
    streams[0]!.leg.end([]);
    assert.ok(streams[0]!.leg.isOver);
    assert.deepEqual(streams[0]!.owner.told, ['head 204 last']);
  });

  it('said by an acceptor names the last stream it took, and drops those that crossed it', () => {
    const bench = readyBench('client');
    bench.tape.give(rawOpen(1), rawOpen(2));
    bench.link.goAway(StreamCode.DRAINING);
    bench.clock.settle();
    const said = bench.tape.frames().find((frame) => frame.kind === Kind.GOAWAY);
    assert.deepEqual(said?.payload, Buffer.concat([u16(12), u32(2)]));
    bench.tape.give(rawOpen(3), rawData(3, 10), rawFrame(Kind.END, 3));
    assert.equal(bench.handler.opened.length, 2);
    bench.tape.give(rawData(2, 10));
    assert.deepEqual(bench.handler.opened[1]!.owner.told, ['data 10']);
    assert.ok(!bench.link.isClosed);
  });

  it('is said once', () => {
    const bench = readyBench('client');
    bench.link.goAway(StreamCode.DRAINING);
    bench.link.goAway(StreamCode.DRAINING);
    bench.clock.settle();
    assert.equal(bench.tape.frames().filter((frame) => frame.kind === Kind.GOAWAY).length, 1);
  });

  it('said by an opener stops it from opening, and the acceptor goes on with what runs', () => {
    const { clock, opener, acceptor } = readyPair('server');
    const leg = opener.link.openLeg('s', new Recorder());
    leg.open(openHead(), true);
    opener.link.goAway(StreamCode.DRAINING);
    clock.settle();
    assert.ok(!opener.link.takesStreams);
    assert.deepEqual(acceptor.handler.goaways, [12]);
    acceptor.handler.opened[0]!.leg.head(responseHead(), true);
    clock.settle();
    assert.ok(leg.isOver);
  });
});

describe('a way that is about to end', () => {
  it('is left as if the peer had said GOAWAY, and the peer is told so, once', () => {
    for (const role of ['client', 'server'] as const) {
      const bench = readyBench(role);
      bench.tape.handler!.onLeaving();
      bench.tape.handler!.onLeaving();
      bench.clock.settle();
      assert.deepEqual(bench.handler.goaways, [StreamCode.LINK_LOST]);
      assert.equal(bench.tape.frames().filter((frame) => frame.kind === Kind.GOAWAY).length, 1);
      assert.ok(!bench.link.takesStreams && bench.link.isReady);
    }
  });
});

describe('a lost link', () => {
  const losses: [string, (bench: Bench) => void][] = [
    ['closed by the transport', ({ tape }) => tape.handler!.onClosed(1006, '')],
    ['closed by us', ({ link }) => link.close(CloseCode.DONE, '')],
    ['closed for a fault', ({ tape }) => tape.give(rawFrame(Kind.PING, 1, u32(0)))],
    ['dead', ({ clock }) => clock.advance(20_000)],
  ];
  for (const [name, lose] of losses) {
    it(`cuts what had left as started, and what had not as not started: ${name}`, () => {
      const bench = readyBench('server');
      const departed = open(bench);
      block(bench);
      const waiting = open(bench);
      const finished = open(bench);
      finished.leg.reset(StreamCode.CANCELLED, false);
      lose(bench);
      assert.deepEqual(departed.owner.told, ['cut 7 in-order']);
      assert.deepEqual(waiting.owner.told, ['cut 7 not-started in-order']);
      assert.deepEqual(finished.owner.told, []);
      assert.ok(bench.link.isClosed);
      assert.equal(bench.handler.closes.length, 1);
      assert.equal(bench.link.legs.size, 0);
      assert.equal(bench.link.egress.queuedBytes, 0);
    });
  }

  it('tells its owner only after all its legs', () => {
    const bench = readyBench('server');
    const { owner } = open(bench);
    bench.clock.settle();
    let toldAtClose: string[] = [];
    bench.handler.onClosed = () => void (toldAtClose = [...owner.told]);
    bench.tape.handler!.onClosed(1006, '');
    assert.deepEqual(toldAtClose, ['cut 7 in-order']);
  });

  it('takes no message and says no word after its end', () => {
    const bench = readyBench('client');
    bench.link.close(CloseCode.DONE, 'bye');
    const { sentBytes } = bench.tape;
    bench.tape.give(rawOpen(1), rawFrame(Kind.PING, 0, u32(1)));
    bench.link.sendSlots({ leases: 1, returned: 0, waiting: 0 });
    bench.link.goAway(12);
    bench.clock.advance(5_000);
    assert.equal(bench.tape.sentBytes, sentBytes);
    assert.equal(bench.handler.opened.length, 0);
    assert.deepEqual(bench.tape.closed, { code: CloseCode.DONE, reason: 'bye' });
  });

  it('sends what was said before a close', () => {
    const bench = readyBench('server');
    open(bench).leg.reset(StreamCode.CANCELLED, false);
    bench.link.close(CloseCode.DONE, '');
    assert.deepEqual(
      bench.tape.frames().map((frame) => frame.kind),
      [Kind.OPEN, Kind.RESET],
    );
  });
});

describe('stream ids', () => {
  it('that run out rotate the link: GOAWAY, its owner told, and what is open goes on', () => {
    const bench = readyBench('server', { maxStreamId: 3 });
    const streams = [open(bench), open(bench), open(bench)];
    assert.ok(!bench.link.takesStreams);
    bench.clock.settle();
    assert.deepEqual(bench.handler.goaways, [StreamCode.LINK_LOST]);
    const frames = bench.tape.frames().map(({ kind, id }) => `${kind} ${id}`);
    const opens = [1, 2, 3].map((id) => `${Kind.OPEN} ${id}`);
    assert.deepEqual(frames, [...opens, `${Kind.GOAWAY} 0`], 'GOAWAY comes behind the last OPEN');
    bench.tape.give(rawHead(3, 200, true));
    assert.deepEqual(streams[2]!.owner.told, ['head 200 last']);
  });

  it('are never given beyond the last one: what still waits is cut as not started', () => {
    const bench = readyBench('server', { maxStreamId: 3 });
    block(bench);
    const streams = [open(bench), open(bench), open(bench), open(bench)];
    streams[3]!.leg.data(Buffer.from('body'), 0, 4);
    while (bench.link.egress.queuedBytes > 0) {
      bench.tape.confirm();
      bench.clock.settle();
      const ping = bench.tape.frames().findLast((frame) => frame.kind === Kind.PING);
      if (ping !== undefined) bench.tape.give(rawFrame(Kind.PONG, 0, ping.payload, u32(bench.tape.sentBytes)));
    }
    assert.equal(bench.link.highestId, 3);
    assert.deepEqual(
      streams.map(({ leg }) => leg.id),
      [2, 3, 0, 0],
    );
    const told = streams.map(({ owner }) => owner.told.join());
    assert.deepEqual(told, ['', '', 'cut 12 not-started', 'cut 12 not-started']);
  });

  it('reach the largest there is on the acceptor’s side', () => {
    const bench = readyBench('client');
    bench.tape.give(rawOpen(MAX_STREAM_ID));
    assert.equal(bench.handler.opened[0]?.leg.id, MAX_STREAM_ID);
    assert.ok(!bench.link.isClosed);
  });
});
