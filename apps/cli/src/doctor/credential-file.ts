/** The credential that entry and client show to their servers: there, well-formed, and nobody else's to read. */
import { stat } from 'node:fs/promises';
import { secretFromFileOrEnv } from '@sallyport/config';
import { isBare, partsOf } from './context.ts';
import type { DoctorContext } from './context.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

const OTHERS_MODE = 0o077;
const MODE = 0o777;

export type DiallingPart = 'entry' | 'client';

export async function checkCredentialFiles({ settings, env }: DoctorContext): Promise<Finding[]> {
  if (settings === null) return [];
  const findings: Finding[] = [];
  for (const part of ['client', 'entry'] as const) {
    if (!partsOf(settings).has(part)) continue;
    const file = settings.config[part].credentialFile;
    const read = secretFromFileOrEnv({ file, env });
    if (read.ok) {
      const from = read.origin === 'file' ? (file ?? '') : 'SALLYPORT_CREDENTIAL';
      findings.push(ok('credential', `${part}: ${read.id} from ${from}`));
      if (read.origin === 'file') findings.push(...(await checkMode('credential', from)));
    } else if (read.code === 'SP_CREDENTIAL_MISSING' && isBare(settings)) {
      findings.push(ok('credential', `${part}: none, as nothing is configured ("sallyport up" makes its own)`));
    } else {
      const fix = `${read.hint} (sallyport creds add makes one)`;
      findings.push(fail('credential', `${part}: ${read.message}`, fix, read.code));
    }
  }
  return findings;
}

/** Nothing while only the owner may read `file`. */
export async function checkMode(check: string, file: string): Promise<Finding[]> {
  // Windows has no such modes.
  if (process.platform === 'win32') return [];
  const mode = await stat(file).then(
    (stats) => stats.mode & MODE,
    () => 0,
  );
  if ((mode & OTHERS_MODE) === 0) return [];
  return [warn(check, `${file} may be read by others (mode ${mode.toString(8)})`, `chmod 600 ${file}`)];
}
