import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasForbiddenPort } from './forbidden-ports.ts';
import { loadConfig } from './load.ts';
import { formatProblem } from './problem.ts';

function problemsOf(settings: Readonly<Record<string, unknown>>): string[] {
  const overrides = Object.entries(settings).map(([path, value]) => ({ path, value }));
  const result = loadConfig({ env: {}, overrides, cwd: '/nowhere' });
  return result.ok ? [] : result.problems.map(formatProblem);
}

const ENDPOINT = { 'tracing.endpoint': 'http://collector:4318' };

describe('the settings of traces', () => {
  it('take a base URL without user, query and fragment', () => {
    for (const url of ['http://127.0.0.1:4318', 'https://otlp.example.org/otlp', 'http://[::1]:4318/']) {
      assert.deepEqual(problemsOf({ 'tracing.endpoint': url }), [], url);
    }
    for (const url of [
      'collector:4318',
      'grpc://a',
      'http://',
      'http://u:p@a',
      'http://a?k=v',
      'http://a/#x',
      'http://a b',
      'http://a:6000',
      'https://a:22/otlp',
    ]) {
      const [problem, ...more] = problemsOf({ 'tracing.endpoint': url });
      assert.equal(more.length, 0);
      assert.match(problem ?? '', /tracing\.endpoint/, url);
    }
  });

  it('refuse no port but those that fetch refuses too', async () => {
    const refused = Array.from({ length: 65_535 }, (_, i) => `http://127.0.0.1:${i + 1}/`).filter(hasForbiddenPort);
    assert(refused.length > 80);
    for (const url of refused) await assert.rejects(fetch(url), ({ cause }) => (cause as Error).message === 'bad port');
  });

  it('take a share from 0 to 1', () => {
    for (const ratio of [0, 1, 0.001, '0.5']) assert.deepEqual(problemsOf({ 'tracing.sampleRatio': ratio }), []);
    for (const ratio of [-0.1, 1.1, '1%', 'all']) assert.equal(problemsOf({ 'tracing.sampleRatio': ratio }).length, 1);
  });

  it('want a collector for its fields, and a queue that holds a batch', () => {
    assert.match(problemsOf({ 'tracing.headersFile': './h' })[0] ?? '', /headersFile.* needs tracing\.endpoint/s);
    assert.deepEqual(problemsOf({ ...ENDPOINT, 'tracing.headersFile': './h' }), []);
    assert.match(problemsOf({ 'tracing.queueSpans': 100, 'tracing.batchSpans': 101 })[0] ?? '', /101 is more than/);
  });
});
