import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problems } from './problems.ts';
import { outcomeOf } from './slo-outcome.ts';

test('an answer of the backend is good below 500, and bad from there on', () => {
  for (const status of [101, 200, 204, 301, 404, 429])
    assert.equal(outcomeOf(status, null, true), 'good', String(status));
  for (const status of [500, 502, 503, 504, 507, 599])
    assert.equal(outcomeOf(status, null, true), 'bad', String(status));
});

test('a 5xx that says that the request was at fault is not bad', () => {
  for (const status of [501, 505, 508]) assert.equal(outcomeOf(status, null, true), 'good', String(status));
  for (const problem of [Problems.noUpgrade, Problems.version, Problems.loop]) {
    assert.equal(outcomeOf(problem.status, problem, true), 'no-event', problem.code);
  }
});

test('an answer of ours is bad where the tunnel or the backend failed, and no event where the visitor was refused', () => {
  for (const problem of [Problems.noClient, Problems.queueFull, Problems.backendTimeout, Problems.linkLost]) {
    assert.equal(outcomeOf(problem.status, problem, true), 'bad', problem.code);
  }
  for (const problem of [Problems.noRoute, Problems.badHost, Problems.bodyTooLarge, Problems.clientCertificate]) {
    assert.equal(outcomeOf(problem.status, problem, true), 'no-event', problem.code);
  }
});

test('an answer that began well and was cut by us is bad', () => {
  assert.equal(outcomeOf(200, Problems.backendReset, true), 'bad');
  assert.equal(outcomeOf(200, Problems.linkLost, true), 'bad');
});

test('a visitor that left before the head of its answer is no event', () => {
  assert.equal(outcomeOf(0, null, true), 'no-event');
});

test('what we answer without the tunnel is no event, unless that is because there is none', () => {
  for (const status of [308, 200]) assert.equal(outcomeOf(status, null, false), 'no-event', String(status));
  assert.equal(outcomeOf(503, Problems.noServer, false), 'bad');
});
