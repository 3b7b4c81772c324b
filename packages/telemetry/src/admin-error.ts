/** Why an admin port could not be opened. */
export type AdminErrorCode =
  /** An address other than loopback without a way to check credentials. */
  | 'SP_ADMIN_NEEDS_CREDENTIAL'
  /** Another process, or another part, listens there. */
  | 'SP_ADMIN_ADDRESS_IN_USE'
  /** No such address on this machine, no such name, or no right to the port. */
  | 'SP_ADMIN_ADDRESS_UNAVAILABLE';

/** One line that names the address, and one that says how to fix it. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly code: AdminErrorCode;
  readonly fix: string;

  constructor(code: AdminErrorCode, message: string, fix: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.fix = fix;
  }
}

const UNAVAILABLE = new Map([
  ['EADDRNOTAVAIL', 'use an address of this machine'],
  ['EAFNOSUPPORT', 'use an address of a family this machine has'],
  ['ENOTFOUND', 'use a name that resolves, or an address'],
  ['EAI_AGAIN', 'use an address, or wait for name resolution to work'],
  ['EACCES', 'use a port from 1024 up'],
]);

/** The error of a failed listen as ours; anything unknown as it is. `address` names part and address. */
export function listenError(error: unknown, address: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    const fix = 'end the process that listens there, or choose another admin port (0 takes a free one)';
    return new AdminError('SP_ADMIN_ADDRESS_IN_USE', `${address} is in use`, fix, error);
  }
  const fix = UNAVAILABLE.get(code);
  if (fix === undefined) return error;
  return new AdminError('SP_ADMIN_ADDRESS_UNAVAILABLE', `${address} cannot be had (${code})`, fix, error);
}
