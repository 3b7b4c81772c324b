/** Frames of streams: their place, their credit and their id checked, then given to the leg's owner. */
import { CloseCode, StreamCode } from './codes.ts';
import { isInformational, readOpenSession, readStatus } from './heads.ts';
import { Leg } from './leg.ts';
import type { Link } from './link.ts';
import { Phase, phaseAfter, phaseAfterHead } from './phases.ts';
import { Kind, MAX_INFORMATIONAL_HEADS, MAX_WINDOW_BYTES, readU16, readU32 } from './wire.ts';

export function takeStreamFrame(
  link: Link,
  kind: number,
  last: boolean,
  id: number,
  frame: Buffer,
  start: number,
  end: number,
): void {
  if (kind === Kind.OPEN) return takeOpen(link, id, frame, start, end, last);
  const leg = link.legs.get(id);
  if (leg === undefined) {
    if (id > link.highestId) link.close(CloseCode.PROTOCOL, `stream ${id} was never opened`);
    return;
  }
  if (leg.isOver) {
    // Nobody wants the last of it that still waits here.
    if (kind === Kind.RESET || kind === Kind.ABORT) link.cut(leg, 0, false, false);
    return;
  }
  switch (kind) {
    case Kind.HEAD:
      return takeHead(leg, frame, start, end, last);
    case Kind.DATA:
      return takeData(leg, frame, start, end);
    case Kind.END:
      return takeEnd(leg, frame, start, end);
    case Kind.CREDIT:
      return takeCredit(leg, readU32(frame, start));
    case Kind.ABORT:
      return cutByPeer(leg, readU16(frame, start), false, true);
    default:
      return cutByPeer(leg, readU16(frame, start), frame[start + 2] === 1, false);
  }
}

function takeOpen(link: Link, id: number, frame: Buffer, start: number, end: number, last: boolean): void {
  if (link.isOpener) return link.close(CloseCode.PROTOCOL, 'OPEN from an acceptor');
  if (id <= link.highestId) return link.close(CloseCode.PROTOCOL, `OPEN of ${id} after ${link.highestId}`);
  link.highestId = id;
  // Our GOAWAY and this OPEN crossed: it told the peer already that this stream did not begin.
  if (id > link.lastAcceptedId) return;
  // Its answers wait in the session's turn, as its request did.
  const leg = new Leg(link, readOpenSession(frame, start, end) ?? '', null, false);
  leg.id = id;
  if (last) leg.inPhase = Phase.ENDED;
  link.legs.add(leg);
  link.handler.onOpen(leg, frame, start, end, last);
}

function takeHead(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
  const { link } = leg;
  if (!link.isOpener) return link.close(CloseCode.PROTOCOL, 'HEAD from an opener');
  const status = readStatus(frame, start);
  if (last && isInformational(status)) return link.close(CloseCode.PROTOCOL, 'LAST on an informational head');
  const next = phaseAfterHead(leg.inPhase, status, last);
  if (next === null) return link.close(CloseCode.STREAM_STATE, `HEAD in phase ${leg.inPhase}`);
  if (isInformational(status)) {
    leg.informationalHeads += 1;
    if (leg.informationalHeads > MAX_INFORMATIONAL_HEADS) {
      return link.close(CloseCode.STREAM_STATE, 'too many informational heads');
    }
  }
  leg.inPhase = next;
  leg.owner?.onHead(leg, frame, start, end, last);
  leg.finishIfDone();
}

function takeData(leg: Leg, frame: Buffer, start: number, end: number): void {
  const { link } = leg;
  if (phaseAfter(leg.inPhase, Kind.DATA) === null) {
    return link.close(CloseCode.STREAM_STATE, `DATA in phase ${leg.inPhase}`);
  }
  leg.receiveCredit -= end - start;
  if (leg.receiveCredit < 0) return link.close(CloseCode.FLOW_CONTROL, 'DATA beyond credit');
  leg.owner?.onData(leg, frame, start, end);
}

function takeEnd(leg: Leg, frame: Buffer, start: number, end: number): void {
  const next = phaseAfter(leg.inPhase, Kind.END);
  if (next === null) return leg.link.close(CloseCode.STREAM_STATE, `END in phase ${leg.inPhase}`);
  leg.inPhase = next;
  leg.owner?.onEnd(leg, frame, start, end);
  leg.finishIfDone();
}

function takeCredit(leg: Leg, bytes: number): void {
  if (bytes === 0 || leg.sendCredit + bytes > MAX_WINDOW_BYTES) {
    return leg.link.close(CloseCode.FLOW_CONTROL, `CREDIT of ${bytes} on top of ${leg.sendCredit}`);
  }
  // The peer may not have seen our END yet.
  if (leg.outPhase === Phase.ENDED) return;
  leg.sendCredit += bytes;
  leg.owner?.onCredit(leg, bytes);
}

function cutByPeer(leg: Leg, code: number, notStarted: boolean, inOrder: boolean): void {
  leg.link.cut(leg, code === 0 ? StreamCode.PROTOCOL : code, notStarted, inOrder);
}
