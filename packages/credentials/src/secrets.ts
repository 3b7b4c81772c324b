import { type KeyObject, createHmac, createSecretKey, randomBytes } from 'node:crypto';

export const PEPPER_BYTES = 32;
export const HASH_BYTES = 32;
const SECRET_BYTES = 32;
const ID_BYTES = 8;
/** The longest secret that is looked at; one of ours has 43. */
export const SECRET_MAX_CHARS = 256;
/** Secrets from elsewhere: shorter ones could be guessed from a stolen store. */
export const SECRET_MIN_CHARS = 16;

/** A credential's id. No dot, since `Bearer <id>.<secret>` is cut at the first, and no colon, since `id:secret` is. */
export const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export type Pepper = KeyObject;

export function pepperFrom(bytes: Buffer): Pepper {
  return createSecretKey(bytes);
}

export function newPepper(): Buffer {
  return randomBytes(PEPPER_BYTES);
}

export function newId(): string {
  return randomBytes(ID_BYTES).toString('hex');
}

/** 256 random bits, base64url. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/**
 * HMAC-SHA-256 (RFC 2104). A fast hash is right here because a secret is 256 random bits: no dictionary holds it, so a slow
 * hash (argon2, bcrypt) would add nothing against a thief and let strangers burn our CPU with wrong secrets. The pepper makes
 * a stolen store useless alone, imported weaker secrets included.
 */
export function hashSecret(pepper: Pepper, secret: string): Buffer {
  return createHmac('sha256', pepper).update(secret).digest();
}
