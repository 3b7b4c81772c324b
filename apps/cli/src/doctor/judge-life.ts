/** Certificates, reloads and the process of a running part, judged by its metrics. Pure. */
import { select, sumOf } from '@sallyport/load-tests';
import type { Sample } from '@sallyport/load-tests';
import type { CertificateDates } from '@sallyport/telemetry';
import { expiryOf } from './expiry.ts';
import { earlier, fail, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import type { RunningPart } from './running.ts';

const DAY_MS = 86_400_000;
const MS_PER_S = 1_000;
/** As the alerts have it. */
const DESCRIPTORS_FULL = 0.8;
const LOOP_FULL = 0.9;
const ACME_NEWS_MS = DAY_MS;

export function judgeLife(part: RunningPart, nowMs: number): Finding[] {
  return [...judgeCertificates(part, nowMs), ...judgeReloads(part), ...judgeProcess(part), ...judgeLosses(part)];
}

interface ShownCertificate extends CertificateDates {
  readonly name: string;
}

/** Those in force. An older part does not say how long they are good in all. */
export function certificatesIn(samples: readonly Sample[]): ShownCertificate[] {
  return select(samples, 'sallyport_certificate_expiry_timestamp_seconds').map(({ labels, value }) => {
    const lifeS = sumOf(samples, 'sallyport_certificate_lifetime_seconds', labels) ?? Infinity;
    return { name: labels['name'] ?? '?', notBeforeMs: (value - lifeS) * MS_PER_S, notAfterMs: value * MS_PER_S };
  });
}

function judgeCertificates({ where, after }: RunningPart, nowMs: number): Finding[] {
  const expiring = certificatesIn(after).flatMap((certificate) => {
    const { status, hasExpired, left, page } = expiryOf(certificate, nowMs);
    if (status === 'ok') return [];
    const what = `${where}: certificate ${certificate.name}, in force,`;
    const fix = 'put a new pair in its place: it is taken over without a restart';
    const message = `${what} ${hasExpired ? 'has expired' : `expires in ${left}`}`;
    return [(status === 'fail' ? fail : warn)('certificate', message, fix, page)];
  });
  const failedMs = (sumOf(after, 'sallyport_acme_last_failure_timestamp_seconds') ?? 0) * MS_PER_S;
  if (failedMs === 0 || nowMs - failedMs > ACME_NEWS_MS) return expiring;
  const hours = Math.floor((nowMs - failedMs) / 3_600_000);
  const message = `${where}: an order for a certificate failed ${hours} hours ago`;
  const fix = 'see its log: "ACME: no certificate"';
  return [...expiring, warn('certificate', message, fix, 'SallyportAcmeFailing')];
}

function judgeReloads({ where, after }: RunningPart): Finding[] {
  const findings: Finding[] = [];
  if (sumOf(after, 'sallyport_tls_last_reload_successful') === 0) {
    const message = `${where}: a file of TLS cannot be used: only what was in force before it stays so`;
    const fix = 'see what the check "tls" says of the files, or its log ("TLS: ")';
    findings.push(warn('reload', message, fix, 'SallyportCertificateReloadFailed'));
  }
  if (sumOf(after, 'sallyport_config_last_reload_successful') === 0) {
    const fix =
      'its log names the settings ("configuration not reloaded", also those that need a restart), and so does the answer ' +
      'to POST /api/reload; mend it, and reload again, or restart it';
    findings.push(fail('reload', `${where}: the last reload was refused`, fix, 'SallyportConfigReloadFailed'));
  }
  return findings;
}

function judgeProcess({ where, before, after, apartS }: RunningPart): Finding[] {
  const findings: Finding[] = [];
  const open = sumOf(after, 'process_open_fds') ?? 0;
  const most = sumOf(after, 'process_max_fds') ?? Infinity;
  if (open >= DESCRIPTORS_FULL * most) {
    const fix = 'allow more (LimitNOFILE= under systemd, ulimits: in docker-compose)';
    const message = `${where}: ${open} of ${most} open files are in use`;
    findings.push(warn('descriptors', message, fix, 'SallyportDescriptorsExhaustionPredicted'));
  }
  const name = 'sallyport_event_loop_active_seconds_total';
  const share = ((sumOf(after, name) ?? 0) - (sumOf(before, name) ?? 0)) / apartS;
  if (share >= LOOP_FULL) {
    const message = `${where}: its event loop was busy for ${Math.round(100 * share)} % of the last second`;
    findings.push(warn('event-loop', message, 'run another one beside it, and less else', 'SallyportEventLoopLate'));
  }
  return findings;
}

const LOSSES: readonly (readonly [metric: string, check: string, what: string, fix: string, runbook: string])[] = [
  [
    'sallyport_log_lines_lost_total',
    'log',
    'log lines were lost',
    'look at the disk and at what reads the log',
    'SallyportLogLinesLost',
  ],
  [
    'sallyport_trace_spans_dropped_total',
    'traces',
    'spans were dropped',
    'start the collector, or sample less',
    'SallyportTraceSpansDropped',
  ],
];

function judgeLosses({ where, before, after }: RunningPart): Finding[] {
  return LOSSES.flatMap(([metric, check, what, fix, runbook]) => {
    const lost = sumOf(after, metric) ?? 0;
    if (lost === 0) return [];
    const now = lost - (sumOf(before, metric) ?? 0);
    if (now <= 0) return [earlier(`${lost} ${what}`)];
    const message = `${where}: ${lost} ${what} since its start, ${now} in the last second`;
    return [warn(check, message, fix, runbook)];
  });
}
