import { parseBearer } from './bearer.ts';
import type { CredentialStore } from './types.ts';

/** Whether an `Authorization` field is that of an administrator: what a part's admin port asks off loopback. */
export function adminVerifier(store: CredentialStore): (authorization: string | undefined) => boolean {
  return (authorization) => {
    const presented = parseBearer(authorization);
    if (presented === null) return false;
    const verdict = store.verify(presented.id, presented.secret);
    return verdict.ok && verdict.role === 'admin';
  };
}
