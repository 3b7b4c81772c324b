import { CREDENTIAL_VARIABLE, type Environment } from './environment.ts';
import { readRegularFileSync } from './regular-file.ts';

// The id goes before a dot in `Authorization: Bearer <id>.<secret>` and the secret after it, so no dot, space or control there.
const CREDENTIAL = /^([A-Za-z0-9][A-Za-z0-9_-]{0,63}):([\x21-\x7e]{1,256})$/;

export type SecretErrorCode = 'SP_CREDENTIAL_MISSING' | 'SP_CREDENTIAL_UNREADABLE' | 'SP_CREDENTIAL_MALFORMED';

export type SecretResult =
  | { readonly ok: true; readonly id: string; readonly secret: string; readonly origin: 'file' | 'environment' }
  | { readonly ok: false; readonly code: SecretErrorCode; readonly message: string; readonly hint: string };

export interface SecretOptions {
  /** File whose first line that is neither empty nor a # comment is `id:secret`; it wins, being set for one part alone. */
  readonly file?: string | undefined;
  readonly env: Environment;
}

/** This process's own credential, from its file or from SALLYPORT_CREDENTIAL. No error repeats any of what was read. */
export function secretFromFileOrEnv({ file, env }: SecretOptions): SecretResult {
  if (file !== undefined) return fromFile(file);
  const text = env[CREDENTIAL_VARIABLE];
  if (text !== undefined && text !== '') return parseCredential(text.trim(), 'environment', CREDENTIAL_VARIABLE);
  return {
    ok: false,
    code: 'SP_CREDENTIAL_MISSING',
    message: 'no credential is configured',
    hint: `set credentialFile to a file with a line id:secret, or ${CREDENTIAL_VARIABLE}`,
  };
}

function fromFile(file: string): SecretResult {
  const read = readRegularFileSync(file);
  if (!read.ok) {
    const hint = 'check credentialFile and who may read it';
    return { ok: false, code: 'SP_CREDENTIAL_UNREADABLE', message: read.why, hint };
  }
  const lines = read.text
    .replace(/^\u{feff}/u, '')
    .split(/\r?\n/)
    .map((line) => line.trim());
  const index = lines.findIndex((line) => line !== '' && !line.startsWith('#'));
  if (index === -1) {
    return {
      ok: false,
      code: 'SP_CREDENTIAL_MALFORMED',
      message: `${file} holds no credential`,
      hint: 'put one line id:secret in it',
    };
  }
  return parseCredential(lines[index]!, 'file', `${file}:${index + 1}`);
}

function parseCredential(line: string, origin: 'file' | 'environment', where: string): SecretResult {
  const [, id, secret] = CREDENTIAL.exec(line) ?? [];
  if (id !== undefined && secret !== undefined) return { ok: true, id, secret, origin };
  return {
    ok: false,
    code: 'SP_CREDENTIAL_MALFORMED',
    message: `${where} is not id:secret`,
    hint: 'write it as sallyport creds add printed it, with a colon between',
  };
}
