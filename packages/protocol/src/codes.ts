/** Codes of ABORT, RESET and GOAWAY, and of a link's close: PROTOCOL.md's two tables. */

export const StreamCode = {
  CANCELLED: 1,
  DONE: 2,
  NO_SESSION: 3,
  NO_CLIENT: 4,
  QUEUE_FULL: 5,
  QUEUE_TIMEOUT: 6,
  LINK_LOST: 7,
  BACKEND_REFUSED: 8,
  BACKEND_RESET: 9,
  BACKEND_TIMEOUT: 10,
  BAD_HEAD: 11,
  DRAINING: 12,
  OVERLOADED: 13,
  LONG_STREAMS: 14,
  PROTOCOL: 15,
  UPLOAD_STALLED: 16,
  LOOP: 17,
  NO_UPGRADE: 18,
} as const;
export type StreamCode = (typeof StreamCode)[keyof typeof StreamCode];

/** WebSocket close codes (RFC 6455 §7.4.2 leaves 4000–4999 to applications). */
export const CloseCode = {
  DONE: 4000,
  REPLACED: 4001,
  PROTOCOL: 4002,
  VERSION: 4003,
  STREAM_STATE: 4004,
  FLOW_CONTROL: 4005,
  SLOTS: 4006,
  SESSION_REFUSED: 4007,
  DEAD: 4008,
  FLOOD: 4009,
  OVERLOADED: 4010,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** The reason given with SESSION_REFUSED where the credential was revoked while the link was up. */
export const CREDENTIAL_REVOKED = 'credential revoked';
/** Those given with it where the credential is for the other kind of dialler: only who proved it hears what it is for. */
export const CREDENTIAL_FOR_ENTRY = 'credential for entry';
export const CREDENTIAL_FOR_CLIENT = 'credential for client';

function invert(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, code]) => [code, name.toLowerCase().replaceAll('_', '-')]));
}

const STREAM_NAMES = invert(StreamCode);
const CLOSE_NAMES = invert(CloseCode);

/** `queue-full` for 5; `unknown-99` for a code from a later version. */
export function streamCodeName(code: number): string {
  return STREAM_NAMES.get(code) ?? `unknown-${code}`;
}

/** `flow-control` for 4005; `websocket-1006` for one of WebSocket's own. */
export function closeCodeName(code: number): string {
  return CLOSE_NAMES.get(code) ?? `websocket-${code}`;
}
