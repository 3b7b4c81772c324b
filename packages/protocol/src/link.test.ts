import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloseCode } from './codes.ts';
import { readHead, readOpen, readTrailers } from './heads.ts';
import { helloOf, newBench, openHead, readyBench, Recorder, responseHead } from './testing/bench.ts';
import { rawFrame, rawHello, rawOpen, u32 } from './testing/frames.ts';
import { newPair, readyPair } from './testing/link-pair.ts';
import { HEADER_BYTES, Kind, Role } from './wire.ts';

const CHUNK = Buffer.from('0123456789');

describe('the handshake', () => {
  it('makes both sides ready with what the other said, on either kind of link', () => {
    for (const kind of ['entry', 'server'] as const) {
      const { clock, opener, acceptor } = newPair(kind);
      assert.ok(!opener.link.isReady && !acceptor.link.isReady);
      clock.settle();
      assert.ok(opener.link.isReady && acceptor.link.isReady);
      assert.ok(opener.link.isOpener && !acceptor.link.isOpener);
      const roles = kind === 'entry' ? [Role.ENTRY, Role.SERVER] : [Role.SERVER, Role.CLIENT];
      assert.deepEqual([acceptor.link.peer?.role, opener.link.peer?.role], roles);
      assert.deepEqual(acceptor.handler.hellos, [helloOf(roles[0]!, { leases: roles[0]!, session: kind })]);
    }
  });

  it('sends HELLO first, and a PING with it, in one message', () => {
    const { clock, tape } = newBench('client');
    clock.settle();
    assert.deepEqual(
      tape.frames().map((frame) => frame.kind),
      [Kind.HELLO, Kind.PING],
    );
    assert.equal(tape.sends.length, 1);
  });

  it('takes the HELLO of a later version that still speaks ours, with fields we do not know', () => {
    const { tape, link, handler } = newBench('client');
    tape.give(rawHello(Role.SERVER, { min: 1, max: 2, tail: Buffer.from('later') }));
    assert.ok(link.isReady);
    assert.equal(handler.hellos[0]?.maxVersion, 2);
  });

  it('measures the round trip at once', () => {
    const { clock, tape, link } = newBench('client');
    clock.settle();
    const ping = tape.frames()[1]!;
    clock.advance(30);
    tape.give(rawHello(Role.SERVER), rawFrame(Kind.PONG, 0, ping.payload, u32(tape.sentBytes)));
    assert.equal(link.smoothedRttMs, 30);
    assert.equal(link.smoothedRttUs, 30_000);
  });

  it('closes a link whose owner refuses it, with the owner’s code', () => {
    const { tape, link, handler } = newBench('server');
    handler.refusal = CloseCode.SESSION_REFUSED;
    tape.give(rawHello(Role.CLIENT));
    assert.equal(tape.closed?.code, CloseCode.SESSION_REFUSED);
    assert.ok(!link.isReady);
  });
});

describe('what one link sends, the other hears', () => {
  it('for a whole exchange: head, informational head, bodies, trailers, credit', () => {
    const { clock, opener, acceptor } = readyPair('server');
    const owner = new Recorder();
    const leg = opener.link.openLeg('s', owner);
    const request = openHead({ strings: ['POST', '/x?y', 'a', 'ü'], rttUs: 7 });
    leg.open(request, false);
    leg.data(CHUNK, 2, 6);
    leg.end(['t', '1']);
    clock.settle();
    const far = acceptor.handler.opened[0]!;
    assert.equal(far.leg.id, 1);
    assert.deepEqual(readOpen(far.payload, 0, far.payload.length), request);
    assert.deepEqual(far.owner.told, ['data 4', 'end']);
    assert.equal(far.owner.data[0]?.toString(), '2345');
    far.leg.grant(4);
    far.leg.head(responseHead({ status: 103 }), false);
    far.leg.head(responseHead({ status: 103 }), false);
    far.leg.head(responseHead(), false);
    far.leg.data(CHUNK, 0, 10);
    far.leg.end([]);
    clock.settle();
    assert.deepEqual(owner.told, ['head 103', 'head 103', 'head 200', 'data 10', 'end']);
    assert.ok(leg.isOver && far.leg.isOver);
    assert.equal(opener.link.legs.size + acceptor.link.legs.size, 0);
  });

  it('for CREDIT, ABORT and RESET', () => {
    const { clock, opener, acceptor } = readyPair('server');
    const owners = [new Recorder(), new Recorder(), new Recorder()];
    const legs = owners.map((owner) => {
      const leg = opener.link.openLeg('s', owner);
      leg.open(openHead(), false);
      return leg;
    });
    clock.settle();
    const far = acceptor.handler.opened;
    far[0]!.leg.grant(1_234);
    far[1]!.leg.abort(9);
    far[2]!.leg.reset(13, true);
    legs[0]!.reset(1, false);
    clock.settle();
    assert.deepEqual(
      owners.map((owner) => owner.told),
      [[], ['cut 9 in-order'], ['cut 13 not-started']],
    );
    assert.deepEqual(far[0]!.owner.told, ['cut 1']);
    legs[1]!.grant(1);
    assert.equal(opener.link.legs.size, 0);
  });

  it('for SLOTS, SESSIONS, GOAWAY, PING and CANARY', () => {
    const uplink = readyPair('entry');
    const state = { session: 's', principal: 'p', epoch: 3, links: 2, free: 5, waiting: 1 };
    const update = { reset: true, complete: false, sessions: [state] };
    uplink.acceptor.link.sendSessions(update);
    uplink.acceptor.link.goAway(12);
    uplink.clock.advance(1_000);
    assert.deepEqual(uplink.opener.handler.sessions, [update]);
    assert.deepEqual(uplink.opener.handler.goaways, [12]);
    assert.equal(uplink.opener.handler.canaries.length, 1);
    const client = readyPair('server');
    client.acceptor.link.sendSlots({ leases: 4, returned: 2, waiting: 0 });
    client.opener.link.sendSlots({ leases: 0, returned: 0, waiting: 9 });
    client.clock.settle();
    assert.deepEqual(client.opener.handler.slots, [{ leases: 4, returned: 2, waiting: 0 }]);
    assert.deepEqual(client.acceptor.handler.slots, [{ leases: 0, returned: 0, waiting: 9 }]);
  });

  it('also when it is only passed on, with another id and the same bytes', () => {
    const near = readyPair('entry');
    const far = readyPair('server');
    far.opener.link.openLeg('other', new Recorder()).open(openHead(), true);
    const source = near.opener.link.openLeg('s', new Recorder());
    source.open(openHead({ strings: ['PUT', '/relayed'] }), false);
    source.data(CHUNK, 0, 10);
    source.end(['t', 'v']);
    near.clock.settle();
    const { leg: inLeg, owner, payload } = near.acceptor.handler.opened[0]!;
    const outLeg = far.opener.link.openLeg('s', new Recorder());
    const open = Buffer.concat([rawOpen(inLeg.id).subarray(0, HEADER_BYTES), payload]);
    open.writeUIntBE(payload.length, 0, 3);
    outLeg.forward(Kind.OPEN, false, open, 0, open.length);
    for (const data of owner.data) {
      const frame = rawFrame(Kind.DATA, inLeg.id, data);
      outLeg.forward(Kind.DATA, false, frame, 0, frame.length);
    }
    const end = rawFrame(Kind.END, inLeg.id, Buffer.from([0, 0]));
    outLeg.forward(Kind.END, false, end, 0, end.length);
    far.clock.settle();
    const arrived = far.acceptor.handler.opened[1]!;
    assert.equal(arrived.leg.id, 2);
    assert.deepEqual(readOpen(arrived.payload, 0, arrived.payload.length), openHead({ strings: ['PUT', '/relayed'] }));
    assert.deepEqual(arrived.owner.told, ['data 10', 'end']);
    assert.equal(arrived.owner.data[0]?.toString(), CHUNK.toString());
  });

  it('for heads and trailers of 64 KiB', () => {
    const { clock, opener, acceptor } = readyPair('server');
    const large = ['n', 'v'.repeat(65_000)];
    const told: unknown[] = [];
    const leg = opener.link.openLeg('s', {
      onHead: (_leg, frame, start, end) => void told.push(readHead(frame, start, end)),
      onEnd: (_leg, frame, start, end) => void told.push(readTrailers(frame, start, end)),
      onData: () => {},
      onCut: () => {},
      onCredit: () => {},
    });
    leg.open(openHead({ strings: ['GET', '/', ...large] }), true);
    clock.settle();
    const far = acceptor.handler.opened[0]!;
    const request = readOpen(far.payload, 0, far.payload.length);
    assert.deepEqual(request, openHead({ strings: ['GET', '/', ...large] }));
    far.leg.head(responseHead({ strings: ['OK', ...large] }), false);
    far.leg.end(large);
    clock.settle();
    assert.deepEqual(told, [responseHead({ strings: ['OK', ...large] }), large]);
  });
});

describe('fairness by session', () => {
  it('holds for answers too: many streams of one session do not crowd out the one of another', () => {
    const { clock, tape, handler } = readyBench('uplink');
    const sessions = ['crowd', 'crowd', 'crowd', 'crowd', 'crowd', 'crowd', 'crowd', 'lonely'];
    tape.give(...sessions.map((session, i) => rawOpen(i + 1, session, true)));
    for (const { leg } of handler.opened) {
      leg.head(responseHead(), false);
      for (let i = 0; i < 8; i += 1) leg.data(Buffer.alloc(16_384), 0, 16_384);
    }
    clock.settle();
    const first = tape.frames().filter((frame) => frame.kind === Kind.DATA);
    const lonely = first.filter((frame) => frame.id === 8).length;
    assert.ok(Math.abs(2 * lonely - first.length) <= 2, `${lonely} of ${first.length} frames`);
  });
});
