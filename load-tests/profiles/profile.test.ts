import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { editDistance, nearest } from './nearest.ts';
import { loadProfile, parseProfile, profileNames, singleStep } from './profile.ts';

const refusal = (pattern: RegExp) => ({ name: 'LoadError', exitCode: 2, message: pattern });

describe('the profiles that come with the project', () => {
  test('are smoke, short and aggressive, and all are valid', () => {
    assert.deepEqual(profileNames(), ['aggressive', 'short', 'smoke']);
    for (const name of profileNames()) assert.equal(loadProfile(name).name, name);
  });

  test('short climbs from 20 to 1000 requests/s in steps of 10 s', () => {
    const { steps } = loadProfile('short');
    assert.deepEqual(
      steps.map(({ rate }) => rate),
      [20, 50, 100, 200, 500, 1000],
    );
    assert.ok(steps.every(({ durationS }) => durationS === 10));
  });

  test('aggressive asks for 56,100 requests per arm', () => {
    const requests = loadProfile('aggressive').steps.reduce((sum, { rate, durationS }) => sum + rate * durationS, 0);
    assert.equal(requests, 56_100);
  });

  test('an unknown name is refused with the nearest known one', () => {
    assert.throws(() => loadProfile('agressive'), refusal(/nearest is "aggressive"/));
  });
});

describe('a profile of one’s own', () => {
  test('is read from a file, and named after it', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'profile-'));
    context.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'mine.yaml'), 'arrivals: poisson\nsteps:\n  - { rate: 5, durationS: 2 }\n');
    assert.deepEqual(loadProfile(join(folder, 'mine.yaml')), {
      name: 'mine',
      description: '',
      arrivals: 'poisson',
      warmUpS: 3,
      steps: [{ rate: 5, durationS: 2 }],
    });
  });

  test('that is not there is refused by name', () => {
    assert.throws(() => loadProfile('./no/such.yaml'), refusal(/no\/such\.yaml cannot be read \(ENOENT\)/));
  });

  test('with a misspelt key is refused with the nearest known key and the place', () => {
    assert.throws(
      () => parseProfile('stepps: []', 'x.yaml'),
      refusal(/x\.yaml: unknown key "stepps"; nearest is "steps"/),
    );
    assert.throws(
      () => parseProfile('steps:\n  - { rate: 5, duration: 2 }', 'x.yaml'),
      refusal(/steps\[0\]: unknown key "duration"; nearest is "durationS"/),
    );
  });

  test('with a value out of its range is refused with the range', () => {
    assert.throws(
      () => parseProfile('steps:\n  - { rate: 0, durationS: 2 }', 'x.yaml'),
      refusal(/steps\[0\]\.rate must be a number from 0\.1 to/),
    );
    assert.throws(() => parseProfile('steps:\n  - { rate: 5 }', 'x.yaml'), refusal(/durationS must be a number/));
    assert.throws(() => parseProfile('steps: []', 'x.yaml'), refusal(/list of 1 to/));
    assert.throws(
      () => parseProfile('arrivals: bursts\nsteps:\n  - { rate: 5, durationS: 2 }', 'x.yaml'),
      refusal(/uniform or poisson/),
    );
  });

  test('that is not a mapping, or not YAML, is refused', () => {
    assert.throws(() => parseProfile('- 1', 'x.yaml'), refusal(/must hold the keys/));
    assert.throws(() => parseProfile('{ a', 'x.yaml'), refusal(/is not YAML/));
  });
});

describe('a single step', () => {
  test('is a profile of one step, within the same limits', () => {
    assert.deepEqual(singleStep(200, 30).steps, [{ rate: 200, durationS: 30 }]);
    assert.throws(() => singleStep(-1, 30), refusal(/the single step\.rate must be/));
  });
});

describe('the nearest name', () => {
  test('is the one with the fewest edits', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(nearest('durationMs', ['rate', 'durationS']), 'durationS');
    assert.equal(nearest('SHORT', ['smoke', 'short']), 'short');
  });
});
