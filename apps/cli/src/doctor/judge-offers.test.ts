import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePrometheusText } from '@sallyport/load-tests';
import { contextOf, SILENT_PART } from '../testing/doctor.ts';
import type { OfferLine } from './admin-answers.ts';
import { foldConsequences } from './consequences.ts';
import { deploymentOf } from './deployment.ts';
import { judgeOffers, judgeReloaded } from './judge-offers.ts';
import { judgeRunning } from './judge-running.ts';
import type { RunningPart } from './running.ts';

const ADMIN = new URL('http://127.0.0.1:12004');
const idle: OfferLine = {
  session: 'demo',
  backend: 'http://demo.test',
  answers: 100,
  serverErrors: 0,
  backendSeconds: 0.6,
  lastFailure: null,
  busy: 0,
  free: 10,
};

function partOf(part: string, more: Partial<RunningPart> = {}): RunningPart {
  return { ...SILENT_PART, part, where: part, ...more };
}

const clientOf = (now: Partial<OfferLine>, more: Partial<RunningPart> = {}) =>
  partOf('client', { offersBefore: [idle], offers: [{ ...idle, ...now }], ...more });

function judged(client: RunningPart, ...others: readonly RunningPart[]) {
  return judgeOffers(client, deploymentOf([client, ...others]));
}

describe('judgeOffers', () => {
  it('sees all slots busy, and how the backend is, where no server was asked', () => {
    const hanging = clientOf({ busy: 10, free: 0 });
    const [hangs] = judged(hanging);
    assert.equal(
      hangs?.message,
      'client: session demo: all 10 slots are busy; its backend http://demo.test answered nothing in the last second, ' +
        'and took 6.0 ms since the start',
    );
    assert.deepEqual([hangs?.status, hangs?.page], ['fail', 'docs/runbooks/sp-queue-full.md']);
    assert.match(hangs?.fix ?? '', /^mend it/);
    const [works] = judged(clientOf({ busy: 10, free: 0, answers: 200, backendSeconds: 1.2 }));
    assert.deepEqual([works?.status, works?.fix?.startsWith('raise client.concurrency')], ['warn', true]);
    assert.deepEqual(judged(clientOf({ busy: 9, free: 1 })), []);
    assert.deepEqual(judged(hanging, partOf('server')), []);
  });

  it('names the backend that failed the last request, as a fault while visitors are told so', () => {
    const failing = clientOf({ lastFailure: 'read ECONNRESET', lastFailureAt: '2026-11-21T07:48:02.790Z' });
    const [last] = judged(failing);
    assert.deepEqual(
      [last?.status, last?.message],
      [
        'warn',
        'client: session demo: its backend http://demo.test failed the last request (2026-11-21T07:48:02.790Z): ' +
          'read ECONNRESET',
      ],
    );
    assert.equal(last?.page, 'docs/runbooks/sallyport-backend-failing.md');
    const reset = 'sallyport_refused_total{part="entry",code="SP_BACKEND_RESET"} 3\n';
    const entry = partOf('entry', { after: parsePrometheusText(reset) });
    const found = foldConsequences([
      ...judged(failing, entry),
      ...judgeRunning(entry, deploymentOf([failing, entry]), 0),
    ]);
    assert.deepEqual(
      found.map(({ status, check }) => `${status} ${check}`),
      ['fail backend', 'ok ready', 'info follows'],
    );
    assert.deepEqual(judged(clientOf({}), entry), []);
    const checks = { 'backend:demo': { ok: false } };
    assert.deepEqual(judged({ ...failing, readiness: { checks } }), []);
  });

  it('sends to the log where no client that was asked has such a backend now', () => {
    const entry = partOf('entry', {
      after: parsePrometheusText('sallyport_refused_total{part="entry",code="SP_BACKEND_RESET"} 3\n'),
    });
    const fixOf = (...parts: readonly RunningPart[]) =>
      judgeRunning(entry, deploymentOf([entry, ...parts]), 0).find(({ check }) => check === 'refused')?.fix;
    assert.match(fixOf(clientOf({}))!, /grep SP_BACKEND_RESET entry\.log/);
    assert.match(fixOf()!, /doctor beside the client/);
  });
});

/** Of a client that serves demo from port 3999, and whose file has these sessions. */
function reloaded(sessions: readonly object[]) {
  const { config } = contextOf({ set: { 'client.sessions': sessions } }).settings!;
  return judgeReloaded(clientOf({ backend: 'http://127.0.0.1:3999' }), ADMIN, config.client.sessions);
}

describe('judgeReloaded', () => {
  it('compares the file with the running client, and says how to reload it', () => {
    const [other, unknown, ...more] = reloaded([
      { id: 'demo', backend: 'http://127.0.0.1:3000' },
      { id: 'shop', backend: 'http://me:hunter2@127.0.0.1:3001' },
    ]);
    const says =
      'client: session demo: the file says http://127.0.0.1:3000, and the running client http://127.0.0.1:3999';
    assert.deepEqual([other?.status, other?.message, more], ['warn', says, []]);
    assert.match(other!.fix!, /curl --json '\{\}' http:\/\/127\.0\.0\.1:12004\/api\/reload/);
    assert.match(unknown!.message, /session shop: the file says .*, and the running client does not offer it$/);
    assert.ok(!unknown!.message.includes('hunter2'));
    assert.deepEqual(reloaded([{ id: 'demo', backend: 'http://127.0.0.1:3999' }]), []);
  });
});
