/** Frames, flow control, stream states, links and their transports: PROTOCOL.md in code. */
export * from './clock.ts';
export * from './codes.ts';
export type { Hello, SessionState, SessionsUpdate, Slots } from './control.ts';
export { WindowBudget } from './credit.ts';
export * from './fields.ts';
export * from './heads.ts';
export { Leg } from './leg.ts';
export type { LegOwner } from './leg.ts';
export type { LifeLimits } from './life.ts';
export { Link } from './link.ts';
export type { LinkClosed, LinkHandler, LinkOptions } from './link.ts';
export { memoryTransportPair } from './memory-transport.ts';
export { Phase } from './phases.ts';
export { StreamEnd } from './stream-end.ts';
export type { StreamContext, StreamHandler } from './stream-end.ts';
export type { Transport, TransportHandler } from './transport.ts';
export * from './wire.ts';
export { maskGenerator, WS_OPTIONS, WsTransport } from './ws-transport.ts';
