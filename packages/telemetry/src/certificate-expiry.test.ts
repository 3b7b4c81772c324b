import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { showCertificate, showCertificateFile } from './certificate-expiry.ts';
import { createLogger } from './logger.ts';
import { createTelemetry } from './telemetry.ts';
import { have, parseScrape } from './testing.ts';

const DAY_S = 86_400;

test('a certificate file is shown with the end and the life of what it holds now', async (context) => {
  if (!have(context, 'openssl', spawnSync('openssl', ['version']).status === 0)) return;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-expiry-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const logger = createLogger({ level: 'info', part: 'client', destination: new PassThrough() });
  const telemetry = createTelemetry({ part: 'client', version: '1', logger });
  context.after(() => telemetry.close());
  const file = join(folder, 'own.crt');
  const make = (days: number) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'own.key')];
    const kind = ['req', '-x509', ...key, '-subj', '/CN=client', '-days', String(days), '-out', file];
    execFileSync('openssl', kind, { stdio: 'ignore' });
  };
  const shown = async (metric: string): Promise<number | undefined> =>
    parseScrape(await telemetry.metricsText()).get(`${metric}{part="client",name="own"}`);
  const daysLeft = async (): Promise<number | undefined> => {
    const endS = await shown('sallyport_certificate_expiry_timestamp_seconds');
    return endS === undefined ? undefined : Math.round((endS - Date.now() / 1000) / DAY_S);
  };

  make(10);
  let isHalf = false;
  const read = () => ({ ok: true, text: isHalf ? 'half of a' : readFileSync(file, 'utf8') }) as const;
  let source: Parameters<typeof showCertificateFile>[2] = read;
  showCertificateFile(telemetry, 'own', () => source());
  assert.equal(await daysLeft(), 10);
  make(40);
  assert.equal(await daysLeft(), 40);
  assert.equal(await shown('sallyport_certificate_lifetime_seconds'), 40 * DAY_S);
  isHalf = true;
  assert.equal(await daysLeft(), undefined);
  isHalf = false;
  assert.equal(await daysLeft(), 40);
  source = () => ({ ok: false, why: 'a pipe' });
  assert.equal(await daysLeft(), undefined);
});

test('a certificate that is gone is shown no more', async (context) => {
  const logger = createLogger({ level: 'silent', part: 'entry', destination: new PassThrough() });
  const telemetry = createTelemetry({ part: 'entry', version: '1', logger });
  context.after(() => telemetry.close());
  const shown = async () =>
    [...parseScrape(await telemetry.metricsText()).keys()].filter((series) => series.includes('name="own"'));
  const remove = showCertificate(telemetry, 'own', () => ({ notBeforeMs: 0, notAfterMs: DAY_S * 1_000 }));
  assert.equal((await shown()).length, 2);
  remove();
  assert.deepEqual(await shown(), []);
});
