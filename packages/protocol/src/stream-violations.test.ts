/** PROTOCOL.md's table of violations, row by row: frames out of their place in a stream, beyond credit, or unread. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloseCode } from './codes.ts';
import { readyBench, responseHead } from './testing/bench.ts';
import type { Recorder } from './testing/bench.ts';
import { rawData, rawFrame, rawHead, rawOpen, u16, u32 } from './testing/frames.ts';
import { meets, openedBench } from './testing/violations.ts';
import { Kind, MAX_DATA_BYTES, MAX_WINDOW_BYTES } from './wire.ts';

const { STREAM_STATE, FLOW_CONTROL, FLOOD } = CloseCode;
const FOUR = u32(0);
const end = (id: number): Buffer => rawFrame(Kind.END, id);
const credit = (id: number, bytes: number): Buffer => rawFrame(Kind.CREDIT, id, u32(bytes));
const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

describe('4004 stream-state meets', () => {
  it('DATA or END before the final head', () => {
    meets(openedBench('server'), STREAM_STATE, rawData(1, 1));
    meets(openedBench('server'), STREAM_STATE, rawHead(1, 100), rawData(1, 1));
    meets(openedBench('server'), STREAM_STATE, end(1));
  });

  it('DATA behind END, END twice, and either behind LAST, while the other direction still runs', () => {
    meets(openedBench('server'), STREAM_STATE, rawHead(1, 200), end(1), rawData(1, 1));
    meets(openedBench('server'), STREAM_STATE, rawHead(1, 200), end(1), end(1));
    meets(openedBench('server'), STREAM_STATE, rawHead(1, 204, true), rawData(1, 1));
    meets(readyBench('client'), STREAM_STATE, rawOpen(1), end(1), rawData(1, 1));
    meets(readyBench('client'), STREAM_STATE, rawOpen(1), end(1), end(1));
    meets(readyBench('client'), STREAM_STATE, rawOpen(1, 's', true), end(1));
  });

  it('a second final head, and an informational one behind the final one', () => {
    meets(openedBench('server'), STREAM_STATE, rawHead(1, 200), rawHead(1, 200));
    meets(openedBench('server'), STREAM_STATE, rawHead(1, 101), rawHead(1, 200));
    meets(openedBench('server'), STREAM_STATE, rawHead(1, 200), rawHead(1, 103));
  });

  it('the seventeenth informational head', () => {
    meets(openedBench('server'), STREAM_STATE, ...times(17, () => rawHead(1, 103)));
    const bench = openedBench('server');
    for (const head of times(16, () => rawHead(1, 103))) bench.tape.give(head);
    bench.tape.give(rawHead(1, 200));
    assert.ok(!bench.link.isClosed);
  });
});

describe('4005 flow-control meets', () => {
  it('one byte of DATA beyond the credit, in either direction', () => {
    meets(readyBench('client'), FLOW_CONTROL, rawOpen(1), rawData(1, MAX_DATA_BYTES), rawData(1, 1));
    meets(openedBench('server'), FLOW_CONTROL, rawHead(1, 200), rawData(1, MAX_DATA_BYTES), rawData(1, 1));
  });

  it('DATA beyond what was granted since', () => {
    const bench = readyBench('client');
    bench.tape.give(rawOpen(1), rawData(1, MAX_DATA_BYTES));
    bench.handler.opened[0]!.leg.grant(100);
    bench.tape.give(rawData(1, 100));
    meets(bench, FLOW_CONTROL, rawData(1, 1));
  });

  it('CREDIT of nothing, and to more than 8 MiB outstanding', () => {
    meets(readyBench('client'), FLOW_CONTROL, rawOpen(1), credit(1, 0));
    meets(readyBench('client'), FLOW_CONTROL, rawOpen(1), credit(1, MAX_WINDOW_BYTES - 16_383));
    meets(readyBench('client'), FLOW_CONTROL, rawOpen(1), credit(1, MAX_WINDOW_BYTES - 16_384), credit(1, 1));
    meets(readyBench('client'), FLOW_CONTROL, rawOpen(1), credit(1, 0xffff_ffff));
  });
});

describe('4009 flood meets', () => {
  it('more than 256 KiB of answers that nobody reads', () => {
    const bench = readyBench('client');
    const pings = Buffer.concat(times(1_000, () => rawFrame(Kind.PING, 0, FOUR)));
    let given = 0;
    while (!bench.link.isClosed) {
      bench.tape.give(pings);
      given += 1;
      assert.ok(given < 100, 'answers without a limit');
      assert.ok(bench.link.egress.urgentBytes <= 256 * 1024 + 16_000);
    }
    assert.equal(bench.tape.closed?.code, FLOOD);
    const answered = given * 16_000;
    assert.ok(answered > 384 * 1024, 'the transport takes 128 KiB before anything waits');
  });

  it('more than 256 KiB of SLOTS that a server had given back and does not read', () => {
    const bench = readyBench('client');
    let given = 0;
    while (!bench.link.isClosed) {
      times(1_000, () => bench.link.sendSlots({ leases: 1, returned: given, waiting: 0 }));
      bench.tape.give(rawFrame(Kind.PING, 0, FOUR));
      given += 1;
      assert.ok(given < 100, 'SLOTS without a limit');
    }
    assert.equal(bench.tape.closed?.code, FLOOD);
  });

  it('nobody who reads what he asked for', () => {
    const bench = readyBench('client');
    const pings = Buffer.concat(times(1_000, () => rawFrame(Kind.PING, 0, FOUR)));
    for (let i = 0; i < 100; i += 1) {
      bench.tape.give(pings);
      bench.clock.settle();
      bench.tape.confirm();
    }
    assert.equal(bench.tape.closed, null);
  });
});

describe('dropped without a word is', () => {
  it('a frame for a stream that is over', () => {
    const bench = readyBench('client');
    bench.tape.give(rawOpen(1), rawFrame(Kind.RESET, 1, u16(1), Buffer.from([0])));
    const late = [rawData(1, MAX_DATA_BYTES), rawData(1, 1), end(1), end(1), credit(1, 0)];
    bench.tape.give(...late, rawFrame(Kind.ABORT, 1, u16(1)), rawFrame(Kind.RESET, 1, u16(1), Buffer.from([1])));
    assert.ok(!bench.link.isClosed);
    assert.deepEqual(bench.handler.opened[0]!.owner.told, ['cut 1']);
  });

  it('a frame for a stream that both sides ended', () => {
    const bench = readyBench('client');
    bench.tape.give(rawOpen(1, 's', true));
    bench.handler.opened[0]!.leg.head(responseHead(), true);
    bench.tape.give(rawData(1, 1), credit(1, 5));
    assert.ok(!bench.link.isClosed);
    assert.deepEqual(bench.handler.opened[0]!.owner.told, []);
  });

  it('a frame for an id that was passed over', () => {
    const bench = readyBench('client');
    bench.tape.give(rawOpen(10), rawData(4, 1));
    assert.ok(!bench.link.isClosed);
  });

  it('CREDIT for a direction that has ended', () => {
    const bench = openedBench('server');
    const leg = bench.link.legs.get(1)!;
    leg.end([]);
    bench.tape.give(credit(1, 5));
    assert.equal(leg.sendCredit, 16_384);
    assert.deepEqual((leg.owner as Recorder).told, []);
  });
});
