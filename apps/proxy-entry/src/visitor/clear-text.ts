/** HTTP in clear text on the port for TLS: the one answer that is given there without TLS. */
import type { Socket } from 'node:net';
import type { OwnAnswer, Refusal } from './transport.ts';

export const CLEAR_TEXT: Refusal = {
  code: 'clear-text',
  rule: 'RFC 9110 §4.2.2',
  text: 'HTTP without TLS on the port for TLS',
  status: 400,
};

/** Nobody reads HTTP here: the answer is the last that is said. */
export function sayInClearText(socket: Socket, { status, reason, fields, body }: OwnAnswer): void {
  let head = `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]!}: ${fields[i + 1]!}\r\n`;
  socket.end(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]));
}
