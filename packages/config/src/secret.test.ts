import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { secretFromFileOrEnv } from './secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-secret-'));
after(() => rmSync(folder, { recursive: true }));
const SECRET = 'hunter2-hunter2-hunter2';

function fileWith(text: string): string {
  const path = join(folder, 'credential');
  writeFileSync(path, text);
  return path;
}

describe('secretFromFileOrEnv', () => {
  it('reads the first line that is neither empty nor a comment', () => {
    const file = fileWith(`\u{feff}# made on Monday\r\n\r\n  demo:${SECRET}:more \r\nother:line\r\n`);
    assert.deepEqual(secretFromFileOrEnv({ file, env: {} }), {
      ok: true,
      id: 'demo',
      secret: `${SECRET}:more`,
      origin: 'file',
    });
  });

  it('reads the variable when no file is named, and the file when both are', () => {
    const env = { SALLYPORT_CREDENTIAL: `fromenv:${SECRET}` };
    assert.deepEqual(secretFromFileOrEnv({ env }), { ok: true, id: 'fromenv', secret: SECRET, origin: 'environment' });
    const both = secretFromFileOrEnv({ file: fileWith(`fromfile:${SECRET}`), env });
    assert.equal(both.ok && both.id, 'fromfile');
  });

  it('does not fall back to the variable when the named file fails', () => {
    const result = secretFromFileOrEnv({ file: join(folder, 'gone'), env: { SALLYPORT_CREDENTIAL: `a:${SECRET}` } });
    assert.equal(!result.ok && result.code, 'SP_CREDENTIAL_UNREADABLE');
    assert.match(result.ok ? '' : result.message, /gone cannot be read \(ENOENT\)/);
    assert.equal(
      (secretFromFileOrEnv({ file: folder, env: {} }) as { code?: string }).code,
      'SP_CREDENTIAL_UNREADABLE',
    );
  });

  it('refuses a pipe at once, in words that name the setting', () => {
    const file = join(folder, 'pipe');
    execFileSync('mkfifo', [file]);
    const result = secretFromFileOrEnv({ file, env: {} });
    assert.equal(!result.ok && result.code, 'SP_CREDENTIAL_UNREADABLE');
    assert.match(JSON.stringify(result), /pipe is no regular file .*check credentialFile/);
  });

  it('says what is missing', () => {
    for (const env of [{}, { SALLYPORT_CREDENTIAL: '' }]) {
      const result = secretFromFileOrEnv({ env });
      assert.equal(!result.ok && result.code, 'SP_CREDENTIAL_MISSING');
    }
    const empty = secretFromFileOrEnv({ file: fileWith('# nothing\n\n'), env: {} });
    assert.equal(!empty.ok && empty.code, 'SP_CREDENTIAL_MALFORMED');
  });

  it('names the place of a malformed line and repeats none of it', () => {
    for (const line of [
      SECRET,
      `:${SECRET}`,
      `de.mo:${SECRET}`,
      `demo:${SECRET} x`,
      `demo ${SECRET}`,
      'demo:',
      `demo:${SECRET.repeat(20)}`,
    ]) {
      const result = secretFromFileOrEnv({ file: fileWith(`# x\n${line}\n`), env: {} });
      assert.equal(!result.ok && result.code, 'SP_CREDENTIAL_MALFORMED', line);
      assert.match(JSON.stringify(result), /credential:2 is not id:secret/);
      assert.doesNotMatch(JSON.stringify(result), /hunter2/);
    }
  });
});
