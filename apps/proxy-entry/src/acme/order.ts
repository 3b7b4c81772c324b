/** One certificate, asked for and had (RFC 8555 §7.1), by acme-client. */
import { generateKeyPairSync } from 'node:crypto';
import type { EntryConfig } from '@sallyport/config';
import type { Client } from 'acme-client';
import { Directory } from './directory.ts';
import { runHook } from './dns-hook.ts';
import type { HttpChallenges } from './http-challenges.ts';

/** An authority validates in seconds; after this many looks, each later than the one before, it is a failure. */
const LOOKS = { backoffAttempts: 15, backoffMin: 1_000, backoffMax: 15_000 };
const WHY_MAX_CHARS = 300;

type AcmeConfig = EntryConfig['tls']['acme'];

export interface OrderOptions {
  readonly config: AcmeConfig;
  readonly accountKey: string;
  /** PEM, that the directory is checked against. */
  readonly ca: string | undefined;
  readonly challenges: HttpChallenges;
  readonly signal: AbortSignal;
}

export type OrderResult =
  | { readonly ok: true; readonly certificate: string; readonly key: string }
  /** `retryAfterMs`: what the authority asked for; 0: nothing. */
  | { readonly ok: false; readonly why: string; readonly retryAfterMs: number };

/** Never rejects. One at a time in a process: acme-client has one way out for all. */
export async function order(name: string, options: OrderOptions): Promise<OrderResult> {
  const directory = new Directory(options.ca, options.signal);
  try {
    return { ok: true, ...(await ask(name, options, directory)) };
  } catch (error) {
    const why = (error as Error).message.replaceAll(/\s+/g, ' ').slice(0, WHY_MAX_CHARS);
    return { ok: false, why, retryAfterMs: directory.retryAfterMs };
  }
}

async function ask(name: string, options: OrderOptions, directory: Directory) {
  const { config, accountKey, signal } = options;
  // Large, and of use to those alone who have certificates made.
  const { axios, Client: AcmeClient, crypto } = await import('acme-client');
  axios.defaults.adapter = async (asked) => ({ ...(await directory.ask(asked)), config: asked });
  const client = new AcmeClient({ directoryUrl: config.directoryUrl, accountKey, ...LOOKS });
  await register(client, config, directory);
  const key = newKey();
  const [, csr] = await crypto.createCsr({ altNames: [name] }, key);
  const certificate = await client.auto({
    csr,
    challengePriority: [config.challenge],
    // From here a name often leads elsewhere than from the authority, which looks for itself.
    skipChallengeVerification: true,
    challengeCreateFn: (_authorization, challenge, value) => {
      const { type, token } = challenge;
      if (type !== config.challenge) throw new Error(`the directory does not offer ${config.challenge} for ${name}`);
      if (type === 'http-01') return options.challenges.add(token, value);
      return runHook(config.dnsHook ?? '', 'add', { name, value }, signal);
    },
    challengeRemoveFn: (_authorization, { type, token }, value) => {
      if (type === 'http-01') return options.challenges.remove(token);
      return runHook(config.dnsHook ?? '', 'remove', { name, value }, signal);
    },
  });
  return { certificate, key };
}

/** RFC 8555 §7.3.1: no account has this key. */
const NO_ACCOUNT_STATUS = 400;

/** Finds the account of our key, or makes it: acme-client by itself would write to one that is there, which is refused. */
async function register(client: Client, { termsAgreed, contact }: AcmeConfig, directory: Directory): Promise<void> {
  try {
    await client.createAccount({ onlyReturnExisting: true });
  } catch (error) {
    if (directory.lastStatus !== NO_ACCOUNT_STATUS) throw error;
    const reachedAt = contact === undefined ? {} : { contact: [`mailto:${contact}`] };
    await client.createAccount({ termsOfServiceAgreed: termsAgreed, ...reachedAt });
  }
}

function newKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
}
