/** An answer of our own outside of any exchange: nothing that came before it is answered behind it. */
import type { Socket } from 'node:net';
import { ResponseWriter, writePieces } from '@sallyport/http1';
import type { OwnAnswer } from './transport.ts';

/** It says that the connection closes, which is the caller's to do. `isToHead`: to HEAD, which has no body. */
export function sayLast(socket: Socket, { status, reason, fields, body }: OwnAnswer, isToHead: boolean): void {
  const head = new ResponseWriter(0).head(status, reason, fields, { isToHead, minor: 1, keepsAlive: false });
  if (head !== null) writePieces(socket, head, isToHead ? null : body, '');
}
