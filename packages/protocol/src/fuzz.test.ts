import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloseCode } from './codes.ts';
import { WindowBudget } from './credit.ts';
import { HANDED_LIMIT_BYTES, URGENT_LIMIT_BYTES } from './egress.ts';
import type { Leg } from './leg.ts';
import { StreamEnd } from './stream-end.ts';
import { ENDS, newBench, openHead, responseHead } from './testing/bench.ts';
import type { Bench, EndName } from './testing/bench.ts';
import { hostileMessages } from './testing/mangle.ts';
import { Random } from './testing/random.ts';
import { MAX_WINDOW_BYTES } from './wire.ts';

const CASES = 20_000;
const CLOSE_CODES = new Set<number>(Object.values(CloseCode));
/** What a stream may hold for a peer that grants a lot and reads nothing. */
const ANSWER_BYTES = 50_000;

/** An end that answers what it is sent, as a real one would. */
function attachEcho(bench: Bench, leg: Leg, budget: WindowBudget): StreamEnd {
  const context = { clock: bench.clock, budget, maxWindowBytes: MAX_WINDOW_BYTES };
  const end: StreamEnd = new StreamEnd(context, {
    onHead: () => {},
    onData: (chunk) => end.consumed(chunk.length),
    onEnd: () => end.end([]),
    onCut: () => {},
    onWritable: () => {},
    onCredit: () => {},
  });
  end.attach(leg);
  return end;
}

function populate(bench: Bench, random: Random, budget: WindowBudget): number {
  if (!bench.link.isOpener) {
    bench.handler.onOpen = (leg, _frame, _start, _end, last) => {
      const end = attachEcho(bench, leg, budget);
      leg.head(responseHead(), false);
      end.write(Buffer.alloc(random.int(ANSWER_BYTES)));
      if (last) end.end([]);
    };
    return 0;
  }
  const count = random.int(4);
  for (let i = 0; i < count; i += 1) {
    const leg = bench.link.openLeg('s', null!);
    const end = attachEcho(bench, leg, budget);
    leg.open(openHead(), false);
    end.write(Buffer.alloc(random.int(ANSWER_BYTES)));
  }
  return count;
}

function runCase(seed: number): 'closed' | 'survived' {
  const random = new Random(seed);
  const name = random.pick(Object.keys(ENDS) as EndName[]);
  const bench = newBench(name);
  const budget = new WindowBudget(MAX_WINDOW_BYTES);
  const opened = populate(bench, random, budget);
  bench.clock.settle();
  const messages = hostileMessages(random, name, opened);
  const receivedBytes = messages.reduce((sum, each) => sum + each.length, 0);
  for (const message of messages) {
    bench.tape.handler!.onMessage(message);
    if (random.chance(0.5)) bench.clock.turn();
    if (random.chance(0.2)) bench.tape.confirm();
    const { queuedBytes, urgentBytes } = bench.link.egress;
    assert.ok(urgentBytes <= URGENT_LIMIT_BYTES + receivedBytes);
    assert.ok(queuedBytes <= HANDED_LIMIT_BYTES + URGENT_LIMIT_BYTES + bench.link.legs.size * (ANSWER_BYTES + 1_000));
    assert.ok(bench.tape.handedBytes <= 2 * HANDED_LIMIT_BYTES);
  }
  const { isClosed } = bench.link;
  if (!isClosed) bench.clock.advance(20_000);
  assert.equal(bench.handler.closes.length, 1);
  assert.ok(CLOSE_CODES.has(bench.handler.closes[0]!.code));
  assert.equal(bench.link.legs.size, 0);
  assert.equal(bench.link.egress.queuedBytes, 0);
  assert.equal(budget.usedBytes, 0);
  assert.equal(bench.clock.liveTimers, 0);
  return isClosed ? 'closed' : 'survived';
}

describe('a link that is sent anything at all', () => {
  it('never throws, closes typed or lives on, holds a bounded number of bytes and leaves nothing behind', (t) => {
    const base = Number(process.env['SALLYPORT_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
    const counts = { closed: 0, survived: 0 };
    const start = performance.now();
    for (let i = 0; i < CASES; i += 1) {
      try {
        counts[runCase(base + i)] += 1;
      } catch (error) {
        throw new Error(`SALLYPORT_SEED=${base + i}`, { cause: error });
      }
    }
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    t.diagnostic(`seed ${base}: ${CASES} cases in ${seconds} s, ${counts.closed} closed, ${counts.survived} lived on`);
    assert.ok(counts.closed > CASES / 10 && counts.survived > CASES / 10, 'both ways out are tried');
  });
});
