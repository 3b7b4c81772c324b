/** Frames of the link itself, checked and taken. */
import { CloseCode, CREDENTIAL_FOR_CLIENT, CREDENTIAL_FOR_ENTRY } from './codes.ts';
import { decodeHello, decodeSessions, decodeSlots } from './control.ts';
import type { Link } from './link.ts';
import { INITIAL_WINDOW_BYTES, Kind, PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, readU16, readU32, Role } from './wire.ts';

export function takeLinkFrame(link: Link, kind: number, frame: Buffer, start: number, end: number): void {
  switch (kind) {
    case Kind.HELLO:
      return takeHello(link, frame, start, end);
    case Kind.PING:
      return link.answerPing(readU32(frame, start));
    case Kind.PONG:
      return takePong(link, frame, start);
    case Kind.SLOTS:
      // Between a server and a client alone.
      if (link.peerRole === Role.ENTRY || (link.peerRole === Role.SERVER && link.isOpener)) return refuse(link, kind);
      return link.handler.onSlots(link, decodeSlots(frame, start));
    case Kind.SESSIONS:
      return takeSessions(link, frame, start, end);
    case Kind.GOAWAY:
      return link.peerGoesAway(readU16(frame, start), readU32(frame, start + 2));
    default:
      return takeCanary(link, frame, start);
  }
}

function takeHello(link: Link, frame: Buffer, start: number, end: number): void {
  const hello = decodeHello(frame, start, end);
  if (hello === null || link.peer !== null) {
    return link.close(CloseCode.PROTOCOL, hello === null ? 'malformed HELLO' : 'second HELLO');
  }
  if (hello.minVersion > PROTOCOL_VERSION || hello.maxVersion < PROTOCOL_VERSION_MIN) {
    return link.close(CloseCode.VERSION, `we speak ${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION}`);
  }
  if (hello.windowBytes !== INITIAL_WINDOW_BYTES) {
    return link.close(CloseCode.VERSION, `streams begin with ${INITIAL_WINDOW_BYTES} bytes, not ${hello.windowBytes}`);
  }
  if (hello.role !== link.peerRole) return refuseRole(link, hello.role);
  link.peer = hello;
  const refusal = link.handler.onHello(link, hello);
  if (refusal !== null) link.close(refusal, 'refused');
}

/** Whom a server expects it knows by the credential. */
function refuseRole(link: Link, role: number): void {
  const { peerRole } = link;
  if (peerRole === Role.ENTRY && role === Role.CLIENT) {
    return link.close(CloseCode.SESSION_REFUSED, CREDENTIAL_FOR_ENTRY);
  }
  if (peerRole === Role.CLIENT && role === Role.ENTRY) {
    return link.close(CloseCode.SESSION_REFUSED, CREDENTIAL_FOR_CLIENT);
  }
  link.close(CloseCode.PROTOCOL, `role ${role}, not ${peerRole}`);
}

function takePong(link: Link, frame: Buffer, start: number): void {
  const { acks } = link.egress;
  if (!acks.pong(readU32(frame, start), readU32(frame, start + 4), link.clock.nowMs())) {
    return link.close(CloseCode.PROTOCOL, 'PONG without its PING');
  }
  link.egress.onAcked();
}

function takeSessions(link: Link, frame: Buffer, start: number, end: number): void {
  if (link.peerRole !== Role.SERVER || !link.isOpener) return refuse(link, Kind.SESSIONS);
  const update = decodeSessions(frame, start, end);
  if (update === null) return link.close(CloseCode.PROTOCOL, 'malformed SESSIONS');
  link.handler.onSessions(link, update);
}

function takeCanary(link: Link, frame: Buffer, start: number): void {
  const serial = readU32(frame, start);
  const reply = frame[start + 4];
  // The opener asks, the acceptor answers; nothing else.
  if (reply !== (link.isOpener ? 1 : 0)) return refuse(link, Kind.CANARY);
  if (reply === 1) link.life.canaryReply(serial);
  else link.answerCanary(serial);
}

function refuse(link: Link, kind: number): void {
  link.close(CloseCode.PROTOCOL, `kind ${kind} from role ${link.peerRole}`);
}
