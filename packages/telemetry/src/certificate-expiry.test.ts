import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { showCertificateExpiry } from './certificate-expiry.ts';
import { createLogger } from './logger.ts';
import { createTelemetry } from './telemetry.ts';
import { have, parseScrape } from './testing.ts';

const DAY_S = 86_400;

test('a certificate file is shown with the end of what it holds now', async (context) => {
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
  const daysLeft = async (): Promise<number | undefined> => {
    const samples = parseScrape(await telemetry.metricsText());
    const endS = samples.get('sallyport_certificate_expiry_timestamp_seconds{part="client",name="own"}');
    return endS === undefined ? undefined : Math.round((endS - Date.now() / 1000) / DAY_S);
  };

  make(10);
  let isHalf = false;
  const read = () => ({ ok: true, text: isHalf ? 'half of a' : readFileSync(file, 'utf8') }) as const;
  let source: Parameters<typeof showCertificateExpiry>[2] = read;
  showCertificateExpiry(telemetry, 'own', () => source());
  assert.equal(await daysLeft(), 10);
  make(40);
  assert.equal(await daysLeft(), 40);
  isHalf = true;
  assert.equal(await daysLeft(), undefined);
  isHalf = false;
  assert.equal(await daysLeft(), 40);
  source = () => ({ ok: false, why: 'a pipe' });
  assert.equal(await daysLeft(), undefined);
});
