/** What a broken or hostile peer might send: true conversations, mangled, torn and shuffled; or plain noise. */
import { Kind } from '../wire.ts';
import { ENDS } from './bench.ts';
import type { EndName } from './bench.ts';
import { rawData, rawFrame, rawHead, rawHello, rawOpen, rawTable, u16, u32 } from './frames.ts';
import type { Random } from './random.ts';

/** What each end may be sent, the likely ones more than once. */
const FITTING: Record<EndName, readonly Kind[]> = (() => {
  const both = [Kind.PING, Kind.CREDIT, Kind.DATA, Kind.DATA, Kind.CREDIT, Kind.GOAWAY];
  const cuts = [Kind.ABORT, Kind.RESET];
  const toOpener = [...both, ...cuts, Kind.HEAD, Kind.HEAD];
  const toAcceptor = [...both, ...cuts, Kind.OPEN, Kind.OPEN, Kind.OPEN, Kind.END];
  return {
    entry: [...toOpener, Kind.SESSIONS],
    server: [...toOpener, Kind.SLOTS],
    uplink: toAcceptor,
    client: [...toAcceptor, Kind.SLOTS],
  };
})();
const ALL = Object.values(Kind);

/** Ids up to this are opened, now and then one above is used. */
const IDS = 6;

function payloadOf(random: Random, kind: number): Buffer {
  switch (kind) {
    case Kind.PONG:
      return Buffer.concat([u32(random.int(4)), u32(random.int(2_000))]);
    case Kind.SLOTS:
      return Buffer.concat([u32(random.int(9)), u32(random.int(9)), u32(0)]);
    case Kind.SESSIONS:
      return Buffer.from([random.int(5), 0, 1, 1, 0x73, 1, 0x70, ...random.bytes(14)]);
    case Kind.GOAWAY:
      return Buffer.concat([u16(random.int(20)), u32(random.int(IDS))]);
    case Kind.CANARY:
      return Buffer.concat([u32(random.int(3)), Buffer.from([random.int(3)])]);
    case Kind.RESET:
      return Buffer.concat([u16(random.int(20)), Buffer.from([random.int(3)])]);
    case Kind.ABORT:
      return u16(random.int(20));
    case Kind.END:
      return random.chance(0.5) ? Buffer.alloc(0) : rawTable('t', random.chance(0.8) ? 'v' : '\n');
    case Kind.CREDIT:
      return u32(random.chance(0.9) ? random.spread(1, 100_000) : random.int(2 ** 32));
    default:
      return u32(random.int(4));
  }
}

function frameOf(random: Random, end: EndName, openedIds: { last: number }): Buffer {
  const kind = random.pick(random.chance(0.97) ? FITTING[end] : ALL);
  const id = 1 + random.int(random.chance(0.98) ? Math.max(1, openedIds.last) : IDS * 2);
  switch (kind) {
    case Kind.HELLO:
      return random.chance(0.05) ? rawHello(random.int(5)) : rawData(id, 1);
    case Kind.OPEN:
      openedIds.last += 1;
      return rawOpen(openedIds.last, 's', random.chance(0.3), 'GET', '/', 'a', random.chance(0.9) ? 'b' : '\r');
    case Kind.HEAD:
      return rawHead(id, random.pick([100, 103, 103, 101, 200, 204, 0, 999]), random.chance(0.3));
    case Kind.DATA:
      return rawData(id, random.spread(1, 16_384));
    default:
      return rawFrame(kind, kind < 0x10 ? 0 : id, payloadOf(random, kind));
  }
}

function spoil(random: Random, frame: Buffer): Buffer {
  const spoiled = Buffer.from(frame);
  switch (random.int(5)) {
    case 0:
      spoiled[random.int(spoiled.length)] = random.int(256);
      return spoiled;
    case 1:
      return spoiled.subarray(0, random.int(spoiled.length));
    case 2:
      return Buffer.concat([spoiled, random.bytes(1 + random.int(20))]);
    case 3:
      spoiled.writeUIntBE(random.int(2 ** 24), 0, 3);
      return spoiled;
    default:
      return random.bytes(random.int(64));
  }
}

/** Messages for the link of an `end`; `openedIds` how many streams the link itself has opened. */
export function hostileMessages(random: Random, end: EndName, openedIds: number): Buffer[] {
  const ids = { last: openedIds };
  const frames = Array.from({ length: random.spread(1, 30) }, () => frameOf(random, end, ids));
  const spoilRate = random.pick([0, 0, 0.02, 0.2]);
  const stream = frames.map((frame) => (random.chance(spoilRate) ? spoil(random, frame) : frame));
  if (random.chance(0.9)) stream.unshift(rawHello(ENDS[end].peerRole));
  if (random.chance(0.1)) stream.sort(() => random.next() - 0.5);
  const messages: Buffer[] = [];
  for (let at = 0; at < stream.length;) {
    const count = 1 + random.int(6);
    messages.push(Buffer.concat(stream.slice(at, at + count)));
    at += count;
  }
  // Torn as a whole, not at a frame's border: both halves arrive as messages of their own.
  if (random.chance(0.1)) {
    const whole = Buffer.concat(messages);
    const cut = random.int(whole.length + 1);
    return [whole.subarray(0, cut), whole.subarray(cut)];
  }
  return messages;
}
