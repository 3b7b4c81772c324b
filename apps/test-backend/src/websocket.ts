/** `/loadtest/ws`: every message comes back as it was, text as text and binary as binary. */
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

const PATH = '/loadtest/ws';
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Echoes queued on one connection above which we stop reading from it. */
const MAX_QUEUED_BYTES = 1024 * 1024;

export function isEchoSocketPath(target: string): boolean {
  return target === PATH || target.startsWith(`${PATH}?`);
}

export function createEchoSockets(): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  sockets.on('connection', echoMessages);
  return sockets;
}

function echoMessages(socket: WebSocket): void {
  const resumeWhenTaken = (): void => {
    if (socket.isPaused && socket.bufferedAmount <= MAX_QUEUED_BYTES) socket.resume();
  };
  socket.on('message', (data, binary) => {
    socket.send(data, { binary }, resumeWhenTaken);
    if (socket.bufferedAmount > MAX_QUEUED_BYTES) socket.pause();
  });
  socket.on('error', () => {
    // A peer's protocol error: ws sends the close code and ends the connection by itself.
  });
}
