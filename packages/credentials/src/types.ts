/** What a credential is for. */
export const ROLES = ['client', 'entry', 'visitor', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** One secret of a principal, as it is kept: never the secret itself. */
export interface CredentialRecord {
  readonly id: string;
  /** The named owner, which outlives any one secret. */
  readonly principal: string;
  readonly role: Role;
  /** Globs of the sessions it is good for: `demo`, `team-*`. An entry's and an admin's is good for all, whatever is here. */
  readonly sessions: readonly string[];
  /** HMAC-SHA-256(pepper, secret), base64url. */
  readonly hash: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** ISO 8601, UTC; from then on it is refused. In the future while a rotation overlaps. */
  readonly revokedAt?: string;
}

/** A record as it may be shown. */
export type CredentialInfo = Omit<CredentialRecord, 'hash'>;

export interface CredentialRequest {
  readonly principal: string;
  readonly role: Role;
  readonly sessions: readonly string[];
}

/** A new credential: the only time that its secret is to be had. */
export interface Issued extends CredentialRequest {
  readonly id: string;
  readonly secret: string;
}

export interface Rotated extends Issued {
  /** Id of the credential that this one takes over from. */
  readonly replaces: string;
  /** ISO 8601: until then the old one is good as well. */
  readonly replacedUntil: string;
}

export type Verdict =
  | { readonly ok: true; readonly principal: string; readonly role: Role; readonly sessions: readonly string[] }
  | { readonly ok: false };

/**
 * What entry and server ask of credentials. Synchronous on purpose, since requests and links ask in line: a store that lives
 * elsewhere (Redis) keeps a copy here and updates it by subscription.
 */
export interface CredentialStore {
  /** Who this is. One refusal for every reason, at one cost: nothing tells an unknown id from a wrong secret. */
  verify(id: string, secret: string): Verdict;
  /** Whether an id verified earlier is still good, for links and streams that live on. */
  isActive(id: string): boolean;
  /** Whether an active client credential names exactly this session (no `*`): it is known even while nobody offers it. */
  namesSession(sessionId: string): boolean;
}
