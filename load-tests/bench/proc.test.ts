import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assert as check, nat, property, string } from 'fast-check';
import { parseCpuTime, parseEndedChildrenCpuTime, parseMemory } from './proc.ts';

const REST = '0 20 0 11 0 93422 1137643520 13837 18446744073709551615';
const statLine = (command: string, user: number, system: number): string =>
  `4242 (${command}) S 1 4242 4242 0 -1 4194560 24681 0 7 0 ${user} ${system} 3 4 ${REST}\n`;

test('user and system time are fields 14 and 15, without those of waited-for children', () => {
  assert.deepEqual(parseCpuTime(statLine('node', 123, 45)), { userUs: 1_230_000, systemUs: 450_000 });
});

test('those of waited-for children are fields 16 and 17', () => {
  assert.deepEqual(parseEndedChildrenCpuTime(statLine('node', 1, 2)), { userUs: 30_000, systemUs: 40_000 });
});

test('a command may hold spaces and brackets', () => {
  const anyCommand = property(string(), nat(), nat(), (command, user, system) => {
    assert.deepEqual(parseCpuTime(statLine(command, user, system)), { userUs: user * 1e4, systemUs: system * 1e4 });
  });
  check(anyCommand, { examples: [['a) R 1 (b', 1, 2]] });
});

test('what is not a stat line gives undefined', () => {
  for (const text of ['', 'nonsense', '1 (node) S 1 2', statLine('node', 1, 2).replace(' 1 2 3 4', ' x y 3 4')]) {
    assert.equal(parseCpuTime(text), undefined);
  }
});

test('memory is read from VmRSS and VmHWM', () => {
  const status = 'Name:\tnode\nVmPeak:\t 9 kB\nVmHWM:\t   61440 kB\nVmRSS:\t   51200 kB\nRssAnon:\t 1 kB\n';
  assert.deepEqual(parseMemory(status), { rssBytes: 51_200 * 1024, peakRssBytes: 61_440 * 1024 });
  assert.equal(parseMemory('Name:\tkthreadd\nState:\tS\n'), undefined);
});

const skip = !existsSync('/proc/self/stat') && 'there is no /proc here';
test('this process has used CPU and holds memory', { skip }, () => {
  const cpu = parseCpuTime(readFileSync('/proc/self/stat', 'latin1'));
  const memory = parseMemory(readFileSync('/proc/self/status', 'latin1'));
  assert.ok(cpu !== undefined && cpu.userUs + cpu.systemUs > 0);
  assert.ok(memory !== undefined && memory.rssBytes > 0 && memory.peakRssBytes >= memory.rssBytes);
});
