import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePrometheusText, quantileBetween, select, sumOf } from './prometheus-text.ts';

const TEXT = `# HELP sallyport_limit_hits_total Times a configured limit was reached.
# TYPE sallyport_limit_hits_total counter
sallyport_limit_hits_total{part="server",limit="queue"} 3
sallyport_limit_hits_total{part="server",limit="links"} 1 1395066363000
process_cpu_seconds_total 1.25e-1
odd{path="a\\\\b \\"c\\" {d}",line="one\\ntwo"} +Inf
`;

const histogram = (...counts: number[]) =>
  parsePrometheusText(counts.map((count, i) => `h_bucket{le="${['0.1', '1', '+Inf'][i]}"} ${count}`).join('\n'));

describe('the Prometheus text format', () => {
  test('is read with labels, escapes, exponents, infinity and timestamps', () => {
    const samples = parsePrometheusText(TEXT);
    assert.deepEqual(select(samples, 'sallyport_limit_hits_total', { limit: 'links' }), [
      { name: 'sallyport_limit_hits_total', labels: { part: 'server', limit: 'links' }, value: 1 },
    ]);
    assert.equal(sumOf(samples, 'sallyport_limit_hits_total', { part: 'server' }), 4);
    assert.equal(sumOf(samples, 'process_cpu_seconds_total'), 0.125);
    assert.deepEqual(select(samples, 'odd'), [
      { name: 'odd', labels: { path: 'a\\b "c" {d}', line: 'one\ntwo' }, value: Infinity },
    ]);
  });

  test('passes over what is of another form', () => {
    assert.deepEqual(parsePrometheusText('<html>\nname\nname x\n{a="b"} 1\nname{a="b" 1\n'), []);
    assert.equal(sumOf([], 'absent'), null);
  });

  test('stays bounded, whatever comes', () => {
    assert.equal(parsePrometheusText('a 1\n'.repeat(100_000)).length, 20_000);
  });

  test('reads the labels of a long line in one go: what is behind something else is not looked for', () => {
    const [sample] = parsePrometheusText('x{a="1", b = "2" ,=,c="3"} 1\n');
    assert.deepEqual(sample?.labels, { a: '1', b: '2' });
    // With the square of its length this would take hours.
    assert.deepEqual(parsePrometheusText(`x{${'a'.repeat(4_000_000)}} 1\n`)[0]?.labels, {});
  });
});

describe('a quantile between two readings of a histogram', () => {
  test('is the upper bound of its bucket, of what came in between only', () => {
    const before = histogram(100, 100, 100);
    assert.equal(quantileBetween(before, histogram(110, 110, 110), 'h', 0.99), 0.1);
    assert.equal(quantileBetween(before, histogram(150, 200, 200), 'h', 0.99), 1);
    assert.equal(quantileBetween(before, histogram(100, 100, 200), 'h', 0.5), Infinity);
  });

  test('is null where nothing came in', () => {
    assert.equal(quantileBetween(histogram(1, 1, 1), histogram(1, 1, 1), 'h', 0.99), null);
    assert.equal(quantileBetween([], [], 'h', 0.99), null);
  });
});
