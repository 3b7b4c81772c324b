import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FILE_MAX_BYTES, readRegularFile, readRegularFileSync } from './regular-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-regular-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

for (const [name, read] of [
  ['read at once', async (path: string) => readRegularFileSync(path)],
  ['waited for', readRegularFile],
] as const) {
  describe(`a file that is ${name}`, { timeout: 60_000 }, () => {
    it('is taken whole, behind links as Kubernetes and Docker make them, and where its size is not known ahead', async () => {
      const text = 'ä'.repeat(FILE_MAX_BYTES / 2);
      writeFileSync(at('whole'), text);
      for (const link of ['data', 'secret']) rmSync(at(link), { force: true });
      symlinkSync('whole', at('data'));
      symlinkSync('data', at('secret'));
      assert.deepEqual(await read(at('secret')), { ok: true, text });
      const made = await read('/proc/self/status');
      assert.match(made.ok ? made.text : made.why, /^Name:/);
    });

    it('is refused at once where it is a pipe, written to or not, a folder or a device, or is too long', async () => {
      const pipe = at(`pipe of one ${name}`);
      execFileSync('mkfifo', [pipe]);
      symlinkSync('/dev/zero', at(`device of one ${name}`));
      for (const path of [pipe, folder, at(`device of one ${name}`), '/dev/null']) {
        assert.deepEqual(await read(path), {
          ok: false,
          code: 'no regular file',
          why: `${path} is no regular file (pipes, devices, /dev/stdin and <(…) are not read)`,
        });
      }
      writeFileSync(at('long'), 'x'.repeat(FILE_MAX_BYTES + 1));
      assert.deepEqual(await read(at('long')), {
        ok: false,
        code: 'EFBIG',
        why: `${at('long')} has more than 1048576 bytes`,
      });
    });

    it('is refused with what the system says where it is not there, or a socket', async (t) => {
      const path = at(`socket of one ${name}`);
      const server = createServer().listen(path);
      t.after(() => server.close());
      const codes = [at('none'), path].map(async (each) => ((await read(each)) as { code?: string }).code);
      assert.deepEqual(await Promise.all(codes), ['ENOENT', 'ENXIO']);
    });
  });
}

it('a substituted process is refused at once, and so is a standard input that is a pipe', { timeout: 60_000 }, () => {
  const module = fileURLToPath(new URL('./regular-file.ts', import.meta.url));
  const code = `import { readRegularFileSync } from ${JSON.stringify(module)}; console.log(readRegularFileSync(process.argv[1]).code)`;
  const node = `"${process.execPath}" --input-type=module-typescript -e '${code}'`;
  const shell = spawnSync('bash', ['-c', `${node} <(echo a:b); echo a:b | ${node} /dev/stdin`], { encoding: 'utf8' });
  assert.equal(shell.stdout, 'no regular file\nno regular file\n', shell.stderr);
});
