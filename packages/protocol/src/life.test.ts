import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newBench, readyBench } from './testing/bench.ts';
import type { Bench } from './testing/bench.ts';
import { rawFrame, rawHello, u32 } from './testing/frames.ts';
import { CloseCode } from './codes.ts';
import { Kind, Role } from './wire.ts';

const PING_OF_PEER = rawFrame(Kind.PING, 0, u32(9));
const canaryReply = (serial: number): Buffer => rawFrame(Kind.CANARY, 0, u32(serial), Buffer.from([1]));

function kinds({ tape, clock }: Bench): number[] {
  clock.settle();
  return tape.frames().map((frame) => frame.kind);
}

/** What the peer would see if it had answered the PINGs so far. */
function pongFor(bench: Bench): Buffer {
  const ping = bench.tape.frames().findLast((frame) => frame.kind === Kind.PING)!;
  return rawFrame(Kind.PONG, 0, ping.payload, u32(bench.tape.sentBytes));
}

describe('a link’s life', () => {
  it('ends after two heartbeats in silence, not before, and without a closing handshake', () => {
    const bench = readyBench('client');
    bench.clock.advance(1_000);
    bench.tape.give(PING_OF_PEER);
    bench.clock.advance(10_999);
    assert.ok(!bench.link.isClosed);
    bench.clock.advance(1);
    assert.deepEqual(bench.handler.closes, [
      { code: CloseCode.DEAD, reason: 'nothing heard for two heartbeats', by: 'us' },
    ]);
    assert.ok(bench.tape.isDestroyed);
    assert.equal(bench.tape.closed, null);
    assert.equal(bench.clock.liveTimers, 0);
  });

  it('asks by a PING after one heartbeat in silence', () => {
    const bench = readyBench('client');
    bench.clock.advance(1_000);
    bench.tape.give(PING_OF_PEER);
    kinds(bench);
    bench.clock.advance(5_000);
    assert.deepEqual(kinds(bench), []);
    bench.clock.advance(1_000);
    assert.deepEqual(kinds(bench), [Kind.PING]);
    bench.clock.advance(3_000);
    assert.deepEqual(kinds(bench), [], 'one PING under way is enough');
  });

  it('goes on as long as anything arrives', () => {
    const bench = readyBench('client');
    for (let i = 0; i < 20; i += 1) {
      bench.clock.advance(9_000);
      bench.tape.give(PING_OF_PEER);
      assert.ok(!bench.link.isClosed);
    }
  });

  it('does not end because we ourselves were stopped', () => {
    const bench = readyBench('client');
    bench.clock.advance(4_000);
    bench.clock.jump(3_600_000);
    bench.clock.settle();
    assert.ok(!bench.link.isClosed);
    bench.tape.give(PING_OF_PEER);
    bench.clock.advance(9_000);
    assert.ok(!bench.link.isClosed);
  });

  it('still ends in time when the peer is gone after our own stop', () => {
    const bench = readyBench('client');
    bench.clock.jump(3_600_000);
    bench.clock.advance(10_000);
    assert.ok(bench.link.isClosed);
  });

  it('sends a canary every second from the opener, the next one when the last is back', () => {
    const bench = readyBench('server');
    bench.clock.advance(1_000);
    assert.deepEqual(kinds(bench), [Kind.CANARY]);
    bench.clock.advance(1_000);
    assert.deepEqual(kinds(bench), []);
    bench.tape.give(canaryReply(1));
    bench.clock.advance(1_000);
    assert.deepEqual(kinds(bench), [Kind.CANARY]);
    bench.clock.advance(250);
    bench.tape.give(canaryReply(2));
    assert.deepEqual(bench.handler.canaries, [1, 0.25]);
  });

  it('ignores an answer to an older canary', () => {
    const bench = readyBench('server');
    bench.clock.advance(1_000);
    bench.tape.give(canaryReply(7));
    assert.deepEqual(bench.handler.canaries, []);
    bench.tape.give(canaryReply(1));
    bench.tape.give(canaryReply(1));
    assert.deepEqual(bench.handler.canaries, [0]);
  });

  it('sends no canary from the acceptor, which answers', () => {
    const bench = readyBench('client');
    bench.clock.advance(3_000);
    assert.deepEqual(kinds(bench), []);
    bench.tape.give(rawFrame(Kind.CANARY, 0, u32(77), Buffer.from([0])));
    bench.clock.settle();
    assert.deepEqual(bench.tape.frames(), [
      { kind: Kind.CANARY, last: false, id: 0, payload: Buffer.from([0, 0, 0, 77, 1]) },
    ]);
  });

  it('is given no streams while a canary is late, and again when anything arrives', () => {
    const bench = readyBench('server');
    bench.clock.advance(1_000);
    bench.clock.advance(2_000);
    assert.ok(bench.link.takesStreams, '2 s are not over yet');
    bench.clock.advance(1_000);
    assert.deepEqual(bench.handler.late, [true]);
    assert.ok(!bench.link.takesStreams);
    assert.ok(bench.link.isReady);
    bench.tape.give(PING_OF_PEER);
    assert.deepEqual(bench.handler.late, [true, false]);
    assert.ok(bench.link.takesStreams);
  });

  it('calls no canary late while anything at all arrives behind it', () => {
    const bench = readyBench('server');
    bench.clock.advance(1_000);
    for (let i = 0; i < 8; i += 1) {
      bench.tape.give(PING_OF_PEER);
      bench.clock.advance(1_000);
    }
    assert.deepEqual(bench.handler.late, []);
  });

  it('waits eight round trips for a canary on a far link', () => {
    const bench = newBench('server');
    bench.clock.advance(400);
    bench.tape.give(rawHello(Role.CLIENT), pongFor(bench));
    assert.equal(bench.link.smoothedRttMs, 400);
    bench.clock.advance(600 + 3_000);
    assert.deepEqual(bench.handler.late, []);
    bench.clock.advance(1_000);
    assert.deepEqual(bench.handler.late, [true]);
  });

  it('leaves no timer behind, whichever way it ends', () => {
    const closers: ((bench: Bench) => void)[] = [
      ({ link }) => link.close(CloseCode.DONE, ''),
      ({ link }) => link.dead(),
      ({ tape }) => tape.handler!.onClosed(1006, ''),
      ({ tape }) => tape.handler!.onText(),
    ];
    for (const close of closers) {
      for (const bench of [newBench('server'), readyBench('server')]) {
        bench.clock.advance(1_000);
        close(bench);
        bench.clock.settle();
        assert.equal(bench.clock.liveTimers, 0);
        assert.equal(bench.handler.closes.length, 1);
      }
    }
  });
});
