import { type Result, done, failed } from './errors.ts';
import { type Pepper, hashSecret, newId, newSecret } from './secrets.ts';
import { isSessionGlob } from './session-globs.ts';
import { type CredentialRecord, type CredentialRequest, type Issued, ROLES, type Rotated } from './types.ts';

const DAY_MS = 86_400_000;
const OVERLAP_MAX_DAYS = 90;
const GLOBS_MAX = 64;
/** Verification is a map look-up; this bounds the file and the pause while it is read again. */
export const CREDENTIALS_MAX = 100_000;
export const PRINCIPAL = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;

export interface ChangeContext {
  readonly pepper: Pepper;
  readonly nowMs: number;
}

export interface Changed<T> {
  readonly records: readonly CredentialRecord[];
  readonly value: T;
}

/** A change to the list of credentials, without I/O: memory and file stores apply the same ones, and may apply one again. */
export type Change<T> = (records: readonly CredentialRecord[], context: ChangeContext) => Result<Changed<T>>;

export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** Null, or what is wrong with the request. */
export function checkRequest({ principal, role, sessions }: CredentialRequest): Result<never> | null {
  if (!PRINCIPAL.test(principal)) {
    return failed(
      'SP_CREDENTIALS_ARGUMENT',
      'the name is not 1 to 64 letters, digits and _ . @ -',
      'for example alice or ci-runner',
    );
  }
  if (!ROLES.includes(role)) {
    return failed(
      'SP_CREDENTIALS_ARGUMENT',
      'there is no such use for a credential',
      `it is for one of ${ROLES.join(', ')}`,
    );
  }
  if (sessions.length > GLOBS_MAX) {
    return failed(
      'SP_CREDENTIALS_ARGUMENT',
      `more than ${GLOBS_MAX} session globs`,
      'name them with a shared beginning: team-*',
    );
  }
  if (!sessions.every((glob) => isSessionGlob(glob))) {
    return failed(
      'SP_CREDENTIALS_ARGUMENT',
      'a session glob holds more than letters, digits, hyphen and *',
      'for example demo or team-*',
    );
  }
  if (role === 'client' || role === 'visitor') {
    // With none it could do nothing.
    if (sessions.length > 0) return null;
    return failed('SP_CREDENTIALS_ARGUMENT', `a ${role} needs sessions`, "name them: --sessions 'demo,team-*'");
  }
  // Nobody asks which: a list of some would look like a bound that is not there.
  if (sessions.every((glob) => glob === '*')) return null;
  const message = `${role === 'entry' ? 'an entry' : 'an admin'} works for all sessions, and cannot be kept to some`;
  return failed('SP_CREDENTIALS_ARGUMENT', message, "leave --sessions out, or give '*'");
}

export function fullStore(): Result<never> {
  const hint = 'remove credentials that were revoked long ago from the store';
  return failed('SP_CREDENTIALS_FULL', `the store would hold more than ${CREDENTIALS_MAX} credentials`, hint);
}

function issue(
  request: CredentialRequest,
  { pepper, nowMs }: ChangeContext,
): { record: CredentialRecord; issued: Issued } {
  const { principal, role, sessions } = request;
  const [id, secret] = [newId(), newSecret()];
  const hash = hashSecret(pepper, secret).toString('base64url');
  const owned = { id, principal, role, sessions: [...sessions] };
  return { record: { ...owned, hash, createdAt: isoTime(nowMs) }, issued: { ...owned, secret } };
}

export function addCredential(request: CredentialRequest): Change<Issued> {
  return (records, context) => {
    const refusal = checkRequest(request);
    if (refusal !== null) return refusal;
    if (records.length >= CREDENTIALS_MAX) return fullStore();
    const { record, issued } = issue(request, context);
    return done({ records: [...records, record], value: issued });
  };
}

/** The credentials meant by an id or, if no id is so named, by a principal's name. */
function targets(records: readonly CredentialRecord[], target: string): Result<readonly CredentialRecord[]> {
  const byId = records.filter(({ id }) => id === target);
  const found = byId.length > 0 ? byId : records.filter(({ principal }) => principal === target);
  if (found.length > 0) return done(found);
  return failed('SP_CREDENTIALS_UNKNOWN', 'no credential has this id or name', 'see sallyport creds list');
}

/**
 * Replaces one credential by a new one for the same principal, role and sessions. The old one is good for `overlapMs` more
 * (0 to 90 days). A name stands for its only credential that is neither revoked nor already being replaced.
 */
export function rotateCredential(target: string, overlapMs: number): Change<Rotated> {
  return (records, context) => {
    if (!(overlapMs >= 0 && overlapMs <= OVERLAP_MAX_DAYS * DAY_MS)) {
      return failed(
        'SP_CREDENTIALS_ARGUMENT',
        `an overlap is 0 to ${OVERLAP_MAX_DAYS} days`,
        'give fewer milliseconds',
      );
    }
    const found = targets(records, target);
    if (!found.ok) return found;
    const lasting = found.value.filter(({ revokedAt }) => revokedAt === undefined);
    const [old] = lasting;
    if (old === undefined) {
      return failed(
        'SP_CREDENTIALS_UNKNOWN',
        'this credential is revoked or already replaced',
        'add a new one: sallyport creds add',
      );
    }
    if (lasting.length > 1) {
      const ids = lasting.map(({ id }) => id).join(', ');
      return failed(
        'SP_CREDENTIALS_AMBIGUOUS',
        `this principal has ${lasting.length} credentials`,
        `name one of them: ${ids}`,
      );
    }
    if (records.length >= CREDENTIALS_MAX) return fullStore();
    const { record, issued } = issue(old, context);
    const revokedAt = isoTime(context.nowMs + overlapMs);
    const kept = records.map((each) => (each === old ? { ...each, revokedAt } : each));
    return done({ records: [...kept, record], value: { ...issued, replaces: old.id, replacedUntil: revokedAt } });
  };
}

/** Revokes one credential by its id, or all of a principal by its name, at once. Gives the ids that were good until now. */
export function revokeCredentials(target: string): Change<readonly string[]> {
  return (records, { nowMs }) => {
    const found = targets(records, target);
    if (!found.ok) return found;
    const good = new Set(
      found.value.filter(({ revokedAt }) => revokedAt === undefined || Date.parse(revokedAt) > nowMs),
    );
    const revokedAt = isoTime(nowMs);
    const kept = records.map((each) => (good.has(each) ? { ...each, revokedAt } : each));
    return done({ records: kept, value: [...good].map(({ id }) => id) });
  };
}
