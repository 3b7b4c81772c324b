/** Raw bytes in, the exact close code out. */
import assert from 'node:assert/strict';
import { Kind, MAX_DATA_BYTES } from '../wire.ts';
import { openHead, readyBench, Recorder } from './bench.ts';
import type { Bench, EndName } from './bench.ts';

/** The least and the most bytes of a kind's payload, as PROTOCOL.md has them. */
export const PAYLOAD_SIZES: readonly (readonly [kind: number, least: number, most: number])[] = [
  [Kind.HELLO, 22, 2_048],
  [Kind.PING, 4, 4],
  [Kind.PONG, 8, 8],
  [Kind.SLOTS, 12, 12],
  [Kind.SESSIONS, 3, 65_536],
  [Kind.GOAWAY, 6, 6],
  [Kind.CANARY, 5, 5],
  [Kind.OPEN, 9, 71_680],
  [Kind.HEAD, 32, 71_680],
  [Kind.DATA, 1, MAX_DATA_BYTES],
  [Kind.END, 0, 71_680],
  [Kind.ABORT, 2, 2],
  [Kind.RESET, 3, 3],
  [Kind.CREDIT, 4, 4],
];

/** Stream 1 is open, where the side under test is the one that opens. */
export function openedBench(end: EndName): Bench {
  const bench = readyBench(end);
  bench.link.openLeg('s', new Recorder()).open(openHead(), false);
  bench.clock.settle();
  return bench;
}

/** The last of `messages`, and none before it, closes the link with `code`, once and leaving nothing behind. */
export function meets(bench: Bench, code: number, ...messages: Buffer[]): void {
  for (const message of messages.slice(0, -1)) {
    bench.tape.give(message);
    assert.ok(!bench.link.isClosed, 'closed too early');
  }
  bench.tape.give(messages.at(-1)!);
  assert.equal(bench.tape.closed?.code, code, `${bench.tape.closed?.reason}`);
  assert.ok(bench.link.isClosed);
  assert.equal(bench.handler.closes.length, 1);
  assert.equal(bench.clock.liveTimers, 0);
}
