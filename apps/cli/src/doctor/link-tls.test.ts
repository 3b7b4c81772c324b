import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { haveOpenssl, TestAuthority } from '../../../proxy-entry/src/testing/authority.ts';
import type { Made } from '../../../proxy-entry/src/testing/authority.ts';
import { contextOf } from '../testing/doctor.ts';
import { filesOf, findingLine } from './finding.ts';
import { checkLinkTls } from './link-tls.ts';

const DAY_S = 86_400;
const page = (name: string) => `see docs/runbooks/${name}.md`;

async function check(set: Readonly<Record<string, unknown>>): Promise<string[]> {
  return (await checkLinkTls(contextOf({ set }))).map((each) => findingLine(each).replaceAll(/ {2,}/g, ' '));
}

function settings({ certFile, keyFile }: Pick<Made, 'certFile' | 'keyFile'>): Readonly<Record<string, unknown>> {
  return { 'server.tls.certificateFile': certFile, 'server.tls.keyFile': keyFile };
}

test('doctor judges the certificate that links are taken with', async (t) => {
  assert.deepEqual(await check({ 'server.port': 1 }), []);
  if (!haveOpenssl(t)) return;
  const authority = new TestAuthority();
  t.after(() => authority.remove());
  const issue = (name: string, days: number) => {
    const dates = { secondsUntilGood: -60 * DAY_S, secondsLeft: days * DAY_S + 60 };
    const made = authority.issue(name, { names: `DNS:${name}`, ...dates });
    chmodSync(made.keyFile, 0o600);
    return made;
  };
  const [good, next, soon, old] = [issue('good', 30), issue('next', 10), issue('soon', 2), issue('old', -2)];
  assert.deepEqual(await check(settings(good)), ['ok tls links: a certificate for 30.0 days more']);
  const renew = 'renew it: the server takes the new one over by itself';
  assert.deepEqual(await check(settings(next)), [
    `warn tls links: the certificate expires in 10.0 days: ${filesOf(next.certFile, next.keyFile)}; ${renew}; ${page('sallyport-certificate-expiring')}`,
  ]);
  assert.deepEqual(await check(settings(soon)), [
    `fail tls links: the certificate expires in 2.0 days: ${filesOf(soon.certFile, soon.keyFile)}; ${renew}; ${page('sallyport-certificate-expiring')}`,
  ]);
  assert.deepEqual(await check(settings(old)), [
    `fail tls links: the certificate has expired: ${filesOf(old.certFile, old.keyFile)}; ${renew}; ${page('sallyport-certificate-expired')}`,
  ]);
  const mixed = { certFile: good.certFile, keyFile: soon.keyFile };
  assert.deepEqual(await check(settings(mixed)), [
    `fail tls links: ${good.certFile} and ${soon.keyFile} are no certificate and its key; put that file right, or leave server.tls out; ${page('sp-link-tls')}`,
  ]);
  chmodSync(good.keyFile, 0o644);
  const [, mode] = await check(settings(good));
  assert.match(mode!, /warn tls .* may be read by others \(mode 644\)/);
});
