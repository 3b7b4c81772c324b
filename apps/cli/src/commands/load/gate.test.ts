import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadReport } from '@sallyport/load-tests';
import { runCli, startCli, temporaryFolder } from '../../testing/cli.ts';
import { descendantsOf, stillAlive } from '../../testing/processes.ts';

const CHECKOUT = fileURLToPath(new URL('../../../../..', import.meta.url));
const SHORT = ['--baseline', CHECKOUT, '--rate', '100', '--windows', '6', '--warm-up', '0.5', '--json'];

describe('load gate against a checkout', { timeout: 300_000 }, () => {
  it('starts both stacks before one backend, judges, and leaves no process behind', async (t) => {
    const cwd = temporaryFolder(t);
    // As the recipes name it: relative to where the gate runs.
    const beside = ['--baseline', relative(cwd, CHECKOUT), '--out', 'gate'];
    const gate = startCli(t, ['load', 'gate', ...SHORT, '--window', '0.3', ...beside], { cwd });
    await gate.said(/window 1\/6/);
    const pids = descendantsOf(gate.child.pid!);
    const { code, stdout } = await gate.ended;
    const report = (await gate.event('report')) as unknown as LoadReport;
    const { gate: section } = report.sections;
    assert.deepEqual(
      report.steps[0] && Object.values(report.steps[0].arms).map(({ requests }) => requests),
      [30, 30, 30, 30],
      stdout.slice(0, 500),
    );
    // Not each of them, where a machine is busy.
    for (const { ok } of Object.values(report.totals.arms)) assert.ok(ok > 30, stdout.slice(0, 500));
    // The same code on both sides; on a busy machine there is no verdict.
    assert.ok(section?.outcome === 'pass' ? code === 0 : [3, 99].includes(code ?? -1), `${section?.outcome} ${code}`);
    assert.deepEqual(await stillAlive(pids), []);
  });

  it('ends with 130 at a Ctrl-C, with what it has, and leaves no process behind', async (t) => {
    const gate = startCli(t, ['load', 'gate', ...SHORT, '--window', '60', '--out', temporaryFolder(t)]);
    await gate.said(/starting both stacks/);
    let pids: number[] = [];
    // The backend and some of the stacks.
    while (pids.length < 4) {
      await new Promise(setImmediate);
      pids = descendantsOf(gate.child.pid!);
    }
    gate.child.kill('SIGINT');
    assert.equal((await gate.ended).code, 130);
    assert.deepEqual(await stillAlive(pids), []);
  });

  it('leaves no process behind when it is killed', async (t) => {
    const many = ['--windows', '100', '--window', '0.3', '--out', temporaryFolder(t)];
    const gate = startCli(t, ['load', 'gate', ...SHORT, ...many]);
    await gate.said(/window 1\/100/);
    const pids = descendantsOf(gate.child.pid!);
    // Backend, server, entry and client; server, entry and client; a launcher each; a generator at least.
    assert.ok(pids.length >= 10, `${pids.length} processes`);
    gate.child.kill('SIGKILL');
    assert.deepEqual(await stillAlive(pids), []);
  });

  it('says in one line what was asked wrongly', async (t) => {
    const open = createServer().listen(0, '127.0.0.1');
    t.after(() => void open.close());
    await once(open, 'listening');
    const target = ['--target', `http://127.0.0.1:${(open.address() as AddressInfo).port}/`];
    const asked: [string[], RegExp][] = [
      [['gate'], /required option '--baseline <url\|report\|folder>' not specified/],
      [['gate', '--baseline', '/nonexistent'], /no target|is not there; give a report\.json/],
      [['gate', '--baseline', 'x', '--target', 'http://127.0.0.1:1/', '--windows', 'x'], /--windows x is not a number/],
      [['overhead', ...target], /give --direct URL/],
      [['overhead', ...target, '--tls', 'on'], /must name two modes or more/],
      [['compare', '/nonexistent', '/nonexistent'], /is not there; give a report\.json/],
    ];
    const ends = await Promise.all(asked.map(([args]) => runCli(t, ['load', ...args])));
    for (const [index, { code, stderr }] of ends.entries()) {
      assert.equal(code, 2, stderr);
      assert.match(stderr, asked[index]![1]);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
  });
});
