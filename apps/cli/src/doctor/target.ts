/** A URL through the tunnel, as a visitor sees it: name, connection, certificate, ALPN, and which hop a problem comes from. */
import { judgeCertificate } from './certificate.ts';
import { clockSkewMs, judgeClock } from './clock.ts';
import type { DoctorContext } from './context.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import { problemOfCode } from '@sallyport/proxy-entry';
import { addressOf, ask, handshake, reach, resolveName, why } from './reach.ts';
import type { Answer } from './reach.ts';

const ALPN = ['h2', 'http/1.1'] as const;
const CHECK = 'target';

export async function checkTarget({ target, timeoutMs, nowMs }: DoctorContext): Promise<Finding[]> {
  if (target === null) return [];
  const address = addressOf(target);
  const where = target.origin;
  const found = await resolveName(address.host, timeoutMs);
  if (!found.ok) return [fail(CHECK, `${where}: ${why(found.code)}`, "correct --target, or the name's DNS record")];
  const reached = await reach(address, timeoutMs);
  if (!reached.ok)
    return [fail(CHECK, `${where}: ${why(reached.code)}`, 'start the entry, or open the way in firewalls')];
  const findings = [ok(CHECK, `${where}: reached at ${found.value.join(', ')}`)];
  if (target.protocol === 'https:') {
    const tls = await checkTls(target, timeoutMs, nowMs());
    findings.push(...tls.findings);
    if (!tls.isUsable) return findings;
  }
  const sentMs = nowMs();
  const answer = await ask({ url: target, timeoutMs, headers: { Accept: '*/*' } });
  if (!answer.ok) return [...findings, fail(CHECK, `${where}: ${why(answer.code)}`, 'see the log of the entry')];
  const clock = judgeClock(clockSkewMs(answer.value.headers.date, sentMs, nowMs()), where);
  return [...findings, judgeAnswer(answer.value, where + target.pathname), ...clock];
}

interface TlsLook {
  readonly findings: readonly Finding[];
  /** Whether a visitor would go on. */
  readonly isUsable: boolean;
}

async function checkTls(target: URL, timeoutMs: number, nowMs: number): Promise<TlsLook> {
  const where = target.origin;
  const shaken = await handshake({ ...addressOf(target), alpn: ALPN }, timeoutMs);
  if (!shaken.ok) {
    const fix = 'give TLS there a certificate for this name';
    return { findings: [fail('certificate', `${where}: ${why(shaken.code)}`, fix)], isUsable: false };
  }
  const trust = "serve the whole chain; for an authority of one's own set NODE_EXTRA_CA_CERTS";
  const { alpn, refusal } = shaken.value;
  const findings = [
    judgeCertificate(shaken.value, where, trust, nowMs),
    alpn === null
      ? warn('alpn', `${where}: no ALPN, so that visitors get HTTP/1.1 alone`, 'let TLS there offer h2 and http/1.1')
      : ok('alpn', `${where}: ${alpn}`),
  ];
  return { findings, isUsable: refusal === null };
}

const HOP_FIXES: ReadonlyMap<string, string> = new Map([
  ['visitor', 'correct the request'],
  ['entry', 'check the session id in the path, and that a client offers it (/api/sessions of the server)'],
  ['uplink', 'check that the entry reaches its servers (/readyz of the entry)'],
  [
    'queue',
    'see which session is full and how long its backend takes: ask all parts at once (--admin http://SERVER:12002 ' +
      '--admin http://ENTRY:12003 --admin http://CLIENT:12004); mend that backend, or give more slots (client.concurrency)',
  ],
  ['link', 'start a client for this session, or see its log (/readyz of the client)'],
  ['slot', 'raise client.concurrency'],
  ['client', "see the client's log; client.maxLongStreams bounds WebSockets and event streams"],
  ['backend', 'start or repair the backend: doctor beside the client names and checks it'],
]);

/** What to do about a failure at this hop; undefined where that is none of ours. */
export function fixAt(hop: string): string | undefined {
  return HOP_FIXES.get(hop);
}

/** What a status means for whoever set the tunnel up. Problems of ours name the hop (RFC 9457). */
export function judgeAnswer({ status, headers, body }: Answer, where: string): Finding {
  const problem = problemOf(headers['content-type'], body);
  if (problem !== null) {
    const page = problemOfCode(problem.code)?.code;
    const message = `${where}: ${status} ${problem.code} at the ${problem.hop}: ${problem.title}`;
    return fail(CHECK, message, fixAt(problem.hop) ?? 'see the logs of that part', page);
  }
  const isOurs = headers.via?.includes('sallyport-') === true;
  const from = isOurs ? 'from the backend, through the tunnel' : 'and it bears no sign of the tunnel (Via)';
  if (status === 401 || status === 403) return ok(CHECK, `${where}: ${status} ${from}: it wants a credential`);
  if (status >= 500) return fail(CHECK, `${where}: ${status} ${from}`, isOurs ? "see the backend's log" : VIA_FIX);
  if (status >= 400) return warn(CHECK, `${where}: ${status} ${from}`, 'give a path in --target that the backend has');
  return isOurs ? ok(CHECK, `${where}: ${status} ${from}`) : warn(CHECK, `${where}: ${status} ${from}`, VIA_FIX);
}

const VIA_FIX = 'check that this name leads to the entry';

function problemOf(type: string | undefined, body: string): { code: string; hop: string; title: string } | null {
  if (type?.startsWith('application/problem+json') !== true) return null;
  try {
    const { code, hop, title } = JSON.parse(body) as Record<string, unknown>;
    if (typeof code !== 'string' || !code.startsWith('SP_')) return null;
    return { code, hop: String(hop), title: String(title) };
  } catch {
    return null;
  }
}
