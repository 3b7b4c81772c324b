/** One link on a tape, with a clock of its own and owners that keep what they are told. */
import type { Hello, SessionsUpdate, Slots } from '../control.ts';
import type { Leg, LegOwner } from '../leg.ts';
import { Link } from '../link.ts';
import type { LinkClosed, LinkHandler, LinkOptions } from '../link-handler.ts';
import type { CloseCode } from '../codes.ts';
import type { OpenHead, ResponseHead } from '../heads.ts';
import { Kind, Role } from '../wire.ts';
import { rawFrame, rawHello, u32 } from './frames.ts';
import { Tape } from './tape.ts';
import { VirtualClock } from './virtual-clock.ts';

export const LIFE = { heartbeatMs: 5_000, canaryMs: 1_000 };
export const HELLO_TIMEOUT_MS = 5_000;

export function helloOf(role: Role, changes: Partial<Hello> = {}): Hello {
  const numbers = { minVersion: 1, maxVersion: 1, capabilities: 0, windowBytes: 16_384, heartbeatMs: 5_000, leases: 0 };
  return { ...numbers, role, instance: 'i', session: '', deployment: 'd', ...changes };
}

export function openHead(changes: Partial<OpenHead> = {}): OpenHead {
  return { upgrade: false, attempt: 1, rttUs: 0, session: 's', strings: ['GET', '/'], ...changes };
}

export function responseHead(changes: Partial<ResponseHead> = {}): ResponseHead {
  const times = { rttUs: 0, serverUs: 0, queueUs: 0, clientUs: 0, slotUs: 0, uploadUs: 0, backendUs: 0 };
  return { status: 200, strings: ['OK'], ...times, ...changes };
}

/** What a leg's owner was told, in words. */
export class Recorder implements LegOwner {
  readonly told: string[] = [];
  readonly data: Buffer[] = [];

  onHead(_leg: Leg, frame: Buffer, start: number, _end: number, last: boolean): void {
    this.told.push(`head ${frame.readUInt16BE(start)}${last ? ' last' : ''}`);
  }

  onData(_leg: Leg, frame: Buffer, start: number, end: number): void {
    this.told.push(`data ${end - start}`);
    this.data.push(Buffer.from(frame.subarray(start, end)));
  }

  onEnd(): void {
    this.told.push('end');
  }

  onCut(_leg: Leg, code: number, notStarted: boolean, inOrder: boolean): void {
    this.told.push(`cut ${code}${notStarted ? ' not-started' : ''}${inOrder ? ' in-order' : ''}`);
  }

  onCredit(_leg: Leg, bytes: number): void {
    this.told.push(`credit ${bytes}`);
  }
}

export class RecordingHandler implements LinkHandler {
  refusal: CloseCode | null = null;
  hellos: Hello[] = [];
  opened: { leg: Leg; owner: Recorder; last: boolean; payload: Buffer }[] = [];
  slots: Slots[] = [];
  sessions: SessionsUpdate[] = [];
  goaways: number[] = [];
  late: boolean[] = [];
  canaries: number[] = [];
  closes: LinkClosed[] = [];

  onHello(_link: Link, hello: Hello): CloseCode | null {
    this.hellos.push(hello);
    return this.refusal;
  }

  onOpen(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    const owner = new Recorder();
    leg.owner = owner;
    this.opened.push({ leg, owner, last, payload: Buffer.from(frame.subarray(start, end)) });
  }

  onSlots(_link: Link, slots: Slots): void {
    this.slots.push(slots);
  }

  onSessions(_link: Link, update: SessionsUpdate): void {
    this.sessions.push(update);
  }

  onGoaway(_link: Link, code: number): void {
    this.goaways.push(code);
  }

  onLate(_link: Link, isLate: boolean): void {
    this.late.push(isLate);
  }

  onCanary(_link: Link, seconds: number): void {
    this.canaries.push(seconds);
  }

  onClosed(_link: Link, close: LinkClosed): void {
    this.closes.push(close);
  }
}

/** Which of the four ends of links is under test, and who is on the other side. */
export const ENDS = {
  entry: { role: Role.ENTRY, peerRole: Role.SERVER },
  uplink: { role: Role.SERVER, peerRole: Role.ENTRY },
  server: { role: Role.SERVER, peerRole: Role.CLIENT },
  client: { role: Role.CLIENT, peerRole: Role.SERVER },
} as const;
export type EndName = keyof typeof ENDS;

export interface Bench {
  readonly clock: VirtualClock;
  readonly tape: Tape;
  readonly handler: RecordingHandler;
  readonly link: Link;
}

/** A link that has sent its HELLO and heard nothing yet. */
export function newBench(end: EndName, changes: Partial<LinkOptions> = {}): Bench {
  const clock = new VirtualClock();
  const tape = new Tape();
  const handler = new RecordingHandler();
  const { role, peerRole } = ENDS[end];
  const hello = helloOf(role);
  const life = { life: LIFE, helloTimeoutMs: HELLO_TIMEOUT_MS };
  const link = new Link({ transport: tape, clock, hello, peerRole, handler, ...life, ...changes });
  return { clock, tape, handler, link };
}

/** A link after the handshake, its first PING answered, its tape read. */
export function readyBench(end: EndName, changes: Partial<LinkOptions> = {}): Bench {
  const bench = newBench(end, changes);
  bench.clock.settle();
  bench.tape.give(rawHello(ENDS[end].peerRole));
  answerPings(bench);
  bench.tape.confirm();
  return bench;
}

/** Answers, as the peer would, the last PING on the tape; returns the other frames. */
export function answerPings({ tape, clock }: Bench) {
  clock.settle();
  const frames = tape.frames();
  const ping = frames.filter((each) => each.kind === Kind.PING).at(-1);
  if (ping !== undefined) tape.give(rawFrame(Kind.PONG, 0, ping.payload, u32(tape.sentBytes % 2 ** 32)));
  clock.settle();
  return frames.filter((each) => each.kind !== Kind.PING);
}

/** Opens a stream that has no body yet. */
export function open({ link }: Bench): { leg: Leg; owner: Recorder } {
  const owner = new Recorder();
  const leg = link.openLeg('s', owner);
  leg.open(openHead(), false);
  return { leg, owner };
}

/** Fills the hands of the transport, so that what is opened from now on waits. */
export function block(bench: Bench): void {
  const { leg } = open(bench);
  bench.clock.settle();
  bench.tape.give(rawFrame(Kind.CREDIT, leg.id, u32(1_000_000)));
  for (let i = 0; i < 30; i += 1) leg.data(Buffer.alloc(16_384), 0, 16_384);
  bench.clock.settle();
}
