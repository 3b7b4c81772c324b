/** TLS at the entry: certificates that can be used, for the hosts that are routed, and for how long still. */
import { access, constants } from 'node:fs/promises';
import type { EntryConfig } from '@sallyport/config';
import { inspectAuthority, inspectPairs } from '@sallyport/proxy-entry';
import type { InspectedPair } from '@sallyport/proxy-entry';
import { partsOf } from './context.ts';
import type { DoctorContext } from './context.ts';
import { checkMode } from './credential-file.ts';
import { expiryOf, leftUntil } from './expiry.ts';
import { fail, filesOf, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

const CHECK = 'tls';

export async function checkEntryTls({ settings, nowMs }: DoctorContext): Promise<Finding[]> {
  if (settings === null || !partsOf(settings).has('entry')) return [];
  const { entry } = settings.config;
  const folder = entry.tls.certificates;
  if (folder === undefined) return [];
  let pairs: InspectedPair[];
  try {
    pairs = await inspectPairs(folder);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const fix = 'make it, or correct entry.tls.certificates';
    return [fail(CHECK, `${folder} cannot be read (${code})`, fix, 'SP_TLS_FOLDER')];
  }
  const modes = await Promise.all(pairs.map(({ keyFile }) => checkMode(CHECK, keyFile)));
  return [...judgePairs(pairs, entry, nowMs()), ...modes.flat(), ...(await checkOtherFiles(entry.tls))];
}

async function checkOtherFiles(tls: EntryConfig['tls']): Promise<Finding[]> {
  const findings: Finding[] = [];
  const wrong = await inspectAuthority(tls);
  if (wrong !== null) {
    findings.push(fail(CHECK, wrong, 'put that file right: visitors are checked against it', 'SP_TLS_FILE'));
  }
  findings.push(...(await checkHook(tls.acme)));
  const { ticketKeyFile } = tls;
  if (ticketKeyFile === undefined) return findings;
  const isThere = await access(ticketKeyFile).then(
    () => true,
    () => false,
  );
  return isThere ? [...findings, ...(await checkMode(CHECK, ticketKeyFile))] : findings;
}

async function checkHook({ names, challenge, dnsHook }: EntryConfig['tls']['acme']): Promise<Finding[]> {
  if (names.length === 0 || challenge !== 'dns-01' || dnsHook === undefined) return [];
  try {
    await access(dnsHook, constants.X_OK);
    return [];
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return [fail(CHECK, `entry.tls.acme.dnsHook ${dnsHook} cannot be run (${code})`, 'correct it, or chmod +x')];
  }
}

export function judgePairs(pairs: readonly InspectedPair[], entry: EntryConfig, nowMs: number): Finding[] {
  const usable = pairs.filter(({ wrong }) => wrong === null);
  const findings = [
    ...pairs.flatMap(judgeWrong),
    ...usable.flatMap((pair) => judgeExpiry(pair, nowMs)),
    // Which names they are for cannot be told where none can be read.
    ...(usable.length === 0 && pairs.length > 0 ? [] : judgeNames(usable, entry)),
  ];
  if (usable.length === 0) findings.push(judgeNone(pairs.length > 0, entry.tls));
  if (findings.length > 0) return findings;
  const firstMs = Math.min(...usable.map(({ notAfterMs }) => notAfterMs));
  return [ok(CHECK, `${usable.length} certificates, the first to expire in ${leftUntil(firstMs, nowMs)}`)];
}

/** What an entry that runs has in force is not known from its files. */
function judgeNone(hasBroken: boolean, { acme }: EntryConfig['tls']): Finding {
  if (hasBroken) {
    const message = 'no pair there can be used: an entry that starts now refuses every handshake';
    const fix =
      'put one right before a restart; one that runs keeps those it had (see "certificates for … days" of it)';
    return warn(CHECK, message, fix, 'SallyportCertificateReloadFailed');
  }
  const fix = acme.names.length === 0 ? 'put a pair NAME.crt and NAME.key there' : 'start the entry: it has them made';
  return warn(CHECK, 'no certificate yet: every handshake is refused', fix);
}

function judgeWrong({ stem, wrong, certificateFile, keyFile }: InspectedPair): Finding[] {
  if (wrong === null) return [];
  const message = `certificate ${stem}: ${wrong}: ${filesOf(certificateFile, keyFile)}`;
  const fix = 'put both its files there, whole and of one order';
  return [fail(CHECK, message, fix, 'SallyportCertificateReloadFailed')];
}

function judgeExpiry(pair: InspectedPair, nowMs: number): Finding[] {
  const { stem, notBeforeMs, certificateFile, keyFile } = pair;
  const files = filesOf(certificateFile, keyFile);
  if (nowMs < notBeforeMs) {
    const fix = "check this machine's clock, or take the one that is good now";
    return [fail(CHECK, `certificate ${stem} is not valid yet: ${files}`, fix, 'SallyportCertificateExpired')];
  }
  const { status, hasExpired, left, page } = expiryOf(pair, nowMs);
  if (status === 'ok') return [];
  const fix = 'renew it: the entry takes the new one over by itself';
  const message = `certificate ${stem} ${hasExpired ? 'has expired' : `expires in ${left}`}: ${files}`;
  return [(status === 'fail' ? fail : warn)(CHECK, message, fix, page)];
}

/** Whether the entry has a certificate for it made once it runs. */
function isToCome(host: string, names: readonly string[]): boolean {
  return names.includes(host) || names.includes(`*${host.slice(host.indexOf('.'))}`);
}

/** Hosts that are routed and that no visitor can reach by TLS. */
function judgeNames(usable: readonly InspectedPair[], { hosts, domain, tls }: EntryConfig): Finding[] {
  const isCovered = (host: string) => isToCome(host, tls.acme.names) || usable.some((pair) => pair.covers(host));
  const bare = Object.keys(hosts).filter((host) => !isCovered(host));
  // Any label stands for those that sessions have.
  if (domain !== undefined && !isCovered(`session.${domain}`)) bare.push(`*.${domain}`);
  const findings = bare.map((host) => warn(CHECK, `no certificate is for ${host}`, 'add one, or one with a wildcard'));
  const { defaultCertificate: stem } = tls;
  if (stem === undefined || usable.some((pair) => pair.stem === stem)) return findings;
  return [
    ...findings,
    fail(CHECK, `entry.tls.defaultCertificate ${stem} is no pair there`, 'name one of the pairs, or leave it out'),
  ];
}
