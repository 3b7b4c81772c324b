/** A strict HTTP/1.1 for both ends: bytes in, events out, and text back. No sockets. */
export { Framing } from './facts.ts';
export type { HeadFacts } from './facts.ts';
export { Faults } from './fault.ts';
export type { Fault } from './fault.ts';
export { DEFAULT_LIMITS, MAX_FIELD_LINES } from './limits.ts';
export type { ReadLimits } from './limits.ts';
export { Phase } from './message-reader.ts';
export type { MessageHandler } from './message-reader.ts';
export { RequestWriter, ResponseWriter } from './message-writer.ts';
export type { AnswerContext } from './message-writer.ts';
export { Field, fieldOf } from './names.ts';
export { writePieces } from './output.ts';
export type { Output } from './output.ts';
export { RequestReader } from './request-reader.ts';
export { ResponseReader } from './response-reader.ts';
