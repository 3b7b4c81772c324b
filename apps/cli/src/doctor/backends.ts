/** Backends of `client.sessions`: reachable from here, and with a certificate that the client will accept. */
import { readRegularFile, redactUrl } from '@sallyport/config';
import type { SessionConfig } from '@sallyport/config';
import { judgeCertificate } from './certificate.ts';
import { forEach } from './context.ts';
import type { DoctorContext } from './context.ts';
import { fail, ok } from './finding.ts';
import type { Finding } from './finding.ts';
import { addressOf, handshake, reach, resolveName, why } from './reach.ts';

const UNIX = 'unix:';

export async function checkBackends({ settings, timeoutMs, nowMs }: DoctorContext): Promise<Finding[]> {
  const sessions = settings?.config.client.sessions ?? [];
  return forEach(sessions, (session) => checkBackend(session, timeoutMs, nowMs));
}

async function checkBackend(session: SessionConfig, timeoutMs: number, nowMs: () => number): Promise<Finding[]> {
  const { id, backend } = session;
  const where = `${id} at ${redactUrl(backend)}`;
  const fix = "start the backend, or correct the session's backend in client.sessions and reload the client";
  const unreached = (code: string) => [fail('backend', `${where}: ${why(code)}`, fix, 'SP_BACKEND_REFUSED')];
  if (backend.startsWith(UNIX)) {
    const reached = await reach({ path: backend.slice(UNIX.length) }, timeoutMs);
    return reached.ok ? [ok('backend', `${where}: reached`)] : unreached(reached.code);
  }
  const url = new URL(backend);
  const address = addressOf(url);
  const found = await resolveName(address.host, timeoutMs);
  if (!found.ok) return unreached(found.code);
  const reached = await reach(address, timeoutMs);
  if (!reached.ok) return unreached(reached.code);
  const findings = [ok('backend', `${where}: reached`)];
  return url.protocol === 'https:' ? [...findings, await checkTls(session, where, timeoutMs, nowMs)] : findings;
}

async function checkTls(
  { backend, caFile, serverName }: SessionConfig,
  where: string,
  timeoutMs: number,
  nowMs: () => number,
): Promise<Finding> {
  const read = caFile === undefined ? null : await readRegularFile(caFile);
  if (read?.ok === false) {
    return fail('certificate', `${where}: caFile ${read.why}`, 'correct it, or who may read it');
  }
  const ca = read?.text;
  const shaken = await handshake({ ...addressOf(new URL(backend)), ca, serverName }, timeoutMs);
  if (!shaken.ok) return fail('certificate', `${where}: ${why(shaken.code)}`, 'use http://, or let it speak TLS');
  return judgeCertificate(shaken.value, where, "set the session's caFile to its authority's certificate", nowMs());
}
