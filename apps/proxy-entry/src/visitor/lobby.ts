/** Connections that nobody speaks HTTP on yet: they are counted, and have a time limit each. */
import type { Socket } from 'node:net';

export class Lobby {
  /** Its limit is that of all connections, which is asked before one comes in. */
  readonly #waiting = new Map<Socket, NodeJS.Timeout>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Until `leave`, or its close. `onLate`: the limit is over, and it has been cut. */
  enter(socket: Socket, limitMs: number, onLate: () => void): void {
    const timer = setTimeout(() => {
      this.leave(socket);
      socket.destroy();
      onLate();
    }, limitMs).unref();
    this.#waiting.set(socket, timer);
    socket
      // The close that follows says it.
      .on('error', ignore)
      .once('close', () => this.leave(socket));
  }

  /** False: it has left already, by its close. */
  leave(socket: Socket): boolean {
    clearTimeout(this.#waiting.get(socket));
    return this.#waiting.delete(socket);
  }

  clear(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
  }
}

function ignore(): void {}
