/** Stores that links and admin ports are checked against: readable, with their pepper, and with somebody in them. */
import { FileCredentials, pepperPathOf } from '@sallyport/credentials';
import type { Role } from '@sallyport/credentials';
import { storePathOf } from '../settings.ts';
import { forEach, isBare, partsOf } from './context.ts';
import type { DoctorContext } from './context.ts';
import { checkMode } from './credential-file.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

interface Store {
  readonly path: string;
  /** Credentials without which it would be of no use. */
  readonly needs: readonly Role[];
  /** Its being absent is no fault. */
  readonly mayBeMissing: boolean;
}

export async function checkStores({ settings, env, nowMs }: DoctorContext): Promise<Finding[]> {
  if (settings === null) return [];
  const parts = partsOf(settings);
  const stores: Store[] = [];
  if (parts.has('server')) {
    stores.push({ path: storePathOf(settings, env), needs: ['client', 'entry'], mayBeMissing: isBare(settings) });
  }
  for (const part of ['entry', 'server', 'client'] as const) {
    const path = settings.config[part].admin.credentials;
    if (path !== undefined && parts.has(part)) stores.push({ path, needs: ['admin'], mayBeMissing: false });
  }
  return forEach(stores, (store) => checkStore(store, nowMs()));
}

async function checkStore({ path, needs, mayBeMissing }: Store, nowMs: number): Promise<Finding[]> {
  const opened = await FileCredentials.open({ path });
  if (!opened.ok) {
    const { code, message, hint } = opened.error;
    if (code === 'SP_CREDENTIALS_NOT_FOUND' && mayBeMissing) {
      return [ok('store', `${path} is not there, as nothing is configured ("sallyport up" needs none)`)];
    }
    return [fail('store', message, hint, code)];
  }
  const active = opened.value.list().filter(({ id }) => opened.value.isActive(id));
  const missing = needs.filter((role) => !active.some((each) => each.role === role));
  const revoked = opened.value
    .list()
    .filter(({ revokedAt }) => revokedAt !== undefined && Date.parse(revokedAt) <= nowMs);
  return [
    ok('store', `${path}: ${active.length} credentials, and ${revoked.length} revoked ones`),
    ...missing.map((role) => warn('store', `${path} has no ${role} credential`, addHint(role))),
    ...(await checkMode('store', path)),
    ...(await checkMode('store', pepperPathOf(path))),
  ];
}

function addHint(role: Role): string {
  return `make one: sallyport creds add NAME --for ${role}${role === 'client' ? ' --sessions demo' : ''}`;
}
