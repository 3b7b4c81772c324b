/**
 * The keys that session tickets are sealed with (RFC 5077, RFC 8446 §4.6.1). They follow from a secret, the time, and
 * what visitors' certificates are checked against: entries that share the secret change keys at the same moment without
 * talking, and a new list of revoked certificates ends every session that the old one let in.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { access, link, unlink, writeFile } from 'node:fs/promises';
import { readRegularFile } from '@sallyport/config';

/** What OpenSSL takes: a name, a key for its HMAC and one for its cipher, 16 bytes each. */
export const TICKET_KEY_BYTES = 48;
/**
 * Node holds one key, so the tickets of the period before are not understood any more: their owners make one full
 * handshake. A ticket lives for an hour, so that one in twelve meets that.
 */
export const TICKET_PERIOD_MS = 6 * 3_600_000;
export const TICKET_LIFETIME_S = 3_600;

const SECRET_BYTES = 32;
const SECRET_TEXT = /^[0-9a-f]{64}\s*$/i;
const OWNER_ONLY = 0o600;

export type SecretResult =
  | { readonly ok: true; readonly secret: Buffer }
  | { readonly ok: false; readonly why: string };

export function newSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** Which period a moment of the wall clock is in. */
export function ticketPeriod(nowMs: number): number {
  return Math.floor(nowMs / TICKET_PERIOD_MS);
}

/** `audience`: a digest of all that decides who is let in by a certificate. */
export function ticketKeys(secret: Buffer, period: number, audience: string): Buffer {
  return createHmac('sha384', secret).update(`sallyport session tickets\n${period}\n${audience}`).digest();
}

/** The secret of a file: one line of 64 hexadecimal digits, mode 0600; made where there is none. */
export async function readSecret(path: string): Promise<SecretResult> {
  await make(path);
  return readMade(path);
}

/** Null, or what is wrong with it; one that is not there yet is made on first use. */
export async function inspectSecret(path: string): Promise<string | null> {
  try {
    await access(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  }
  const read = await readMade(path);
  return read.ok ? null : read.why;
}

async function readMade(path: string): Promise<SecretResult> {
  const read = await readRegularFile(path);
  if (!read.ok) return { ok: false, why: `entry.tls.ticketKeyFile: ${read.why}` };
  if (!SECRET_TEXT.test(read.text)) return { ok: false, why: `${path} is not a line of 64 hexadecimal digits` };
  return { ok: true, secret: Buffer.from(read.text.trim(), 'hex') };
}

/** Nothing where it is there already, or cannot be made: then reading says why. Linked into place, so that it is whole. */
async function make(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await access(path);
  } catch {
    await writeFile(draft, `${newSecret().toString('hex')}\n`, { mode: OWNER_ONLY, flag: 'wx' }).catch(() => undefined);
    await link(draft, path).catch(() => undefined);
    await unlink(draft).catch(() => undefined);
  }
}
