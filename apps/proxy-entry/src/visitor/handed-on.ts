/**
 * Listening sockets that systemd, or another parent, has opened and handed on (sd_listen_fds(3)): they stay open while
 * this process is replaced, and visitors who come meanwhile wait in them.
 */

const FIRST_FD = 3;
const NAMES = ['http', 'https'] as const;

export type PortName = (typeof NAMES)[number];
/** Descriptors by the name of the port that they stand for. */
export type HandedOn = ReadonlyMap<PortName, number>;

export class HandedOnError extends Error {
  readonly code = 'SP_LISTEN_FDS';
  readonly fix = 'hand on one for each port that is configured, named http or https (FileDescriptorName=)';
}

/** Throws a HandedOnError where a name is unknown or comes twice. */
export function handedOn(env: Readonly<Record<string, string | undefined>>, pid: number): HandedOn {
  const sockets = new Map<PortName, number>();
  // For a process of another id they were meant for somebody before us.
  if (Number(env['LISTEN_PID']) !== pid) return sockets;
  const count = Number(env['LISTEN_FDS'] ?? 0);
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  for (let i = 0; i < count; i += 1) {
    const name = NAMES.find((each) => each === names[i]);
    if (name === undefined) throw new HandedOnError(`a socket named ${names[i] || 'nothing'} was handed on`);
    if (sockets.has(name)) throw new HandedOnError(`two sockets named ${name} were handed on`);
    sockets.set(name, FIRST_FD + i);
  }
  return sockets;
}
