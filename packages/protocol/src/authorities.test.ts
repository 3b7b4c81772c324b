import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import { readAuthorities } from './authorities.ts';
import { linkAddresses } from './link-address.ts';
import { LinkAddressError } from './proxy.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-authorities-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'ca.pem');
const [first = '', second = ''] = rootCertificates;

describe('a file of authorities', () => {
  it('is taken as it is, with all its certificates', () => {
    const text = `of two\n${first}\nand\n${second}\n`;
    writeFileSync(file, text);
    assert.equal(readAuthorities(file, 'link.caFile'), text);
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
        () => linkAddresses(['wss://a'], { files, env: {}, isLoopback: () => true }),
        (error) => error instanceof LinkAddressError && error.message.startsWith(`link.caFile: ${file} is no file`),
      );
    }
    assert.throws(
      () => readAuthorities(`${file}.gone`, 'link.caFile'),
      /link\.caFile: .*gone cannot be read \(ENOENT\)/,
    );
  });
});
