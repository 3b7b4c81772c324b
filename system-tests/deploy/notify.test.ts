/** What the units' own commands tell systemd, at a real socket, through the real systemd-notify. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { eventually, within } from '../harness/deadline.ts';
import { needs } from '../harness/needs.ts';
import { startBackend } from '../links/secure-server.ts';
import { Machine } from './machine.ts';
import { Notified } from './notified.ts';

const WATCHDOG_MS = 2_000;
/** More than one feeding of that watchdog. */
const UNFED_MS = 3_000;
const NOT_PROVED = 'STATUS=no canary comes back on any link: the watchdog is not fed';
const isFed = (assignment: string) => assignment === 'WATCHDOG=1';
const is = (expected: string) => (assignment: string) => assignment === expected;

describe('systemd is told', { ...needs('systemd'), concurrency: true }, () => {
  it('by each part that it is ready, its state, that it lives, and that it stops', async (t) => {
    const machine = await Machine.make(t);
    const backend = await startBackend(t);
    const [ofServer, ofEntry, ofClient] = [
      await Notified.listen(t, WATCHDOG_MS),
      await Notified.listen(t, WATCHDOG_MS),
      await Notified.listen(t, WATCHDOG_MS),
    ];
    await machine.configure('server', {});
    const server = machine.start('server', ofServer.environment);
    const { url } = await server.event<{ url: string }>('ready');
    await machine.configure('entry', { entry: { servers: [url] } });
    await machine.configure('client', { client: { servers: [url], sessions: [{ id: 'demo', backend }] } });
    const entry = machine.start('entry', ofEntry.environment);
    const client = machine.start('client', ofClient.environment);
    for (const notified of [ofServer, ofEntry, ofClient]) {
      const ready = await notified.next(is('READY=1'), 0);
      assert.equal(ready, 1, 'nothing comes before READY');
      const status = await notified.next(is('STATUS=ready'), 0);
      await notified.next(isFed, await notified.next(isFed, status));
    }
    server.signal('SIGTERM');
    await ofServer.next(is('STOPPING=1'), 0);
    assert.deepEqual(await server.ended, { code: 0, signal: null });
    const alone = await ofEntry.next(is('STATUS=not ready: server: no tunnel-server connected'), 0);
    await ofClient.next(is('STATUS=not ready: link:demo: no link to any server'), 0);
    // A server that is down is no reason to start the entry anew.
    await ofEntry.next(isFed, alone);
    for (const part of [entry, client]) assert.deepEqual(await part.stop(), { code: 0, signal: null });
    for (const notified of [ofEntry, ofClient]) {
      const stopping = await notified.next(is('STOPPING=1'), 0);
      assert.deepEqual(notified.told.slice(stopping), ['STATUS=draining: what runs is finished first']);
    }
  });

  it('nothing of the watchdog by a server whose only client stands still, and again once that goes on', async (t) => {
    const machine = await Machine.make(t);
    const notified = await Notified.listen(t, WATCHDOG_MS);
    // So long that the link stays, and only its canaries tell.
    await machine.configure('server', { link: { heartbeatMs: 600_000 } });
    const server = machine.start('server', notified.environment);
    const { url } = await server.event<{ url: string }>('ready');
    const sessions = [{ id: 'demo', backend: 'http://127.0.0.1:1' }];
    await machine.configure('client', { client: { servers: [url], sessions } });
    const client = machine.start('client');
    await client.event('ready');
    await notified.next(isFed);
    client.signal('SIGSTOP');
    const unproved = await notified.next(is(NOT_PROVED));
    await setTimeout(UNFED_MS);
    assert.deepEqual(notified.told.slice(unproved), []);
    client.signal('SIGCONT');
    await notified.next(isFed, await notified.next(is('STATUS=ready'), unproved));
  });

  it('nothing of the watchdog while the event loop does not turn', async (t) => {
    const machine = await Machine.make(t);
    const notified = await Notified.listen(t, WATCHDOG_MS);
    await machine.configure('server', {});
    // On SIGUSR2 it computes until it is told that it was long enough.
    const [stuck, enough] = [join(machine.etc, 'stuck.mjs'), join(machine.etc, 'enough')];
    const spin = `writeSync(2, 'stuck'); while (!existsSync(${JSON.stringify(enough)}));`;
    writeFileSync(
      stuck,
      `import { existsSync, writeSync } from 'node:fs';\nprocess.on('SIGUSR2', () => { ${spin} });\n`,
    );
    const server = machine.start('server', { ...notified.environment, NODE_OPTIONS: `--import=${stuck}` });
    await server.event('ready');
    await notified.next(isFed);
    server.signal('SIGUSR2');
    await within(
      untilStuck(() => server.stderr),
      'the event loop to be stuck',
    );
    // What was on its way arrives once, and no more.
    await eventually(async () => {
      const before = notified.told.length;
      await setTimeout(UNFED_MS);
      return notified.told.length === before ? true : undefined;
    }, 'a time without a word');
    writeFileSync(enough, '');
    await notified.next(isFed);
  });

  it('of a reload: RELOADING with the time, and READY when it is over', async (t) => {
    const machine = await Machine.make(t);
    const notified = await Notified.listen(t);
    await machine.configure('server', {});
    const server = machine.start('server', notified.environment);
    await server.event('ready');
    const ready = await notified.next(is('READY=1'), 0);
    server.signal('SIGHUP');
    const reloading = await notified.next(is('RELOADING=1'), ready);
    assert.match(notified.told[reloading] ?? '', /^MONOTONIC_USEC=\d+$/);
    await notified.next(is('READY=1'), reloading);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  });

  it('nothing at all where NOTIFY_SOCKET is not set: no process is started for it', async (t) => {
    const machine = await Machine.make(t);
    await machine.configure('server', {});
    // Whoever calls it leaves a trace.
    const trace = join(machine.etc, 'systemd-notify');
    writeFileSync(trace, `#!/bin/sh\ntouch ${join(machine.etc, 'called')}\n`, { mode: 0o755 });
    const environment = { PATH: `${machine.etc}:${process.env['PATH'] ?? ''}`, NOTIFY_SOCKET: '' };
    const server = machine.start('server', environment);
    await server.event('ready');
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    assert.ok(!readdirSync(machine.etc).includes('called'));
  });
});

/** The process says so as the last thing that it does. */
async function untilStuck(stderr: () => string): Promise<void> {
  while (!stderr().includes('stuck')) await setTimeout(20);
}
