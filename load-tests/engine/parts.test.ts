import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestTimeout, errorKind } from './error-kinds.ts';
import { cpuStatFiles, machineLoss, parseSteal, parseThrottledMs } from './machine.ts';
import { isProblem, parseProblem } from './problem.ts';

const coded = (code: string, cause?: unknown): Error => Object.assign(new Error('x', { cause }), { code });

describe('kinds of errors', () => {
  test('have stable names', () => {
    assert.equal(errorKind(coded('ECONNREFUSED')), 'connection_refused');
    assert.equal(errorKind(coded('UND_ERR_SOCKET')), 'connection_closed');
    assert.equal(errorKind(coded('HPE_INVALID_CONSTANT')), 'bad_answer');
    assert.equal(errorKind(coded('CERT_HAS_EXPIRED')), 'tls:CERT_HAS_EXPIRED');
    assert.equal(errorKind(new RequestTimeout()), 'timeout');
  });

  test('are those of the innermost cause', () => {
    assert.equal(errorKind(coded('UND_ERR_SOCKET', coded('ECONNRESET'))), 'connection_reset');
  });

  test('keep a code nobody has named, and say unknown without one', () => {
    assert.equal(errorKind(coded('EODD')), 'EODD');
    assert.equal(errorKind(new Error('x')), 'unknown');
    assert.equal(errorKind('thrown text'), 'unknown');
  });
});

describe('a problem document', () => {
  test('of the tunnel tells code and hop', () => {
    assert.deepEqual(parseProblem('{"code":"SP_QUEUE_FULL","hop":"queue","title":"…"}'), {
      code: 'SP_QUEUE_FULL',
      hop: 'queue',
    });
    assert.deepEqual(parseProblem('{"code":"SP_X"}'), { code: 'SP_X', hop: null });
  });

  test('of anybody else, or broken, tells nothing', () => {
    for (const text of ['', '{', '[]', 'null', '{"code":"OTHER"}', '{"code":5}', `{"code":"SP_${'A'.repeat(99)}"}`]) {
      assert.equal(parseProblem(text), null, text);
    }
  });

  test('is known by its media type, with or without parameters', () => {
    assert.ok(isProblem('application/problem+json; charset=utf-8'));
    assert.ok(!isProblem('application/json'));
    assert.ok(!isProblem(undefined));
  });
});

describe('what the machine lost to others', () => {
  test('is read from /proc/stat', () => {
    assert.deepEqual(parseSteal('cpu  10 0 20 60 0 0 0 10 5 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n'), {
      stealTicks: 10,
      allTicks: 100,
    });
    assert.equal(parseSteal('cpu  10 0 20\n'), null);
    assert.equal(parseSteal(''), null);
  });

  test('is read from cpu.stat of either cgroup version', () => {
    assert.equal(parseThrottledMs('usage_usec 5\nnr_throttled 2\nthrottled_usec 1500\n'), 1.5);
    assert.equal(parseThrottledMs('nr_periods 0\nnr_throttled 0\nthrottled_time 2000000\n'), 2);
    assert.equal(parseThrottledMs('usage_usec 5\n'), null);
  });

  test('is looked for where /proc/self/cgroup says', () => {
    assert.deepEqual(cpuStatFiles('3:cpuset:/\n2:cpu,cpuacct:/box\n'), [
      '/sys/fs/cgroup/cpu/box/cpu.stat',
      '/sys/fs/cgroup/cpu/cpu.stat',
    ]);
    assert.deepEqual(cpuStatFiles('0::/box\n'), ['/sys/fs/cgroup/box/cpu.stat', '/sys/fs/cgroup/cpu.stat']);
    assert.deepEqual(cpuStatFiles(''), []);
  });

  test('is the difference of two samples in percent, and null where nothing tells', () => {
    const before = { steal: { stealTicks: 10, allTicks: 1000 }, throttledMs: 5 };
    const after = { steal: { stealTicks: 20, allTicks: 1200 }, throttledMs: 55 };
    assert.deepEqual(machineLoss(before, after, 1000), { stealPercent: 5, throttledPercent: 5 });
    const nothing = { steal: null, throttledMs: null };
    assert.deepEqual(machineLoss(nothing, nothing, 1000), { stealPercent: null, throttledPercent: null });
  });
});
