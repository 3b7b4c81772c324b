/** Link frames with fields of their own: HELLO, SLOTS, SESSIONS, GOAWAY. Encode and decode side by side. */
import {
  INITIAL_WINDOW_BYTES,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_MIN,
  readU16,
  readU32,
  writeU16,
  writeU32,
} from './wire.ts';

export interface Hello {
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly role: number;
  /** Bits for what later versions can do without a new number; none yet. */
  readonly capabilities: number;
  /** What each direction of a stream begins with; both ends must mean the same. */
  readonly windowBytes: number;
  readonly heartbeatMs: number;
  /** Requests a client runs at once on this link; 0 from the others. */
  readonly leases: number;
  /** Which process this is, for logs and the admin API. */
  readonly instance: string;
  /** The session that a client serves; empty from the others. */
  readonly session: string;
  readonly deployment: string;
}

/** Our own HELLO: what this version is, and who speaks. */
export function ourHello(who: Pick<Hello, 'role' | 'heartbeatMs' | 'instance' | 'deployment'> & Partial<Hello>): Hello {
  return {
    minVersion: PROTOCOL_VERSION_MIN,
    maxVersion: PROTOCOL_VERSION,
    capabilities: 0,
    windowBytes: INITIAL_WINDOW_BYTES,
    leases: 0,
    session: '',
    ...who,
  };
}

const HELLO_FIXED_BYTES = 19;

export function encodeHello(hello: Hello): Buffer {
  const names = [hello.instance, hello.session, hello.deployment];
  const bytes = Buffer.alloc(HELLO_FIXED_BYTES + names.reduce((sum, name) => sum + 1 + name.length, 0));
  bytes[0] = hello.minVersion;
  bytes[1] = hello.maxVersion;
  bytes[2] = hello.role;
  writeU32(bytes, 3, hello.capabilities);
  writeU32(bytes, 7, hello.windowBytes);
  writeU32(bytes, 11, hello.heartbeatMs);
  writeU32(bytes, 15, hello.leases);
  let at = HELLO_FIXED_BYTES;
  for (const name of names) at = writeStr8(bytes, at, name);
  return bytes;
}

/** Ignores bytes behind the known fields: HELLO alone may grow (PROTOCOL.md). */
export function decodeHello(source: Buffer, start: number, end: number): Hello | null {
  const names: string[] = [];
  let at = start + HELLO_FIXED_BYTES;
  for (let i = 0; i < 3; i += 1) {
    const name = readStr8(source, at, end);
    if (name === null) return null;
    names.push(name);
    at += 1 + name.length;
  }
  return {
    minVersion: source[start]!,
    maxVersion: source[start + 1]!,
    role: source[start + 2]!,
    capabilities: readU32(source, start + 3),
    windowBytes: readU32(source, start + 7),
    heartbeatMs: readU32(source, start + 11),
    leases: readU32(source, start + 15),
    instance: names[0]!,
    session: names[1]!,
    deployment: names[2]!,
  };
}

export interface Slots {
  readonly leases: number;
  /** Leases given back since the link began, modulo 2³². */
  readonly returned: number;
  readonly waiting: number;
}

export function encodeSlots(slots: Slots): Buffer {
  const bytes = Buffer.allocUnsafe(12);
  writeU32(bytes, 0, slots.leases);
  writeU32(bytes, 4, slots.returned);
  writeU32(bytes, 8, slots.waiting);
  return bytes;
}

export function decodeSlots(source: Buffer, start: number): Slots {
  return { leases: readU32(source, start), returned: readU32(source, start + 4), waiting: readU32(source, start + 8) };
}

export interface SessionState {
  readonly session: string;
  readonly principal: string;
  readonly epoch: number;
  /** Client links that serve it now; 0: known, but nobody does. */
  readonly links: number;
  readonly free: number;
  readonly waiting: number;
}

export interface SessionsUpdate {
  /** Forget all that this server said before. */
  readonly reset: boolean;
  /** A full list is complete with this frame. */
  readonly complete: boolean;
  readonly sessions: readonly SessionState[];
}

const SESSIONS_RESET = 1;
const SESSIONS_COMPLETE = 2;
const SESSION_FIXED_BYTES = 2 + 4 + 2 + 4 + 4;

export function encodeSessions(update: SessionsUpdate): Buffer {
  const size = update.sessions.reduce(
    (sum, each) => sum + SESSION_FIXED_BYTES + each.session.length + each.principal.length,
    3,
  );
  const bytes = Buffer.alloc(size);
  bytes[0] = (update.reset ? SESSIONS_RESET : 0) | (update.complete ? SESSIONS_COMPLETE : 0);
  writeU16(bytes, 1, update.sessions.length);
  let at = 3;
  for (const each of update.sessions) {
    at = writeStr8(bytes, at, each.session);
    at = writeStr8(bytes, at, each.principal);
    writeU32(bytes, at, each.epoch);
    writeU16(bytes, at + 4, Math.min(each.links, 0xffff));
    writeU32(bytes, at + 6, each.free);
    writeU32(bytes, at + 10, each.waiting);
    at += 14;
  }
  return bytes;
}

export function decodeSessions(source: Buffer, start: number, end: number): SessionsUpdate | null {
  const flags = source[start]!;
  if ((flags & ~(SESSIONS_RESET | SESSIONS_COMPLETE)) !== 0) return null;
  const count = readU16(source, start + 1);
  const sessions: SessionState[] = [];
  let at = start + 3;
  for (let i = 0; i < count; i += 1) {
    const session = readStr8(source, at, end);
    if (session === null) return null;
    const principal = readStr8(source, at + 1 + session.length, end);
    if (principal === null) return null;
    at += 2 + session.length + principal.length;
    if (at + 14 > end) return null;
    sessions.push({
      session,
      principal,
      epoch: readU32(source, at),
      links: readU16(source, at + 4),
      free: readU32(source, at + 6),
      waiting: readU32(source, at + 10),
    });
    at += 14;
  }
  if (at !== end) return null;
  return { reset: (flags & SESSIONS_RESET) !== 0, complete: (flags & SESSIONS_COMPLETE) !== 0, sessions };
}

function writeStr8(target: Buffer, at: number, text: string): number {
  target[at] = text.length;
  return at + 1 + target.write(text, at + 1, 'latin1');
}

function readStr8(source: Buffer, at: number, end: number): string | null {
  if (at >= end) return null;
  const to = at + 1 + source[at]!;
  return to > end ? null : source.toString('latin1', at + 1, to);
}
