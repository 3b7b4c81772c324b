import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamCode } from '@sallyport/protocol';
import fc from 'fast-check';
import { check } from '../../../packages/protocol/src/testing/check.ts';
import { mayRetry, RetryBudget } from './retry.ts';

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY'];
const OTHERS = ['POST', 'PATCH', 'get', 'PROPFIND', 'LOCK'];
const WORTH_IT: readonly number[] = [
  StreamCode.LINK_LOST,
  StreamCode.DRAINING,
  StreamCode.OVERLOADED,
  StreamCode.BACKEND_REFUSED,
  StreamCode.BACKEND_RESET,
];
const RESERVE = 100;

const yes = () => true;
const asked = () => assert.fail('asked');

const may = (
  code: number,
  notStarted: boolean,
  method: string,
  attempt: number,
  isKept: boolean,
  isElsewhere = () => false,
) => mayRetry({ code, notStarted, method, attempt, isKept, isElsewhere });

describe('a request that failed before its head', () => {
  it('is sent again with any method when nothing of it reached the backend', () => {
    for (const code of WORTH_IT) {
      for (const method of [...IDEMPOTENT, ...OTHERS]) assert.ok(may(code, true, method, 1, true), method);
    }
  });

  it('is sent again when it may have reached the backend only if its method is idempotent', () => {
    for (const code of WORTH_IT) {
      for (const method of IDEMPOTENT) assert.ok(may(code, false, method, 1, true), method);
      for (const method of OTHERS) assert.ok(!may(code, false, method, 1, true), method);
    }
  });

  it('is sent again only for a code that a second way may not meet', () => {
    for (const [name, code] of Object.entries(StreamCode)) {
      assert.equal(may(code, true, 'GET', 1, true), WORTH_IT.includes(code), name);
    }
    assert.ok(!may(999, true, 'GET', 1, true));
  });

  it('is sent again where this server has no client for its session, and another one has', () => {
    for (const code of [StreamCode.NO_CLIENT, StreamCode.NO_SESSION]) {
      assert.ok(may(code, true, 'POST', 1, true, yes));
      assert.ok(!may(code, true, 'POST', 1, true));
      assert.ok(may(code, true, 'POST', 2, true, yes), 'the client may have refused before');
    }
    assert.ok(!may(StreamCode.QUEUE_FULL, true, 'GET', 1, true, yes));
  });

  it('asks for another server only where that alone decides', () => {
    for (const code of [StreamCode.NO_CLIENT, StreamCode.NO_SESSION]) {
      assert.ok(!may(code, true, 'POST', 3, true, asked));
      assert.ok(!may(code, false, 'POST', 1, true, asked));
      assert.ok(!may(code, true, 'POST', 1, false, asked));
    }
    for (const code of [StreamCode.QUEUE_FULL, ...WORTH_IT]) may(code, true, 'GET', 1, true, asked);
  });

  it('is sent again once', () => {
    for (const attempt of [2, 3]) assert.ok(!may(StreamCode.LINK_LOST, true, 'GET', attempt, true));
  });

  it('is not sent again when its body is no longer whole', () => {
    assert.ok(!may(StreamCode.LINK_LOST, true, 'GET', 1, false));
  });
});

describe('the budget of retries', () => {
  it('begins with a reserve for the quiet hours', () => {
    const budget = new RetryBudget(10);
    assert.equal(takeAll(budget), RESERVE);
  });

  it('is filled by requests, up to the reserve and no further', () => {
    const budget = new RetryBudget(10);
    takeAll(budget);
    for (let i = 0; i < 55; i += 1) budget.request();
    assert.equal(takeAll(budget), 5);
    for (let i = 0; i < 5_000; i += 1) budget.request();
    assert.equal(takeAll(budget), RESERVE);
  });

  it('of 0 percent allows none at all', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 1_000; i += 1) budget.request();
    assert.ok(!budget.take());
  });

  it('keeps its level over changes of its share, and begins no new reserve', () => {
    const budget = new RetryBudget(10);
    for (let i = 0; i < RESERVE - 3; i += 1) assert.ok(budget.take());
    budget.configure(10);
    budget.configure(0);
    assert.ok(!budget.take());
    budget.configure(50);
    assert.equal(takeAll(budget), 3);
    for (let i = 0; i < 10; i += 1) budget.request();
    assert.equal(takeAll(budget), 5);
  });

  it('never allows more than the reserve and its share of the requests', (t) => {
    const steps = fc.array(fc.record({ requests: fc.nat(300), retries: fc.nat(300) }), { maxLength: 30, size: 'max' });
    check(
      t,
      fc.property(fc.integer({ min: 0, max: 100 }), steps, (percent, all) => {
        const budget = new RetryBudget(percent);
        let requests = 0;
        let taken = 0;
        for (const step of all) {
          for (let i = 0; i < step.requests; i += 1) budget.request();
          requests += step.requests;
          for (let i = 0; i < step.retries; i += 1) taken += budget.take() ? 1 : 0;
          assert.ok(taken <= RESERVE + (percent / 100) * requests + 1e-6, `${taken} of ${requests} at ${percent} %`);
        }
      }),
    );
  });
});

function takeAll(budget: RetryBudget): number {
  let taken = 0;
  while (budget.take()) taken += 1;
  return taken;
}
