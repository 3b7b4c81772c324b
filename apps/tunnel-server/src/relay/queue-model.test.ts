/** The queue of a session against a model of it that is too simple to be wrong. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { StreamCode } from '@sallyport/protocol';
import fc from 'fast-check';
import { check } from '../../../../packages/protocol/src/testing/check.ts';
import { RelayBench } from '../testing/relay-bench.ts';
import type { ClientPeer, Visit } from '../testing/relay-bench.ts';

const LIMIT = 4;
const TIMEOUT_MS = 1_000;

interface Expected {
  readonly askedMs: number;
  state: 'running' | 'waiting' | 'over';
  outcome: string[];
}

type Step = { kind: 'ask' | 'answer' | 'cancel' | 'pass' | 'lease'; by: number };

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('ask', 'ask', 'ask', 'answer', 'cancel', 'pass', 'lease'),
  by: fc.nat(400),
});

class Model {
  readonly all: Expected[] = [];
  leases: number;

  constructor(leases: number) {
    this.leases = leases;
  }

  of(state: Expected['state']): Expected[] {
    return this.all.filter((each) => each.state === state);
  }

  ask(askedMs: number, isTooLate: boolean): void {
    const request: Expected = { askedMs, state: 'waiting', outcome: [] };
    const waiting = this.of('waiting').length;
    assert.ok(!isTooLate || waiting > 0, 'a wait where nobody waits');
    this.all.push(request);
    if (isTooLate || waiting >= LIMIT) end(request, [`cut ${StreamCode.QUEUE_FULL} not-started`]);
    this.start();
  }

  /** Who waited longest starts while there is a slot. */
  start(): void {
    for (const request of this.of('waiting')) {
      if (this.of('running').length < this.leases) request.state = 'running';
    }
  }

  expire(nowMs: number): void {
    for (const request of this.of('waiting')) {
      if (nowMs >= request.askedMs + TIMEOUT_MS) end(request, [`cut ${StreamCode.QUEUE_TIMEOUT} not-started`]);
    }
  }
}

function isReckoned(limit: string): boolean {
  return limit === 'queue-wait';
}

function end(request: Expected, outcome: string[]): void {
  request.state = 'over';
  request.outcome = outcome;
}

it('requests start, wait and are refused as in the model, in order, each ending once', (t) => {
  check(
    t,
    fc.property(fc.nat(3), fc.array(step, { maxLength: 60, size: 'max' }), (leases, steps) => {
      const bench = new RelayBench({ queue: { limit: LIMIT, timeoutMs: TIMEOUT_MS } });
      const entry = bench.entry();
      const client = bench.client(leases);
      const model = new Model(leases);
      const visits: Visit[] = [];
      for (const { kind, by } of steps) {
        if (kind === 'ask') {
          const reckoned = bench.seen.limits.filter(isReckoned).length;
          visits.push(entry.ask(`/${visits.length}`));
          // The model does not reckon waits: those have tests of their own.
          model.ask(bench.clock.nowMs(), bench.seen.limits.filter(isReckoned).length > reckoned);
        } else if (kind === 'answer') {
          answerOne(client, model, by);
        } else if (kind === 'cancel') {
          const waiting = model.of('waiting');
          const request = waiting[by % Math.max(1, waiting.length)];
          if (request === undefined) continue;
          visits[model.all.indexOf(request)]!.cancel();
          end(request, []);
        } else if (kind === 'lease') {
          model.leases = by % 5;
          client.lease(model.leases);
          model.start();
        } else {
          bench.clock.advance(by);
          model.expire(bench.clock.nowMs());
        }
        compare(bench, client, model, visits);
      }
    }),
    300,
  );
});

/** One of those that run is answered, and its slot given back. */
function answerOne(client: ClientPeer, model: Model, by: number): void {
  const running = model.of('running');
  const request = running[by % Math.max(1, running.length)];
  if (request === undefined) return;
  client.answer(client.paths.indexOf(`/${model.all.indexOf(request)}`));
  end(request, ['head 200 last']);
  model.start();
}

function compare(bench: RelayBench, client: ClientPeer, model: Model, visits: readonly Visit[]): void {
  assert.deepEqual(
    visits.map((visit) => visit.told),
    model.all.map((each) => each.outcome),
  );
  assert.equal(bench.relay.sessions.get('s')?.waiting, model.of('waiting').length);
  // Started in the order in which they came.
  const started = client.paths.map((path) => Number(path.slice(1)));
  assert.deepEqual(
    started,
    [...started].sort((a, b) => a - b),
  );
}
