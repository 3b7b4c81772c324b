import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import { readAuthorities } from './authorities.ts';
import type { ReadFile } from './authorities.ts';
import { linkAddresses } from './link-address.ts';
import { LinkAddressError } from './proxy.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-authorities-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'ca.pem');
/** As an app's own does, in few words. */
const readFile: ReadFile = (path) =>
  existsSync(path) ? { ok: true, text: readFileSync(path, 'utf8') } : { ok: false, why: `${path} is not there` };
const [first = '', second = ''] = rootCertificates;

describe('a file of authorities', () => {
  it('is taken as it is, with all its certificates', () => {
    const text = `of two\n${first}\nand\n${second}\n`;
    writeFileSync(file, text);
    assert.equal(readAuthorities(file, 'link.caFile', readFile), text);
  });

  it('is refused by the name of its setting where any of it is no certificate, or it cannot be read', () => {
    for (const text of [
      '',
      'not PEM',
      first.slice(0, 200),
      `${first}\n${second.slice(0, 300)}`,
      first.replace('MII', 'AAA'),
    ]) {
      writeFileSync(file, text);
      const files = { caFile: file };
      assert.throws(
        () => linkAddresses(['wss://a'], { files, env: {}, isLoopback: () => true, readFile }),
        (error) => error instanceof LinkAddressError && error.message.startsWith(`link.caFile: ${file} is no file`),
      );
    }
    writeFileSync(file, first);
    const keyFile = `${file}.gone`;
    for (const [files, expected] of [
      [{ caFile: keyFile }, /^link\.caFile: .*gone is not there/],
      [{ certificateFile: keyFile, keyFile }, /^link\.certificateFile: .*gone is not there/],
      [{ certificateFile: file, keyFile }, /^link\.keyFile: .*gone is not there/],
    ] as const) {
      assert.throws(
        () => linkAddresses(['wss://a'], { files, env: {}, isLoopback: () => true, readFile }),
        (error) => error instanceof LinkAddressError && expected.test(error.message),
      );
    }
  });
});
