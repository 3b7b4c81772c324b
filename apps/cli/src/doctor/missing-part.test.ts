import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { contextOf } from '../testing/doctor.ts';
import type { Given } from '../testing/doctor.ts';
import { judgeMissing } from './missing-part.ts';
import { isOwnAddress } from './own-address.ts';
import { placesOf } from './places.ts';

const SESSIONS = { 'client.sessions': [{ id: 'demo', backend: 'http://127.0.0.1:1' }] };
const gone = { part: 'client', why: 'nothing listens at http://127.0.0.1:12004', isSilent: true } as const;
const unasked = { part: 'server', why: 'server.admin.port is 0', isSilent: false } as const;

function placed(given: Given): string[] {
  return placesOf(contextOf(given)).map(({ part, url, isNamed }) => `${part} ${url.port}${isNamed ? ' named' : ''}`);
}

describe('placesOf', () => {
  it('has the ports of all parts, also of those that the configuration says nothing of', () => {
    const set = { 'client.admin.port': 7, 'entry.admin.port': 0 };
    assert.deepEqual(placed({ set }), ['server 12002', 'client 7 named']);
    assert.deepEqual(placed({ set, admin: ['http://127.0.0.1:9'] }), ['null 9 named']);
  });
});

describe('judgeMissing', () => {
  it('warns in one line of all parts that were not looked at', () => {
    const { settings } = contextOf({ set: { ...SESSIONS, 'server.maxLinks': 5 } });
    const [found, ...more] = judgeMissing([unasked, gone], false, { ...settings!, file: '/etc/c.yaml' });
    assert.deepEqual([found?.status, found?.check, more], ['warn', 'look', []]);
    assert.equal(found?.message, `not looked at: server (${unasked.why}), client (${gone.why})`);
    assert.match(found.fix!, /^start what is meant to run here \(sallyport client --config \/etc\/c\.yaml, or its/);
    assert.equal(found.page, 'docs/runbooks/sallyport-part-down.md');
    assert.deepEqual(judgeMissing([], true, settings!), []);
  });

  it('fails for one that is certainly of this machine, where others of it run', () => {
    const of = (set: Given['set'], isAnyRunning = true) =>
      judgeMissing([gone], isAnyRunning, contextOf({ set: { ...set, 'server.maxLinks': 5 } }).settings!)[0]!;
    const missed = of(SESSIONS);
    assert.deepEqual([missed.status, missed.check, missed.message], ['fail', 'client', `${gone.why}; it does not run`]);
    assert.match(missed.fix!, /^start it \(sallyport client, or its service\)/);
    const elsewhere = { ...SESSIONS, 'client.servers': ['wss://tunnel.example:12001'] };
    for (const { status, check } of [of(elsewhere), of({ 'client.admin.port': 7 }), of(SESSIONS, false)]) {
      assert.deepEqual([status, check], ['warn', 'look']);
    }
    const written = { ...contextOf({}).settings!, sections: ['client'] };
    assert.equal(judgeMissing([gone], true, written)[0]?.status, 'fail');
  });

  it('is a note where nothing is configured and something runs', () => {
    const { settings } = contextOf({});
    assert.deepEqual(judgeMissing([gone], false, settings!), []);
    assert.equal(judgeMissing([gone], true, settings!)[0]?.status, 'info');
  });
});

describe('isOwnAddress', () => {
  it('is an address of loopback, or of an interface of this machine', async () => {
    const own = Object.values(networkInterfaces()).flatMap((all = []) => all);
    const addresses = own.map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address));
    for (const host of ['localhost', ...addresses]) {
      assert.ok(await isOwnAddress(new URL(`http://${host}:1`), 30_000), host);
    }
    for (const host of ['203.0.113.1', '0.0.0.0', '[2001:db8::1]']) {
      assert.ok(!(await isOwnAddress(new URL(`http://${host}:1`), 30_000)), host);
    }
  });
});
