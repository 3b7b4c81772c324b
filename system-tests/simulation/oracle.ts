/** What must hold after every turn, and what when all is quiet. */
import { Kind, LAST, MAX_STREAM_ID, Phase } from '@sallyport/protocol';
import type { Leg } from '@sallyport/protocol';
import type { Relay } from '../../apps/tunnel-server/src/relay/relay.ts';
import type { Session } from '../../apps/tunnel-server/src/relay/session.ts';
import type { Stage } from './stage.ts';
import { expect } from './violation.ts';

const KIND_AT = 3;

export function checkTurn(stage: Stage, relay: Relay): void {
  if (stage.isFlawless) for (const session of relay.sessions.values()) checkQueue(session);
  let queuedBytes = stage.traffic.inFlight;
  for (const { link, end } of stage.linkEnds) {
    if (link.isClosed) continue;
    const { egress } = link;
    queuedBytes += egress.queuedBytes;
    if (egress.waiting.bytes === 0) continue;
    for (const leg of egress.waiting.streams()) checkWaiting(leg as Leg);
    const mayMove = end.heldBytes === 0 && egress.acks.allows(0);
    expect(!mayMove, () => `${egress.waiting.bytes} bytes wait for a line that is free`);
  }
  // Frames lost with a line never arrive, so nothing adds up any more.
  if (queuedBytes === 0 && !stage.hasCuts) checkCredit(stage);
}

/** Nobody waits beside a free slot: whoever gives one back wakes the first in the queue. */
function checkQueue(session: Session): void {
  if (session.waiting === 0) return;
  expect(session.free === 0, () => `${session.waiting} requests wait, and ${session.free} slots are free`);
}

/** What waits of a stream that is over ends in its end: it was not reset or cut, or nothing would wait. */
function checkWaiting(leg: Leg): void {
  if (!leg.isOver) return;
  const kind = leg.frames.at(-1)![KIND_AT]!;
  const isEnd = kind === Kind.END || kind === Kind.ABORT || (kind & LAST) !== 0;
  expect(isEnd, () => `stream ${leg.id} is over, and ${leg.frames.length} frames of it still wait`);
}

/** With nothing on its way, a sender has just the credit that its receiver has granted. */
function checkCredit(stage: Stage): void {
  for (const { plan, visitor, backend } of stage.exchanges) {
    const near = visitor.stream.leg;
    const far = backend?.stream.leg;
    if (near === null || far == null || near.isOver || far.isOver) continue;
    const name = `request ${plan.key}`;
    if (near.outPhase === Phase.BODY) {
      const what = () => `${name}: ${near.sendCredit} to send up, ${far.receiveCredit} granted`;
      expect(near.sendCredit === far.receiveCredit, what);
    }
    if (far.outPhase === Phase.BODY) {
      const what = () => `${name}: ${far.sendCredit} to send down, ${near.receiveCredit} granted`;
      expect(far.sendCredit === near.receiveCredit, what);
    }
  }
}

/** Every request has ended: every count is back where it began. */
export function checkQuiet(stage: Stage, relay: Relay): void {
  const counts: [string, number][] = [
    ['streams at the relay', relay.streams],
    ['bytes of the window budgets', stage.usedBudgetBytes],
  ];
  for (const { link } of stage.linkEnds) {
    const name = `${link.isClosed ? 'closed' : 'live'} link to role ${link.peerRole}`;
    const most = stage.plan.maxStreamId ?? MAX_STREAM_ID;
    expect(link.highestId <= most, () => `id ${link.highestId} on a ${name} that ends at ${most}`);
    counts.push([`legs on a ${name}`, link.legs.size], [`bytes queued on a ${name}`, link.egress.queuedBytes]);
  }
  for (const session of relay.sessions.values()) counts.push([`requests waiting for ${session.id}`, session.waiting]);
  for (const client of relay.clientLinks.values()) counts.push(['slots busy', client.busy]);
  for (const { plan, visitor } of stage.exchanges) {
    counts.push([`bytes of request ${plan.key} held back`, visitor.stream.pendingBytes]);
  }
  for (const [name, count] of counts) expect(count === 0, () => `${count} ${name}`);
}
