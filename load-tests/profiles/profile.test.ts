import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { seededRandom } from '../engine/arrivals.ts';
import { drawBodySize } from './body-size.ts';
import type { BodySize } from './body-size.ts';
import { editDistance, nearest } from './nearest.ts';
import { loadProfile, parseProfile, profileNames, singleStep } from './profile.ts';
import { formatArrival, peakRate } from './trace.ts';

const refusal = (pattern: RegExp) => ({ name: 'LoadError', exitCode: 2, message: pattern });

describe('the profiles that come with the project', () => {
  test('are all valid, and named after their files', () => {
    const names = 'aggressive capacity gentle multi-client multi-session short smoke soak spike';
    assert.deepEqual(profileNames(), names.split(' '));
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

  test('multi-client and multi-session reach 40 × 25 requests/s', () => {
    for (const name of ['multi-client', 'multi-session'])
      assert.equal(Math.max(...loadProfile(name).steps.map(({ rate }) => rate)), 40 * 25);
    assert.deepEqual([loadProfile('multi-client').sessions, loadProfile('multi-session').sessions], [null, 40]);
  });

  test('an unknown name is refused with the nearest known one', () => {
    assert.throws(() => loadProfile('agressive'), refusal(/nearest is "aggressive"/));
  });
});

describe('a profile of one’s own', () => {
  test('is read as the guide shows it', () => {
    const guide = readFileSync(new URL('../../docs/load-testing.md', import.meta.url), 'utf8');
    const example = /```yaml\n([^`]*)```/.exec(guide)?.[1];
    assert.ok(example !== undefined);
    assert.equal(parseProfile(example, 'the guide').requests?.length, 2);
  });

  test('is read from a file, and named after it', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'profile-'));
    context.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'mine.yaml'), 'arrivals: poisson\nsteps:\n  - { rate: 5, durationS: 2 }\n');
    assert.deepEqual(loadProfile(join(folder, 'mine.yaml')), {
      name: 'mine',
      description: '',
      arrivals: 'poisson',
      warmUpS: 3,
      model: 'open',
      steps: [{ rate: 5, durationS: 2 }],
      sessions: null,
      requests: [],
      trace: null,
    });
  });

  test('that is odd as YAML is read without a word of the parser', async () => {
    const warnings: string[] = [];
    const heard = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', heard);
    assert.equal(parseProfile(`${STEPS}description: !odd text\n`, 'x.yaml').description, 'text');
    // Warnings are emitted on the next tick.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', heard);
    assert.deepEqual(warnings, []);
  });

  test('that is not there is refused by name, with what there is', () => {
    const message = /no\/such\.yaml cannot be read \(ENOENT\); give its file, or one of aggressive, /;
    assert.throws(() => loadProfile('./no/such.yaml'), refusal(message));
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

const STEPS = 'steps: [{ rate: 5, durationS: 2 }]\n';
const requests = (text: string) => parseProfile(`${STEPS}requests:\n  - ${text}\n`, 'x.yaml').requests;

const sizes = (text: string): unknown => {
  const body = requests(`{ path: /a, bodyBytes: ${text} }`)[0]?.body ?? '';
  return typeof body === 'string' ? null : body.sizes;
};
const sessions = (text: string) => parseProfile(`${STEPS}sessions: ${text}`, 'x.yaml').sessions;
const trace = (...lines: string[]) => parseProfile(`trace: |\n  ${lines.join('\n  ')}\n`, 'x.yaml');
const draw = (size: BodySize): number[] => {
  const random = seededRandom(7);
  return Array.from({ length: 4000 }, () => drawBodySize(size, random)).sort((a, b) => a - b);
};

describe('the requests of a profile', () => {
  test('are GET unless they have a body, and may be weighted', () => {
    assert.deepEqual(requests('{ path: /a, weight: 3, headers: { Accept: text/plain } }'), [
      { method: 'GET', path: '/a', headers: [['accept', 'text/plain']], body: null, weight: 3 },
    ]);
    assert.deepEqual(requests('{ path: /a, body: hello }')[0]?.method, 'POST');
    assert.deepEqual(requests('{ path: /a, method: PUT, bodyBytes: 512 }')[0], {
      method: 'PUT',
      path: '/a',
      headers: [],
      body: { sizes: 512 },
      weight: 1,
    });
  });

  test('may have several values of a field', () => {
    assert.deepEqual(requests('{ path: /a, headers: { accept: [a/b, c/d], x: 1 } }')[0]?.headers, [
      ['accept', 'a/b'],
      ['accept', 'c/d'],
      ['x', '1'],
    ]);
  });

  test('may have bodies of a distribution', () => {
    assert.deepEqual(sizes('{ kind: uniform, min: 10, max: 20 }'), { kind: 'uniform', min: 10, max: 20 });
    assert.deepEqual(sizes('{ kind: list, sizes: [1, 2] }'), { kind: 'list', sizes: [1, 2] });
    assert.deepEqual(sizes('{ kind: lognormal, median: 500, sigma: 1, max: 9000 }'), {
      kind: 'lognormal',
      median: 500,
      sigma: 1,
      max: 9000,
    });
  });

  test('that cannot be are refused with the place and how to write it', () => {
    assert.throws(() => requests('{ pth: /a }'), refusal(/requests\[0\]: unknown key "pth"; nearest is "path"/));
    assert.throws(() => requests('{ path: a }'), refusal(/requests\[0\]\.path must be such as \/loadtest\/get/));
    assert.throws(() => requests('{ path: /a, method: get }'), refusal(/requests\[0\]\.method must be such as GET/));
    assert.throws(() => requests('{ path: /a, body: x, bodyBytes: 1 }'), refusal(/either body or bodyBytes/));
    assert.throws(() => requests('{ path: /a, weight: 1.5 }'), refusal(/weight must be a whole number, not 1\.5/));
    assert.throws(() => requests('{ path: /a, headers: { a: { b: c } } }'), refusal(/headers: "a" must be text, or a/));
    assert.throws(() => requests('{ path: /a, headers: { TE: x } }'), refusal(/headers: TE is set by the connection/));
    assert.throws(() => requests('{ path: /a, weight: 0 }'), refusal(/weight must be a number from 1 to/));
    assert.throws(() => requests('{ path: /a, headers: { "a b": c } }'), refusal(/headers: "a b" is not a field name/));
    assert.throws(
      () => requests('{ path: /a, bodyBytes: { kind: normal } }'),
      refusal(/kind must be uniform or lognormal/),
    );
    assert.throws(
      () => requests('{ path: /a, bodyBytes: { kind: uniform, min: 9, max: 5 } }'),
      refusal(/bodyBytes\.min must be a number from 0 to 5/),
    );
    assert.throws(
      () => requests('{ path: /a, bodyBytes: { kind: list, size: [1] } }'),
      refusal(/bodyBytes: unknown key "size"; nearest is "sizes"/),
    );
  });
});

describe('the sizes that are drawn', () => {
  test('are those of the distribution', () => {
    const uniform = draw({ kind: 'uniform', min: 10, max: 13 });
    assert.deepEqual([...new Set(uniform)], [10, 11, 12, 13]);
    assert.deepEqual([...new Set(draw({ kind: 'list', sizes: [7, 9] }))], [7, 9]);
    const long = draw({ kind: 'lognormal', median: 1000, sigma: 1, max: 20_000 });
    const [median = 0, high = 0] = [long[2000], long[3365]];
    assert.ok(Math.abs(median - 1000) < 60, `${median}`);
    // One standard deviation above the median lies 84.13 % of them, e times as long.
    assert.ok(Math.abs(high / median - Math.E) < 0.25, `${high}`);
    assert.ok((long.at(-1) ?? 0) <= 20_000);
  });

  test('are the same for the same seed', () => {
    assert.deepEqual(draw({ kind: 'uniform', min: 0, max: 1e6 }), draw({ kind: 'uniform', min: 0, max: 1e6 }));
  });
});

describe('the sessions of a profile', () => {
  test('are a number or a list of ids', () => {
    assert.deepEqual([sessions('3'), sessions('[a, b-1]')], [3, ['a', 'b-1']]);
    assert.throws(() => sessions('0'), refusal(/sessions must be a number from 1/));
    assert.throws(() => sessions('[A]'), refusal(/sessions\[0\] must be a session's id such as demo, not "A"/));
    assert.throws(() => sessions('all'), refusal(/sessions must be a list of 1 to/));
  });
});

describe('a recorded profile', () => {
  test('is one step, as long as its arrivals and at their mean rate', () => {
    const profile = trace('0 GET /a?x=', '500.25 POST /b 12', '1999 GET /a');
    assert.deepEqual(profile.steps, [{ rate: 1.5, durationS: 2 }]);
    assert.deepEqual(profile.trace?.[1], { atMs: 500.25, method: 'POST', path: '/b', bodyBytes: 12 });
    assert.deepEqual(profile.trace?.map(formatArrival), ['0 GET /a?x=', '500.25 POST /b 12', '1999 GET /a']);
  });

  test('with a broken line is refused by the line’s number', () => {
    assert.throws(
      () => trace('0 GET /a', 'soon GET /b'),
      refusal(/trace, line 2 is not such as 12\.345 POST \/orders 512/),
    );
    assert.throws(() => trace('9 GET /a', '3 GET /b'), refusal(/line 2 is before the line above it/));
    assert.throws(() => trace('0 CONNECT /a'), refusal(/line 1 is not such as/));
    assert.throws(() => parseProfile('trace: []', 'x.yaml'), refusal(/trace must be text of lines/));
    assert.throws(
      () => parseProfile(`${STEPS}trace: |\n  0 GET /a\n`, 'x.yaml'),
      refusal(/remove steps, requests and/),
    );
  });

  test('has the rate of its busiest second', () => {
    assert.equal(peakRate([0, 400, 900, 1399, 1400, 1401, 5000]), 4);
    assert.equal(peakRate([]), 0);
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
