import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { certificateFolder, haveOpenssl, putPair, TestAuthority } from '../../../proxy-entry/src/testing/authority.ts';
import { contextOf } from '../testing/doctor.ts';
import { checkEntryTls } from './entry-tls.ts';
import { findingLine } from './finding.ts';

const DAY_S = 86_400;

/** A folder with a certificate for app.test that is good for 30 days. */
function setUp(t: TestContext) {
  const authority = new TestAuthority();
  t.after(() => authority.remove());
  const folder = certificateFolder(authority);
  putPair(folder, 'app', authority.issue('app', { names: 'DNS:app.test', secondsLeft: 30 * DAY_S + 60 }));
  chmodSync(join(folder, 'app.key'), 0o600);
  const check = async (set: Readonly<Record<string, unknown>> = {}, nowMs = Date.now) => {
    const all = { 'entry.tls.certificates': folder, ...set };
    return (await checkEntryTls(contextOf({ set: all, nowMs }))).map((each) =>
      findingLine(each).replaceAll(/ {2,}/g, ' '),
    );
  };
  return { authority, folder, check };
}

const page = (name: string) => `see docs/runbooks/${name}.md`;

test('doctor says nothing of TLS where there is none', async () => {
  assert.deepEqual(await checkEntryTls(contextOf({})), []);
});

test('doctor counts good certificates, and says when the first expires', async (t) => {
  if (!haveOpenssl(t)) return;
  const { folder, check } = setUp(t);
  const set = { 'entry.hosts': { 'app.test': 'demo' } };
  assert.deepEqual(await check(set), ['ok tls 1 certificates, the first to expire in 30.0 days']);
  const early = await check(set, () => Date.now() - 2 * DAY_S * 1_000);
  const fix = "check this machine's clock, or take the one that is good now";
  assert.deepEqual(early, [
    `fail tls certificate app is not valid yet: ${join(folder, 'app.crt')} and app.key; ${fix}; ${page('sallyport-certificate-expired')}`,
  ]);
});

test('doctor tells of each certificate what is wrong with it, and how to fix it', async (t) => {
  if (!haveOpenssl(t)) return;
  const { authority, folder, check } = setUp(t);
  putPair(folder, 'old', authority.issue('old', { names: 'DNS:old.test', secondsLeft: -60 }));
  const dates = { secondsUntilGood: -87 * DAY_S, secondsLeft: 3 * DAY_S + 60 };
  putPair(folder, 'soon', authority.issue('soon', { names: 'DNS:soon.test', ...dates }));
  putPair(folder, 'half', authority.issue('half', { names: 'DNS:half.test' }));
  unlinkSync(join(folder, 'half.key'));
  for (const stem of ['old', 'soon']) chmodSync(join(folder, `${stem}.key`), 0o600);
  chmodSync(join(folder, 'app.key'), 0o644);
  const filesOf = (stem: string) => `${join(folder, `${stem}.crt`)} and ${stem}.key`;
  const renew = 'renew it: the entry takes the new one over by itself';
  assert.deepEqual(await check({ 'entry.hosts': { 'other.test': 'demo' }, 'entry.tls.defaultCertificate': 'nobody' }), [
    `fail tls certificate half: ${join(folder, 'half.key')} cannot be read (ENOENT): ${filesOf('half')}; put both its files there, whole and of one order; ${page('sallyport-certificate-reload-failed')}`,
    `fail tls certificate old has expired: ${filesOf('old')}; ${renew}; ${page('sallyport-certificate-expired')}`,
    `fail tls certificate soon expires in 3.0 days: ${filesOf('soon')}; ${renew}; ${page('sallyport-certificate-expiring')}`,
    'warn tls no certificate is for other.test; add one, or one with a wildcard',
    'fail tls entry.tls.defaultCertificate nobody is no pair there; name one of the pairs, or leave it out',
    `warn tls ${join(folder, 'app.key')} may be read by others (mode 644); chmod 600 ${join(folder, 'app.key')}`,
  ]);
});

test('doctor knows that a pair of before may be in force where none in the folder can be used', async (t) => {
  if (!haveOpenssl(t)) return;
  const { authority, folder, check } = setUp(t);
  copyFileSync(authority.issue('other', { names: 'DNS:app.test' }).certFile, join(folder, 'app.crt'));
  const [broken, none, ...more] = await check({ 'entry.hosts': { 'app.test': 'demo' } });
  const files = `${join(folder, 'app.crt')} and app.key`;
  assert.ok(broken!.startsWith(`fail tls certificate app: its key belongs to another certificate: ${files};`), broken!);
  assert.match(
    none!,
    /^warn tls no pair there can be used: an entry that starts now .* one that runs keeps those it had/,
  );
  assert.deepEqual(more, []);
});

test('doctor tells of a folder and of other files that cannot be used', async (t) => {
  if (!haveOpenssl(t)) return;
  const { authority, folder, check } = setUp(t);
  const nowhere = join(folder, 'nowhere');
  assert.deepEqual(await check({ 'entry.tls.certificates': nowhere }), [
    `fail tls ${nowhere} cannot be read (ENOENT); make it, or correct entry.tls.certificates; ${page('sp-tls-folder')}`,
  ]);
  const ticketKeyFile = join(authority.folder, 'ticket.key');
  writeFileSync(ticketKeyFile, 'f'.repeat(64), { mode: 0o644 });
  const set = {
    'entry.tls.clientCertificates': 'optional',
    'entry.tls.clientCaFile': join(folder, 'app.key'),
    'entry.tls.ticketKeyFile': ticketKeyFile,
  };
  assert.deepEqual((await check(set)).slice(1), [
    `fail tls ${join(folder, 'app.key')} is not a file of whole certificates of authorities (PEM); put that file right: visitors are checked against it; ${page('sp-tls-file')}`,
    `warn tls ${ticketKeyFile} may be read by others (mode 644); chmod 600 ${ticketKeyFile}`,
  ]);
});

test('doctor counts on certificates that the entry has made itself, and looks at the hook that it needs for them', async (t) => {
  if (!haveOpenssl(t)) return;
  const { folder, check } = setUp(t);
  const hook = join(folder, '.hook');
  writeFileSync(hook, '#!/bin/sh\n', { mode: 0o644 });
  const set = {
    'entry.domain': 'apps.test',
    'entry.hosts': { 'app.test': 'demo', 'other.test': 'demo' },
    'entry.tls.acme.names': ['*.apps.test', 'other.test'],
    'entry.tls.acme.termsAgreed': true,
    'entry.tls.acme.challenge': 'dns-01',
    'entry.tls.acme.dnsHook': hook,
  };
  const good = 'ok tls 1 certificates, the first to expire in 30.0 days';
  const wrong = `fail tls entry.tls.acme.dnsHook ${hook} cannot be run (EACCES); correct it, or chmod +x`;
  assert.deepEqual(await check(set), [good, wrong]);
  chmodSync(hook, 0o755);
  assert.deepEqual(await check(set), [good]);
});
