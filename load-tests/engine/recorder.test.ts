import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ArmRecorder, keptUpRate } from './recorder.ts';
import type { Outcome } from './recorder.ts';

const START = 1000;
const END = 3000;

const outcome = (changes: Partial<Outcome>): Outcome => ({
  intendedMs: START,
  startMs: START,
  endMs: START + 1,
  status: 200,
  error: null,
  errorHop: null,
  bytesIn: 10,
  isLimited: false,
  retryAfterS: 0,
  ...changes,
});

/** Sends and ends one request. */
function pass(recorder: ArmRecorder, changes: Partial<Outcome>): void {
  const whole = outcome(changes);
  recorder.started(whole.intendedMs, whole.startMs, 1, 5);
  recorder.ended(whole);
}

describe('one arm’s record of a step', () => {
  test('counts latency from the intended start, service from the actual one, and lag between', () => {
    const recorder = new ArmRecorder(START, END);
    pass(recorder, { intendedMs: 1000, startMs: 1004, endMs: 1010 });
    recorder.closeSecond();
    const { latencyMs, serviceMs, lagMs } = recorder.report();
    assert.deepEqual([latencyMs.max, serviceMs.max, lagMs.max], [10, 6, 4]);
  });

  test('takes 2xx and 3xx as ok and all else as failed', () => {
    const recorder = new ArmRecorder(START, END);
    for (const status of [200, 204, 301, 399, 400, 503]) pass(recorder, { status });
    pass(recorder, { status: 0, error: 'timeout' });
    // A head that said 200 and a body that broke off.
    pass(recorder, { status: 200, error: 'connection_closed' });
    const { requests, ok, failed, statusCodes, errors } = recorder.report();
    assert.deepEqual({ requests, ok, failed }, { requests: 8, ok: 4, failed: 4 });
    assert.deepEqual(statusCodes, { 200: 2, 204: 1, 301: 1, 399: 1, 400: 1, 503: 1 });
    assert.deepEqual(errors, { timeout: 1, connection_closed: 1 });
  });

  test('takes how long an answer may be behind from answers, and not from a timeout', () => {
    const recorder = new ArmRecorder(START, END);
    pass(recorder, { status: 0, error: 'timeout', endMs: START + 900 });
    pass(recorder, { endMs: START + 5 });
    pass(recorder, { intendedMs: END - 10, startMs: END - 10, endMs: END + 4 });
    pass(recorder, { intendedMs: END - 10, startMs: END - 10, endMs: END + 300 });
    assert.equal(recorder.report().achievedRate, 1);
  });

  test('adds up the time in flight within the step alone', () => {
    const recorder = new ArmRecorder(START, END);
    pass(recorder, { endMs: START + 100 });
    pass(recorder, { intendedMs: END - 50, startMs: END - 50, endMs: END + 950 });
    assert.equal(recorder.report().inFlightMs, 150);
  });

  test('closes a second with that second’s figures and keeps them in the step', () => {
    const recorder = new ArmRecorder(START, END);
    pass(recorder, { endMs: START + 2 });
    pass(recorder, { endMs: START + 4, status: 500 });
    const first = recorder.closeSecond().figures;
    pass(recorder, { endMs: START + 50 });
    const second = recorder.closeSecond().figures;
    assert.deepEqual([first.ok, first.failed, first.max], [1, 1, 4]);
    assert.deepEqual([second.ok, second.failed, second.max], [1, 0, 50]);
    assert.equal(recorder.report().latencyMs.max, 50);
    assert.equal(recorder.report().latencyMs.min, 2);
  });

  test('says how many left within the step', () => {
    const recorder = new ArmRecorder(START, END);
    pass(recorder, { startMs: END });
    pass(recorder, { startMs: END + 1, endMs: END + 2 });
    assert.deepEqual([recorder.sent, recorder.sentInTime], [2, 1]);
  });

  test('is of the time that passed, when the step is stopped', () => {
    const recorder = new ArmRecorder(START, END);
    pass(recorder, {});
    pass(recorder, {});
    recorder.endAt(START + 500);
    assert.equal(recorder.report().achievedRate, 4);
  });
});

describe('the rate that kept up', () => {
  test('counts what came within the step', () => {
    assert.equal(keptUpRate(100, [], 0, 10), 10);
  });

  test('counts late answers that were no later than the worst of the first second', () => {
    assert.equal(keptUpRate(95, [1, 2, 3, 4, 5], 5, 10), 10);
  });

  test('does not count the answers of a backlog', () => {
    assert.equal(keptUpRate(90, [1, 400, 500], 5, 10), 9.1);
  });
});
