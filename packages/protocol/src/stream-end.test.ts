import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StreamCode } from './codes.ts';
import { WindowBudget } from './credit.ts';
import { StreamEnd } from './stream-end.ts';
import type { StreamHandler } from './stream-end.ts';
import { openHead, readyBench, responseHead } from './testing/bench.ts';
import type { Bench } from './testing/bench.ts';
import { check } from './testing/check.ts';
import { rawData, rawFrame, rawHead, rawOpen, rawTable, u16, u32 } from './testing/frames.ts';
import { readyPair } from './testing/link-pair.ts';
import { INITIAL_WINDOW_BYTES as W0, Kind, MAX_WINDOW_BYTES } from './wire.ts';

const BUDGET_BYTES = 64 * 1024 * 1024;

class Told implements StreamHandler {
  readonly told: string[] = [];
  readonly chunks: Buffer[] = [];
  onHead = (head: { status: number }, last: boolean): void => this.#note(`head ${head.status}${last ? ' last' : ''}`);
  onEnd = (trailers: readonly string[]): void => this.#note(`end ${trailers.join('=')}`);
  onCut = (code: number, notStarted: boolean): void => this.#note(`cut ${code}${notStarted ? ' not-started' : ''}`);
  onWritable = (): void => this.#note('writable');
  onCredit = (): void => this.#note('credit');
  onData(chunk: Buffer): void {
    this.#note(`data ${chunk.length}`);
    this.chunks.push(chunk);
  }
  #note(what: string): void {
    this.told.push(what);
  }
}

interface Fixture {
  readonly bench: Bench;
  readonly budget: WindowBudget;
  readonly handler: Told;
  readonly end: StreamEnd;
}

function newEnd(bench: Bench): Omit<Fixture, 'bench'> {
  const budget = new WindowBudget(BUDGET_BYTES);
  const handler = new Told();
  const end = new StreamEnd({ clock: bench.clock, budget, maxWindowBytes: MAX_WINDOW_BYTES }, handler);
  return { budget, handler, end };
}

/** Where requests begin: stream 1 has left. */
function requestEnd(): Fixture {
  const bench = readyBench('entry');
  const fixture = newEnd(bench);
  const leg = bench.link.openLeg('s', fixture.end);
  fixture.end.attach(leg);
  leg.open(openHead(), false);
  bench.clock.settle();
  bench.tape.frames();
  return { bench, ...fixture };
}

/** Where requests arrive: stream 1 is here. */
function responseEnd(): Fixture {
  const bench = readyBench('client');
  const fixture = newEnd(bench);
  bench.tape.give(rawOpen(1));
  fixture.end.attach(bench.handler.opened[0]!.leg);
  return { bench, ...fixture };
}

/** Kinds and sizes of what has left since the last look. */
function left({ bench }: Fixture): string[] {
  bench.clock.settle();
  return bench.tape.frames().map(({ kind, payload }) => {
    const name = Object.entries(Kind).find(([, number]) => number === kind)![0];
    return name === 'DATA' ? `DATA ${payload.length}` : name;
  });
}

const credit = (bytes: number): Buffer => rawFrame(Kind.CREDIT, 1, u32(bytes));

describe('a stream’s end, sending', () => {
  it('sends what credit allows, keeps the rest, and says when it has all left', () => {
    const fixture = requestEnd();
    const { bench, handler, end } = fixture;
    assert.equal(end.write(Buffer.alloc(W0 - 10)), true);
    assert.equal(end.write(Buffer.alloc(30)), false);
    assert.equal(end.pendingBytes, 20);
    assert.deepEqual(left(fixture), [`DATA ${W0 - 10}`, 'DATA 10']);
    bench.tape.give(credit(15));
    assert.deepEqual(handler.told, ['credit']);
    bench.tape.give(credit(5));
    assert.deepEqual(handler.told, ['credit', 'credit', 'writable']);
    assert.equal(end.pendingBytes, 0);
    assert.deepEqual(left(fixture), ['DATA 15', 'DATA 5']);
  });

  it('puts END behind what waits for credit', () => {
    const fixture = requestEnd();
    fixture.end.write(Buffer.alloc(W0 + 1));
    fixture.end.end(['t', 'v']);
    assert.deepEqual(left(fixture), [`DATA ${W0}`]);
    fixture.bench.tape.give(credit(1));
    assert.deepEqual(left(fixture), ['DATA 1', 'END']);
    assert.deepEqual(fixture.handler.told, ['credit'], 'nothing more is wanted behind an end');
  });

  it('puts ABORT behind what waits for credit, also where an END waited', () => {
    for (const endsFirst of [false, true]) {
      const fixture = requestEnd();
      fixture.end.write(Buffer.alloc(W0 + 1));
      if (endsFirst) fixture.end.end([]);
      fixture.end.abort(StreamCode.CANCELLED);
      assert.deepEqual(left(fixture), [`DATA ${W0}`]);
      fixture.bench.tape.give(credit(5));
      assert.deepEqual(left(fixture), ['DATA 1', 'ABORT']);
      assert.ok(fixture.end.isOver);
    }
  });

  it('forgets what waits when it resets or is cut', () => {
    const cuts: ((fixture: Fixture) => void)[] = [
      ({ end }) => end.reset(StreamCode.CANCELLED),
      ({ bench }) => bench.tape.give(rawFrame(Kind.RESET, 1, u16(13), Buffer.from([1]))),
      ({ bench }) => bench.tape.handler!.onClosed(1006, ''),
    ];
    for (const cut of cuts) {
      const fixture = requestEnd();
      fixture.end.write(Buffer.alloc(W0 + 1_000));
      cut(fixture);
      assert.equal(fixture.end.pendingBytes, 0);
      assert.ok(fixture.end.isOver);
      assert.equal(fixture.end.write(Buffer.alloc(10)), true, 'a writer is not held up by a stream that is over');
      assert.equal(fixture.end.pendingBytes, 0);
    }
  });
});

describe('a stream’s end, receiving', () => {
  it('grants as its consumer consumes, not as bytes arrive', () => {
    const fixture = responseEnd();
    fixture.bench.clock.advance(500);
    fixture.bench.tape.give(rawData(1, W0));
    assert.deepEqual(left(fixture), []);
    fixture.end.consumed(1);
    fixture.bench.clock.advance(500);
    fixture.end.consumed(W0 / 2);
    assert.deepEqual(left(fixture), ['CREDIT']);
  });

  it('grants nothing, and takes nothing from the budget, once all has arrived', () => {
    const fixture = responseEnd();
    const { bench, end, budget } = fixture;
    end.consumed(0);
    bench.tape.give(rawData(1, W0), rawFrame(Kind.END, 1));
    end.consumed(W0);
    assert.equal(budget.usedBytes, 0);
    bench.handler.opened[0]!.leg.head(responseHead(), true);
    assert.ok(end.isOver);
    assert.equal(budget.usedBytes, 0);
    assert.deepEqual(left(fixture), ['HEAD']);
  });

  it('gives its window back to the budget however the stream ends', () => {
    const ends: ((fixture: Fixture) => void)[] = [
      ({ bench }) => bench.tape.give(rawFrame(Kind.END, 1)),
      ({ bench }) => bench.tape.give(rawFrame(Kind.ABORT, 1, u16(1))),
      ({ bench }) => bench.tape.give(rawFrame(Kind.RESET, 1, u16(1), Buffer.from([0]))),
      ({ bench }) => bench.tape.handler!.onClosed(1006, ''),
      ({ bench }) => bench.tape.give(rawFrame(Kind.END, 1, Buffer.from([9]))),
      ({ end }) => end.reset(StreamCode.CANCELLED),
      ({ end }) => end.abort(StreamCode.BACKEND_RESET),
    ];
    for (const finish of ends) {
      const fixture = responseEnd();
      fixture.end.setRoundTrip(50_000);
      for (let i = 0; i < 4; i += 1) {
        fixture.bench.tape.give(rawData(1, W0));
        fixture.end.consumed(W0);
        fixture.bench.clock.settle();
      }
      assert.ok(fixture.budget.usedBytes > 0);
      finish(fixture);
      assert.equal(fixture.budget.usedBytes, 0);
      fixture.end.consumed(W0);
      assert.equal(fixture.budget.usedBytes, 0);
    }
  });

  it('resets a stream whose head or trailers are torn with `protocol`, or not HTTP with `bad-head`, and says so once', () => {
    const torn = rawFrame(Kind.HEAD, 1, u16(200), Buffer.alloc(28), Buffer.from([0, 9]));
    const cases: [Buffer[], number, string[]][] = [
      [[torn], StreamCode.PROTOCOL, []],
      [[rawHead(1, 200, false, 'OK', 'a', 'b\r\n')], StreamCode.BAD_HEAD, []],
      [[rawHead(1, 99)], StreamCode.BAD_HEAD, []],
      [[rawHead(1, 200, true, 'OK', 'a b', '')], StreamCode.BAD_HEAD, []],
      [[rawHead(1, 200), rawFrame(Kind.END, 1, Buffer.from([0]))], StreamCode.PROTOCOL, ['head 200']],
      [[rawHead(1, 200), rawFrame(Kind.END, 1, rawTable('a', '\0'))], StreamCode.BAD_HEAD, ['head 200']],
    ];
    for (const [frames, code, before] of cases) {
      const fixture = requestEnd();
      fixture.bench.tape.give(...frames);
      assert.deepEqual(fixture.handler.told, [...before, `cut ${code}`]);
      fixture.bench.clock.settle();
      const said = fixture.bench.tape.frames().map(({ kind, payload }) => `${kind} ${payload.readUInt16BE(0)}`);
      assert.deepEqual(said, [`${Kind.RESET} ${code}`]);
      assert.ok(!fixture.bench.link.isClosed);
      fixture.bench.tape.give(rawData(1, 1));
      assert.deepEqual(fixture.handler.told.length, before.length + 1);
    }
  });
});

describe('two ends of a stream', () => {
  it('pass every byte in order, whatever the sizes of writes and the pace of the reader', (t) => {
    const sizes = fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 25 });
    const pace = fc.record({ part: fc.integer({ min: 1, max: 4 }), waitMs: fc.nat(20) });
    const property = fc.property(sizes, pace, (list, { part, waitMs }) => {
      const { clock, opener, acceptor } = readyPair('server');
      const context = () => ({ clock, budget: new WindowBudget(300_000), maxWindowBytes: MAX_WINDOW_BYTES });
      const sender = new StreamEnd(context(), new Told());
      const leg = opener.link.openLeg('s', sender);
      sender.attach(leg);
      leg.open(openHead(), false);
      clock.settle();
      const handler = new Told();
      const receiver = new StreamEnd(context(), handler);
      receiver.attach(acceptor.handler.opened[0]!.leg);
      receiver.setRoundTrip(10_000);
      const body = Buffer.from(Array.from({ length: list.reduce((sum, each) => sum + each, 0) }, (_, i) => i % 251));
      let at = 0;
      let consumed = 0;
      const received = (): number => handler.chunks.reduce((sum, each) => sum + each.length, 0);
      for (const size of list) {
        sender.write(body.subarray(at, (at += size)));
        if (at === body.length) sender.end([]);
      }
      for (let turns = 0; consumed < body.length; turns += 1) {
        clock.advance(waitMs);
        const bytes = Math.ceil((received() - consumed) / part);
        consumed += bytes;
        receiver.consumed(bytes);
        assert.ok(turns < 100_000, `stuck at ${consumed} of ${body.length}`);
      }
      clock.settle();
      assert.deepEqual(Buffer.concat(handler.chunks), body);
      assert.equal(handler.told.at(-1), 'end ');
    });
    check(t, property, 60);
  });
});
