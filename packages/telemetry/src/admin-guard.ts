import type { IncomingHttpHeaders } from 'node:http';
import { isLoopbackAuthority } from './loopback.ts';

/** `verify` of the Authorization header as it came, undefined when there was none. */
export type Verify = (authorizationHeader: string | undefined) => boolean | Promise<boolean>;

export type Refusal = { status: 401 | 403; detail: string };

/** Decides whether a request may see more than health. Null: it may. */
export type Guard = (headers: IncomingHttpHeaders) => Promise<Refusal | null>;

/** Off loopback: a credential on every request. */
export function credentialGuard(verify: Verify): Guard {
  return async ({ authorization }) => {
    const valid = await verify(authorization);
    return valid
      ? null
      : { status: 401, detail: 'this address needs an admin credential: Authorization: Bearer <id>.<secret>' };
  };
}

/**
 * On loopback there is no credential, and a web page open on this machine can send requests here, under a name of its
 * own made to point at 127.0.0.1 (DNS rebinding) or across origins. Both show in headers that a page cannot forge.
 */
export const loopbackGuard: Guard = async ({ host = '', origin }) => {
  const ownHost = isLoopbackAuthority(host);
  const ownOrigin = origin === undefined || origin === `http://${host}`;
  if (ownHost && ownOrigin) return null;
  return { status: 403, detail: 'without a credential only local programs are answered: use 127.0.0.1 or localhost' };
};
