/** PROTOCOL.md's table of violations, row by row: frames that no link may carry. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloseCode, CREDENTIAL_FOR_CLIENT, CREDENTIAL_FOR_ENTRY } from './codes.ts';
import { newBench, readyBench } from './testing/bench.ts';
import { rawData, rawFrame, rawHead, rawHello, rawOpen, u16, u32 } from './testing/frames.ts';
import { meets, openedBench, PAYLOAD_SIZES } from './testing/violations.ts';
import { FIRST_STREAM_KIND, Kind, LAST, MAX_MESSAGE_BYTES, Role } from './wire.ts';

const { PROTOCOL, SESSION_REFUSED, VERSION } = CloseCode;
const FOUR = u32(0);
const end = (id: number): Buffer => rawFrame(Kind.END, id);
const credit = (id: number, bytes: number): Buffer => rawFrame(Kind.CREDIT, id, u32(bytes));
const canary = (reply: number): Buffer => rawFrame(Kind.CANARY, 0, FOUR, Buffer.from([reply]));
const idOf = (kind: number): number => (kind < FIRST_STREAM_KIND ? 0 : 1);

describe('4002 protocol meets', () => {
  it('a text message', () => {
    const bench = readyBench('client');
    bench.tape.handler!.onText();
    assert.equal(bench.tape.closed?.code, PROTOCOL);
  });

  it('a message with a torn frame, or none', () => {
    const whole = rawOpen(1);
    for (let length = 0; length < whole.length; length += 1) {
      meets(readyBench('client'), PROTOCOL, whole.subarray(0, length));
      if (length > 0) meets(readyBench('client'), PROTOCOL, Buffer.concat([rawOpen(1), whole.subarray(0, length)]));
    }
  });

  it('a message beyond 160 KiB, and takes one that is just as long', () => {
    const ping = rawFrame(Kind.PING, 0, FOUR);
    const full = Buffer.alloc(MAX_MESSAGE_BYTES - (MAX_MESSAGE_BYTES % ping.length), ping);
    const bench = readyBench('client');
    bench.tape.give(full);
    assert.ok(!bench.link.isClosed);
    meets(bench, PROTOCOL, Buffer.concat([full, ping]));
  });

  it('a kind that does not exist', () => {
    for (const kind of [0x00, 0x08, 0x0f, 0x17, 0x7f]) {
      for (const id of [0, 1]) meets(readyBench('client'), PROTOCOL, rawFrame(kind, id, FOUR));
    }
  });

  it('LAST on any kind but OPEN and HEAD', () => {
    for (const [kind, least] of PAYLOAD_SIZES) {
      if (kind === Kind.OPEN || kind === Kind.HEAD) continue;
      const frame = rawFrame(kind | LAST, idOf(kind), Buffer.alloc(least, 1));
      meets(readyBench('client'), PROTOCOL, rawOpen(1), frame);
    }
  });

  it('LAST on an informational head', () => {
    meets(openedBench('server'), PROTOCOL, rawHead(1, 103, true));
  });

  it('a payload below or beyond the limits of its kind', () => {
    const openerOnly = new Set<number>([Kind.HEAD, Kind.SESSIONS]);
    for (const [kind, least, most] of PAYLOAD_SIZES) {
      for (const length of [least - 1, most + 1]) {
        if (length < 0) continue;
        const bench = openerOnly.has(kind) ? openedBench('entry') : readyBench('client');
        meets(bench, PROTOCOL, rawFrame(kind, idOf(kind), Buffer.alloc(length)));
      }
    }
  });

  it('a stream frame on id 0 and a link frame on another', () => {
    for (const [kind, least] of PAYLOAD_SIZES) {
      meets(readyBench('client'), PROTOCOL, rawOpen(1), rawFrame(kind, 1 - idOf(kind), Buffer.alloc(least, 1)));
    }
  });

  it('anything before HELLO', () => {
    for (const [kind, least] of PAYLOAD_SIZES) {
      if (kind === Kind.HELLO) continue;
      meets(newBench('client'), PROTOCOL, rawFrame(kind, idOf(kind), Buffer.alloc(least, 1)));
    }
  });

  it('a second HELLO, also in the message of the first', () => {
    meets(readyBench('client'), PROTOCOL, rawHello(Role.SERVER));
    meets(newBench('client'), PROTOCOL, Buffer.concat([rawHello(Role.SERVER), rawHello(Role.SERVER)]));
  });

  it('no HELLO within 5 s', () => {
    const { clock, handler } = newBench('client');
    clock.advance(4_999);
    assert.equal(handler.closes.length, 0);
    clock.advance(1);
    assert.equal(handler.closes[0]?.code, PROTOCOL);
  });

  it('a HELLO whose names do not fit it, or whose role is not the one expected', () => {
    const torn = rawFrame(Kind.HELLO, 0, Buffer.from([1, 1, Role.SERVER]), Buffer.alloc(19, 0xff));
    meets(newBench('client'), PROTOCOL, torn);
    for (const role of [0, Role.ENTRY, Role.CLIENT, 4]) meets(newBench('client'), PROTOCOL, rawHello(role));
    for (const side of ['server', 'uplink'] as const) {
      for (const role of [0, Role.SERVER, 4]) meets(newBench(side), PROTOCOL, rawHello(role));
    }
  });

  it('a kind that the role of the peer may not send', () => {
    meets(openedBench('server'), PROTOCOL, rawOpen(2));
    meets(openedBench('entry'), PROTOCOL, rawOpen(2));
    for (const side of ['client', 'uplink'] as const) meets(readyBench(side), PROTOCOL, rawOpen(1), rawHead(1, 200));
    const sessions = rawFrame(Kind.SESSIONS, 0, Buffer.from([3, 0, 0]));
    for (const side of ['client', 'uplink', 'server'] as const) meets(readyBench(side), PROTOCOL, sessions);
    const slots = rawFrame(Kind.SLOTS, 0, Buffer.alloc(12));
    for (const side of ['entry', 'uplink'] as const) meets(readyBench(side), PROTOCOL, slots);
    for (const side of ['entry', 'server'] as const) meets(readyBench(side), PROTOCOL, canary(0));
    for (const side of ['client', 'uplink'] as const) meets(readyBench(side), PROTOCOL, canary(1));
    meets(readyBench('client'), PROTOCOL, canary(2));
  });

  it('a frame for an id that was never opened', () => {
    for (const frame of [rawData(1, 1), end(1), credit(1, 1), rawFrame(Kind.ABORT, 1, u16(1))]) {
      meets(readyBench('client'), PROTOCOL, frame);
      meets(readyBench('server'), PROTOCOL, frame);
    }
    meets(openedBench('server'), PROTOCOL, rawHead(2, 200));
    meets(readyBench('client'), PROTOCOL, rawFrame(Kind.RESET, 9, u16(1), Buffer.from([0])));
  });

  it('an OPEN with an id that is not above the last, used or not', () => {
    meets(readyBench('client'), PROTOCOL, rawOpen(5), rawOpen(5));
    meets(readyBench('client'), PROTOCOL, rawOpen(5), rawOpen(4));
    meets(readyBench('client'), PROTOCOL, rawOpen(5), rawFrame(Kind.ABORT, 5, u16(1)), rawOpen(5));
  });

  it('a PONG that answers no PING or claims bytes that were never sent', () => {
    const bench = readyBench('client');
    meets(bench, PROTOCOL, rawFrame(Kind.PONG, 0, u32(1), u32(0)));
    const fresh = newBench('client');
    fresh.clock.settle();
    const claim = rawFrame(Kind.PONG, 0, u32(1), u32(fresh.tape.sentBytes + 1));
    meets(fresh, PROTOCOL, rawHello(Role.SERVER), claim);
  });

  it('SESSIONS that do not fill their frame', () => {
    meets(readyBench('entry'), PROTOCOL, rawFrame(Kind.SESSIONS, 0, Buffer.from([0, 0, 1])));
    meets(readyBench('entry'), PROTOCOL, rawFrame(Kind.SESSIONS, 0, Buffer.from([0, 0, 0, 0])));
  });
});

describe('4007 session-refused meets', () => {
  it('a client with an entry’s credential, and an entry with a client’s', () => {
    const client = newBench('uplink');
    meets(client, SESSION_REFUSED, rawHello(Role.CLIENT));
    assert.equal(client.tape.closed?.reason, CREDENTIAL_FOR_ENTRY);
    const entry = newBench('server');
    meets(entry, SESSION_REFUSED, rawHello(Role.ENTRY));
    assert.equal(entry.tape.closed?.reason, CREDENTIAL_FOR_CLIENT);
  });
});

describe('4003 version meets', () => {
  it('a HELLO whose range has nothing in common with ours', () => {
    meets(newBench('client'), VERSION, rawHello(Role.SERVER, { min: 2, max: 3 }));
    meets(newBench('client'), VERSION, rawHello(Role.SERVER, { min: 0, max: 0 }));
  });

  it('a HELLO whose streams would begin with another window', () => {
    meets(newBench('client'), VERSION, rawHello(Role.SERVER, { windowBytes: 0 }));
    meets(newBench('client'), VERSION, rawHello(Role.SERVER, { windowBytes: 65_536 }));
  });
});
