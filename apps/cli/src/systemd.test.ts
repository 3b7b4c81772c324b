import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { superviseBySystemd } from './systemd.ts';
import type { Supervised } from './systemd.ts';

const NO_NOTE = (text: string) => assert.fail(text);

/** A `systemd-notify` of its own on PATH, which writes down what it is given, and what it can see. */
function stage(t: TestContext, script = 'echo "$@" >>"$0.told"; env >>"$0.env"') {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-systemd-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'systemd-notify');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return {
    env: { NOTIFY_SOCKET: '/nowhere', PATH: `${folder}:/usr/bin:/bin`, SALLYPORT_CREDENTIAL: 'id:secret' },
    /** For a script that waits for it. */
    go: () => writeFileSync(`${path}.go`, ''),
    told: () => readFileSync(`${path}.told`, 'utf8').trim().split('\n'),
    seen: () => readFileSync(`${path}.env`, 'utf8'),
  };
}

const ready: Supervised = { readiness: () => ({ ok: true, checks: {} }) };

it('systemd is told in order, one after the other', async (t) => {
  const { env, told } = stage(t);
  const supervisor = superviseBySystemd(ready, env, NO_NOTE)!;
  void supervisor.ready();
  void supervisor.reloading();
  void supervisor.ready();
  await supervisor.stopping();
  assert.deepEqual(
    told().map((line) => line.replace(/\d{2,}/, 'N')),
    [
      'READY=1 STATUS=ready',
      'RELOADING=1 MONOTONIC_USEC=N',
      'READY=1 STATUS=ready',
      'STOPPING=1 STATUS=draining: what runs is finished first',
    ],
  );
});

it('several reloads at once are one to systemd: over when the last is', async (t) => {
  const { env, told } = stage(t);
  const supervisor = superviseBySystemd(ready, env, NO_NOTE)!;
  await supervisor.ready();
  void supervisor.reloading();
  void supervisor.reloading();
  void supervisor.ready();
  void supervisor.ready();
  await supervisor.stopping();
  assert.deepEqual(
    told().map((line) => line.split('=')[0]),
    ['READY', 'RELOADING', 'READY', 'STOPPING'],
  );
});

it('however many reloads there are while systemd is slow, the last it hears is that they are over', async (t) => {
  const { env, go, told } = stage(t, 'until [ -e "$0.go" ]; do sleep 0.01; done; echo "$@" >>"$0.told"');
  const supervisor = superviseBySystemd(ready, env, NO_NOTE)!;
  void supervisor.ready();
  for (let i = 0; i < 40; i++) {
    void supervisor.reloading();
    await new Promise((resolve) => setImmediate(resolve));
    void supervisor.ready();
  }
  const stopped = supervisor.stopping();
  go();
  await stopped;
  assert.deepEqual(
    told().map((line) => line.split('=')[0]),
    ['READY', 'RELOADING', 'READY', 'STOPPING'],
  );
});

it('systemd is told what is missing, in one line', async (t) => {
  const { env, told } = stage(t);
  const checks = { server: { ok: false, detail: 'none\nconnected' }, accepting: { ok: true } };
  const supervisor = superviseBySystemd({ readiness: () => ({ ok: false, checks }) }, env, NO_NOTE)!;
  await supervisor.ready();
  await supervisor.stopping();
  assert.equal(told()[0], 'READY=1 STATUS=not ready: server: none connected');
});

it('no secret is handed to who tells systemd', async (t) => {
  const { env, seen } = stage(t);
  const supervisor = superviseBySystemd({}, env, NO_NOTE)!;
  await supervisor.ready();
  await supervisor.stopping();
  assert.match(seen(), /^NOTIFY_SOCKET=\/nowhere$/m);
  assert.doesNotMatch(seen(), /SALLYPORT/);
});

it('a systemd that cannot be told is noted once, and serving goes on', async (t) => {
  const { env } = stage(t, 'exit 1');
  const notes: string[] = [];
  const supervisor = superviseBySystemd(ready, env, (text) => notes.push(text))!;
  await supervisor.ready();
  await supervisor.stopping();
  assert.deepEqual(notes, ['systemd cannot be told; install systemd-notify, or use Type=exec in the unit']);
});

it('a shell that dies is noted once, and nothing waits for it', async (t) => {
  const { env } = stage(t, 'kill -9 $PPID');
  const notes: string[] = [];
  const supervisor = superviseBySystemd(ready, env, (text) => notes.push(text))!;
  await supervisor.ready();
  await supervisor.reloading();
  await supervisor.stopping();
  assert.equal(notes.length, 1);
});

it('without NOTIFY_SOCKET there is nobody to tell', () => {
  assert.equal(superviseBySystemd(ready, { NOTIFY_SOCKET: '' }, NO_NOTE), null);
  assert.equal(superviseBySystemd(ready, {}, NO_NOTE), null);
});
