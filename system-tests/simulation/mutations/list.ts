/** Faults to plant: one exact piece of one source file, and what stands there instead. */
export interface Mutation {
  readonly name: string;
  /** The end of the file's path. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const PROTOCOL = 'packages/protocol/src';
const RELAY = 'apps/tunnel-server/src/relay';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a grant is counted one byte short',
    file: `${PROTOCOL}/leg.ts`,
    find: 'this.receiveCredit += bytes;',
    replace: 'this.receiveCredit += bytes - 1;',
  },
  {
    name: 'CREDIT is taken for one byte more',
    file: `${PROTOCOL}/stream-frames.ts`,
    find: 'leg.sendCredit += bytes;',
    replace: 'leg.sendCredit += bytes + 1;',
  },
  {
    name: 'END does not wait for what waits for credit',
    file: `${PROTOCOL}/stream-end.ts`,
    find: 'if (this.#pending.length > 0) this.#endTrailers = trailers;',
    replace: 'if (this.#pending.length > 1) this.#endTrailers = trailers;',
  },
  {
    name: 'ABORT does not wait for what waits for credit',
    file: `${PROTOCOL}/stream-end.ts`,
    find: '    if (this.#pending.length > 0) {\n      this.#abortCode',
    replace: '    if (this.#pending.length > 1) {\n      this.#abortCode',
  },
  {
    name: 'ABORT overtakes',
    file: `${PROTOCOL}/leg.ts`,
    find: 'egress.reserve(this, Kind.ABORT, this.id, 2)',
    replace: 'egress.reserve(null, Kind.ABORT, this.id, 2)',
  },
  {
    name: 'ABORT is taken for END',
    file: `${RELAY}/stream.ts`,
    find: '      leg.abort(code as StreamCode);',
    replace: 'leg.end([]);',
  },
  {
    name: 'RESET leaves queued data',
    file: `${PROTOCOL}/leg.ts`,
    find: '    egress.drop(this);\n',
    replace: '',
  },
  {
    name: 'a cut by the peer leaves queued data',
    file: `${PROTOCOL}/link.ts`,
    find: '    this.egress.drop(leg);\n',
    replace: '',
  },
  {
    name: 'a writer is not woken by credit',
    file: `${PROTOCOL}/stream-end.ts`,
    find: 'else this.#handler.onWritable();',
    replace: '',
  },
  {
    name: 'what waits for credit is not sent when it comes',
    file: `${PROTOCOL}/stream-end.ts`,
    find: '    this.#drainPending();\n    if',
    replace: '    if',
  },
  {
    name: 'the queue is not woken when the transport has room',
    file: `${PROTOCOL}/egress.ts`,
    find: 'if (this.#hasWaiting()) this.flush();',
    replace: '',
  },
  {
    name: 'the queue is not woken by a PONG',
    file: `${PROTOCOL}/egress.ts`,
    find: 'if (this.#hasWaiting() || this.acks.wantsPing()) this.flush();',
    replace: '',
  },
  {
    name: 'a flush forgets that it ran',
    file: `${PROTOCOL}/egress.ts`,
    find: '    this.#flushDue = false;\n',
    replace: '',
  },
  {
    name: 'bytes go to the stream before theirs',
    file: `${PROTOCOL}/egress.ts`,
    find: '      rewriteId(frame, 0, leg.id);',
    replace: '      rewriteId(frame, 0, Math.max(1, leg.id - 1));',
  },
  {
    name: 'small frames that pass through keep their old id',
    file: `${PROTOCOL}/egress.ts`,
    find: '      rewriteId(source, start, leg.id);',
    replace: '',
  },
  {
    name: 'merged DATA loses its last byte',
    file: `${PROTOCOL}/fair-queue.ts`,
    find: 'source.copy(tail, stream.mergeAt, start + HEADER_BYTES, end);',
    replace: 'source.copy(tail, stream.mergeAt, start + HEADER_BYTES, end - 1);',
  },
  {
    name: 'DATA is merged over another frame',
    file: `${PROTOCOL}/fair-queue.ts`,
    find: '    seal(stream);\n    this.#append(stream, frame, frame.length);',
    replace: '    this.#append(stream, frame, frame.length);',
  },
  {
    name: 'the slab is begun anew with every message',
    file: `${PROTOCOL}/egress.ts`,
    find: '    this.#slabStart = this.#slabEnd;\n',
    replace: '    this.#slabStart = 0;\n    this.#slabEnd = 0;\n',
  },
  {
    name: 'the slab is written again while the transport reads it',
    file: `${PROTOCOL}/egress.ts`,
    find: 'this.#handedBytes === 0 && this.#transport.isDoneWhenSent',
    replace: 'this.#transport.isDoneWhenSent',
  },
  {
    name: 'credit is forgotten when the line is full',
    file: `${PROTOCOL}/egress.ts`,
    find: 'if (this.#grants.length > 0 && this.#handedRoom()) this.#writeGrants();',
    replace: 'if (this.#handedRoom()) this.#writeGrants();\n    this.#grants = [];',
  },
  {
    name: 'ids are used again',
    file: `${PROTOCOL}/link.ts`,
    find: 'this.highestId += 1;',
    replace: 'this.highestId = this.legs.size + 1;',
  },
  {
    name: 'ids go on beyond the last',
    file: `${PROTOCOL}/link.ts`,
    find: '    for (const leg of this.#undeparted()) this.cut(leg, StreamCode.DRAINING, true, false);\n',
    replace: '',
  },
  {
    name: 'an OPEN that crossed our GOAWAY is taken',
    file: `${PROTOCOL}/stream-frames.ts`,
    find: 'if (id > link.lastAcceptedId) return;',
    replace: '',
  },
  {
    name: 'a lost link does not cut its streams',
    file: `${PROTOCOL}/link.ts`,
    find: '    for (const leg of this.legs.all()) this.cut(leg, StreamCode.LINK_LOST, false, true);\n',
    replace: '',
  },
  {
    name: 'streams of a lost link count as not started',
    file: `${PROTOCOL}/link.ts`,
    find: 'this.cut(leg, StreamCode.LINK_LOST, false, true);',
    replace: 'this.cut(leg, StreamCode.LINK_LOST, true, true);',
  },
  {
    name: 'the link forgets a stream whose last frames wait',
    file: `${PROTOCOL}/leg.ts`,
    find: 'if (this.frames.length === 0) this.link.forget(this);',
    replace: 'this.link.forget(this);',
  },
  {
    name: 'a window that is over is not given back',
    file: `${PROTOCOL}/stream-end.ts`,
    find: '  #release(): void {\n    this.#window?.close();',
    replace: '  #release(): void {',
  },
  {
    name: 'a window grows behind END',
    file: `${PROTOCOL}/stream-end.ts`,
    find: ' || leg.inPhase === Phase.ENDED) return;',
    replace: ') return;',
  },
  {
    name: 'bytes that arrive are no sign of life',
    file: `${PROTOCOL}/life.ts`,
    find: '    this.#heardSinceTick = true;\n',
    replace: '',
  },
  {
    name: 'the relay keeps a byte of every CREDIT',
    file: `${RELAY}/stream.ts`,
    find: 'this.#other(leg)?.grant(bytes);',
    replace: 'this.#other(leg)?.grant(Math.max(1, bytes - 1));',
  },
  {
    name: 'the relay invents a byte of credit',
    file: `${RELAY}/stream.ts`,
    find: 'this.#other(leg)?.grant(bytes);',
    replace: 'this.#other(leg)?.grant(bytes + 1);',
  },
  {
    name: 'the relay holds CREDIT for ever',
    file: `${RELAY}/stream.ts`,
    find: 'this.#other(leg)?.grant(bytes);',
    replace: '',
  },
  {
    name: 'the relay resets where the backend was cut',
    file: `${RELAY}/stream.ts`,
    find: 'else this.#uplinkLeg.abort(code as StreamCode);',
    replace: 'else this.#uplinkLeg.reset(code as StreamCode, false);',
  },
  {
    name: 'the relay resets where the visitor was cut',
    file: `${RELAY}/stream.ts`,
    find: '      leg.abort(code as StreamCode);',
    replace: 'leg.reset(code as StreamCode, false);',
  },
  {
    name: 'the relay ends a stream whose link was lost',
    file: `${RELAY}/stream.ts`,
    find: 'else this.#uplinkLeg.abort(code as StreamCode);',
    replace: 'else this.#uplinkLeg.end([]);',
  },
  {
    name: 'a cancelled request stays in the queue',
    file: `${RELAY}/stream.ts`,
    find: '      this.session.leaveQueue(this);\n',
    replace: '',
  },
  {
    name: 'the slot of a request that never left is not given back',
    file: `${RELAY}/stream.ts`,
    find: '      this.#clientLink!.unopened();\n',
    replace: '',
  },
  {
    name: 'slots that come back are not counted',
    file: `${RELAY}/client-link.ts`,
    find: 'this.busy -= back;',
    replace: '',
  },
  {
    name: 'one slot too many is given',
    file: `${RELAY}/client-link.ts`,
    find: 'Math.max(0, this.leases - this.busy)',
    replace: 'Math.max(0, this.leases - this.busy + 1)',
  },
  {
    name: 'nobody who waits is woken by a slot',
    file: `${RELAY}/relay.ts`,
    find: '    if (session === null) return;\n    session.pump();',
    replace: '    if (session === null) return;',
  },
  {
    name: 'nobody who waits is woken by a link that comes back',
    file: `${RELAY}/relay.ts`,
    find: 'else session?.pump();',
    replace: '',
  },
  {
    name: 'the END of a request that waited goes before its body',
    file: `${RELAY}/stream.ts`,
    find: '    if (body.length > 0) leg.data(body.view(), 0, body.length);\n    if (end !== null) leg.forward(Kind.END, false, end, 0, end.length);',
    replace:
      '    if (end !== null) leg.forward(Kind.END, false, end, 0, end.length);\n    if (body.length > 0) leg.data(body.view(), 0, body.length);',
  },
];
